// SPDX-License-Identifier: Apache-2.0
// The words that every shader is pushed, as shaders/common.glsl declares them: 128 bytes, the most
// that every Vulkan device takes.
#pragma once

#include <cstdint>

namespace mneme {

struct VulkanPush {
  std::uint64_t step = 0;  // device addresses
  std::uint64_t in[5] = {};
  std::uint64_t out[2] = {};
  std::uint32_t cols = 0;
  std::uint32_t rows = 0;
  std::uint32_t flags = 0;
  std::uint32_t types = 0;
  float eps = 0;
  std::uint32_t n_heads = 0;
  std::uint32_t n_kv_heads = 0;
  std::uint32_t head_dim = 0;
  std::uint32_t rope_dims = 0;
  std::uint32_t streams = 0;
  std::uint32_t columns = 0;
  std::uint32_t column_dims = 0;
  std::uint32_t dilation = 0;
  std::uint32_t taps = 0;
  std::uint64_t out2 = 0;
};
static_assert(sizeof(VulkanPush) == 128);

}  // namespace mneme

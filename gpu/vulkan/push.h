// SPDX-License-Identifier: Apache-2.0
// The words that every shader is pushed, as shaders/common.glsl declares them: at most 128 bytes,
// which every Vulkan device takes.
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
  std::uint32_t taps = 0;
  std::uint32_t depth = 0;
  std::uint64_t params = 0;  // device address of the op's OpParams
  std::uint64_t out2 = 0;
};
static_assert(sizeof(VulkanPush) <= 128);

}  // namespace mneme

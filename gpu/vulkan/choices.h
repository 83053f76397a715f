// SPDX-License-Identifier: Apache-2.0
// What depends on the device or on a step's size: how large workgroups are, how many values they
// take at once, how attention over a long context is shared out.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "gpu/graph.h"
#include "gpu/plan/step_limits.h"
#include "gpu/vulkan/instance.h"

namespace mneme {

// What a workgroup of shaders/matmul_many_matrix.comp makes.
struct VulkanMatrixTile {
  VulkanMatrix size;
  std::uint32_t lanes = 0;
  std::uint32_t subgroups = 0;
  std::uint32_t out_matrices = 0;    // of each subgroup ..
  std::uint32_t token_matrices = 0;  // .. for these

  std::uint32_t outs() const { return subgroups * out_matrices * size.m; }
  std::uint32_t tokens() const { return token_matrices * size.n; }
  static VulkanMatrixTile of(const VulkanPhysicalDevice& device);
};

// The sizes of workgroups on a device.
struct VulkanShape {
  std::uint32_t lanes = 0;          // of a workgroup in most shaders
  std::uint32_t row_lanes = 0;      // where it takes a whole row of a token
  std::uint32_t across = 0;         // lanes of a tile, ..
  std::uint32_t down = 0;           // .. which makes 4 across outputs for 4 down tokens
  std::uint32_t rows = 0;           // outputs of a workgroup in products of few tokens
  std::uint32_t groups_wanted = 0;  // workgroups that keep the whole device busy
  VulkanMatrixTile matrix;          // subgroups 0: the device has no matrix units

  static VulkanShape of(const VulkanPhysicalDevice& device);
};

constexpr std::uint32_t kSplitsMax = 64;  // of a token's positions

// How many of a token's positions one workgroup of an attention takes, when the step's last token
// sees `length` of them and there are `groups` workgroups without a split. A multiple of 64; the
// splits, length / positions rounded up, are at most kSplitsMax and groups_wanted / groups.
std::uint32_t split_positions(std::uint32_t length, std::uint32_t groups,
                              std::uint32_t groups_wanted);

// Heads that one workgroup takes: they read the same keys and values.
std::uint32_t heads_of_group(const AttentionParams& attention);

// What a workgroup of an attention of many tokens makes (shaders/attention_tile.comp).
struct AttentionTile {
  std::uint32_t across = 0;     // lanes that share four rows; 0: the device has no room for a tile
  std::uint32_t down = 0;       // times four: rows, each a head of a token
  std::uint32_t positions = 0;  // whose keys or values are in shared memory at once
  std::uint32_t tokens = 0;

  std::uint32_t lanes() const { return across * down; }
  std::uint32_t shared_bytes(std::uint32_t head_dim) const;
  static AttentionTile of(const VulkanPhysicalDevice& device, const AttentionParams& attention);
};

// Errors: unsupported. Shaders count the values of a state in 32 bits.
Status check_state_sizes(const Graph& graph, const StepLimits& limits);

}  // namespace mneme

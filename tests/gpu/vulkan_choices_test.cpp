// SPDX-License-Identifier: Apache-2.0
// How work is shared out on devices of different sizes; nothing here needs a device.
#include <gtest/gtest.h>

#include <algorithm>

#include "gpu/vulkan/choices.h"
#include "gpu/vulkan/vulkan_plan.h"

namespace mneme {
namespace {

std::uint32_t splits_of(std::uint32_t length, std::uint32_t positions) {
  return (length + positions - 1) / positions;
}

TEST(VulkanChoices, SplitsFillTheDeviceAndNeverMore) {
  for (const std::uint32_t wanted : {1u, 8u, 128u, 512u}) {
    for (const std::uint32_t groups : {1u, 3u, 8u, 9u, 64u, 700u}) {
      for (std::uint32_t length = 1; length < 40000; length += 1 + length / 7) {
        const std::uint32_t positions = split_positions(length, groups, wanted);
        const std::uint32_t splits = splits_of(length, positions);
        EXPECT_EQ(positions % 64, 0u);
        EXPECT_LE(splits, kSplitsMax);
        EXPECT_LE(splits, std::max(1u, wanted / groups));
        if (positions > 128) {  // one step less would make too many
          EXPECT_LT((positions - 64) * std::clamp(wanted / groups, 1u, kSplitsMax), length);
        }
      }
    }
  }
}

TEST(VulkanChoices, AShortContextIsNotSplit) {
  EXPECT_EQ(splits_of(128, split_positions(128, 3, 512)), 1u);
  EXPECT_EQ(splits_of(129, split_positions(129, 3, 512)), 2u);
  EXPECT_EQ(splits_of(4096, split_positions(4096, 8, 512)), 32u);
}

TEST(VulkanChoices, SplitsAreJoinedOnlyWhereThereAreSeveral) {
  const VulkanGrid parts{VulkanGrid::Kind::splits, 3};
  const VulkanGrid joins{VulkanGrid::Kind::joins, 9};
  EXPECT_EQ(parts.groups(2, 1, {}).z, 1u);
  EXPECT_EQ(joins.groups(2, 1, {}).x, 0u);
  EXPECT_EQ(parts.groups(2, 5, {}).z, 5u);
  EXPECT_EQ(joins.groups(2, 5, {}).x * joins.groups(2, 5, {}).y, 18u);
}

TEST(VulkanChoices, TilesAreOfOneSequence) {
  const VulkanGrid grid{VulkanGrid::Kind::runs, 3, 1, 8};
  const std::vector<SequenceRun> one{{16, 0, 0}};
  const std::vector<SequenceRun> three{{1, 0, 0}, {9, 0, 1}, {6, 0, 2}};
  EXPECT_EQ(grid.groups(16, 1, one).y, 2u);
  EXPECT_EQ(grid.groups(16, 1, three).y, 4u);
}

TEST(VulkanChoices, HeadsOfAWorkgroupShareKeysAndValues) {
  const auto heads = [](int n_heads, int n_kv_heads, int dim) {
    AttentionParams params{};
    params.n_heads = n_heads;
    params.n_kv_heads = n_kv_heads;
    params.head_dim = dim;
    return heads_of_group(params);
  };
  EXPECT_EQ(heads(9, 3, 64), 3u);
  EXPECT_EQ(heads(32, 8, 64), 4u);
  EXPECT_EQ(heads(12, 1, 96), 6u);  // twice six of twelve
  EXPECT_EQ(heads(11, 1, 64), 1u);
  EXPECT_EQ(heads(64, 8, 256), 4u);
  EXPECT_EQ(heads(8, 1, 1024), 1u);
}

TEST(VulkanChoices, AnAttentionsTileFitsIntoSharedMemoryOrThereIsNone) {
  VulkanPhysicalDevice device;
  device.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  device.lanes_max = 1024;
  AttentionParams params{};
  for (const std::uint32_t kilobytes : {16u, 32u, 48u, 64u}) {
    device.shared_bytes_max = kilobytes << 10;
    for (const int heads : {1, 3, 4, 5, 8, 64}) {
      for (const int dim : {8, 22, 64, 80, 128, 160, 256, 1024}) {
        params.n_heads = heads;
        params.n_kv_heads = 1;
        params.head_dim = dim;
        const AttentionTile tile = AttentionTile::of(device, params);
        if (tile.across == 0) continue;
        EXPECT_LE(tile.shared_bytes(static_cast<std::uint32_t>(dim)), device.shared_bytes_max);
        EXPECT_GE(tile.tokens, 2u);
        EXPECT_LE(tile.tokens * heads_of_group(params), 4 * tile.down);
        EXPECT_EQ(tile.positions % tile.across, 0u);
      }
    }
  }
  params.n_heads = 32;
  params.n_kv_heads = 8;
  params.head_dim = 128;
  device.shared_bytes_max = 48 << 10;
  EXPECT_EQ(AttentionTile::of(device, params).positions, 32u);
  device.shared_bytes_max = 32 << 10;
  EXPECT_EQ(AttentionTile::of(device, params).positions, 16u);
  EXPECT_EQ(AttentionTile::of(device, params).tokens, 8u);
  params.head_dim = 256;
  EXPECT_EQ(AttentionTile::of(device, params).across, 0u);
}

}  // namespace
}  // namespace mneme

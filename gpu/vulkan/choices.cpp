// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/choices.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace mneme {
namespace {

constexpr std::uint32_t kSplitStep = 64;    // positions
constexpr std::uint32_t kSplitLeast = 128;  // positions that are worth a workgroup and its joining
constexpr std::uint32_t kGroupHeads = 8;    // their sums must fit in registers ..
constexpr std::uint32_t kGroupValues = 1024;  // .. and their queries in shared memory
constexpr std::uint32_t kMatrixSums = 64;     // of a tile, that a lane keeps in registers

std::uint32_t divided(std::uint32_t a, std::uint32_t b) {
  return (a + b - 1) / b;
}

}  // namespace

VulkanMatrixTile VulkanMatrixTile::of(const VulkanPhysicalDevice& device) {
  if (device.matrix.m == 0) return {};
  VulkanMatrixTile tile;
  tile.size = device.matrix;
  tile.subgroups = std::min(4u, device.lanes_max / device.subgroup_size);
  tile.lanes = tile.subgroups * device.subgroup_size;
  tile.out_matrices = 32 / tile.size.m;
  tile.token_matrices = 64 / tile.size.n;
  const auto sums = [&] {  // of a lane
    return tile.out_matrices * tile.token_matrices * tile.size.m * tile.size.n /
           device.subgroup_size;
  };
  while (sums() > kMatrixSums && tile.out_matrices > 1) tile.out_matrices /= 2;
  while (sums() > kMatrixSums && tile.token_matrices > 1) tile.token_matrices /= 2;
  const std::uint32_t shared =
      (tile.outs() + tile.tokens()) * 40 * 2 + tile.subgroups * tile.size.m * tile.size.n * 4;
  return shared <= device.shared_bytes_max ? tile : VulkanMatrixTile{};
}

VulkanShape VulkanShape::of(const VulkanPhysicalDevice& device) {
  // A processor that plays a GPU has no lanes to hide latency with: one subgroup is best.
  if (device.type == VK_PHYSICAL_DEVICE_TYPE_CPU) {
    return {device.subgroup_size,
            device.subgroup_size,
            2,
            std::max(1u, device.subgroup_size / 2),
            1,
            8,
            {}};
  }
  // Vulkan does not say how many processors a device has; a card may have 150, each wants a few.
  const std::uint32_t wanted = device.type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU ? 512 : 128;
  const std::uint32_t lanes = std::max(64u, device.subgroup_size);
  // One token's row is all there is to do then: many lanes, each with few values to wait for.
  // Shaders keep a value for each of up to 64 subgroups.
  const std::uint32_t row_lanes = std::min({256u, device.lanes_max, 64 * device.subgroup_size});
  const bool large = device.shared_bytes_max >= (32u << 10) && device.lanes_max >= 256;
  const std::uint32_t side = large ? 16 : 8;
  return {lanes, row_lanes, side, side, 2, wanted, VulkanMatrixTile::of(device)};
}

std::uint32_t split_positions(std::uint32_t length, std::uint32_t groups,
                              std::uint32_t groups_wanted) {
  const std::uint32_t splits = std::clamp(groups_wanted / std::max(1u, groups), 1u, kSplitsMax);
  return std::max(kSplitLeast, divided(divided(length, splits), kSplitStep) * kSplitStep);
}

std::uint32_t heads_of_group(const AttentionParams& attention) {
  const auto shared = static_cast<std::uint32_t>(attention.n_heads / attention.n_kv_heads);
  const auto dim = static_cast<std::uint32_t>(attention.head_dim);
  std::uint32_t heads = std::min({shared, kGroupHeads, std::max(1u, kGroupValues / dim)});
  while (shared % heads != 0) --heads;
  return heads;
}

std::uint32_t AttentionTile::shared_bytes(std::uint32_t head_dim) const {
  const std::uint32_t rows = 4 * down;
  const std::uint32_t row_vectors = divided(head_dim, 4) | 1u;
  return 16 * row_vectors * (rows + positions) + 4 * rows * (positions + across);
}

AttentionTile AttentionTile::of(const VulkanPhysicalDevice& device,
                                const AttentionParams& attention) {
  const std::uint32_t across = device.type == VK_PHYSICAL_DEVICE_TYPE_CPU ? 8 : 16;
  const std::uint32_t heads = heads_of_group(attention);
  for (const auto& [down, positions] :
       {std::pair<std::uint32_t, std::uint32_t>{8, 32}, {8, 16}, {4, 16}}) {
    const AttentionTile tile{across, down, positions, 4 * down / heads};
    if (tile.tokens > 1 && tile.lanes() <= device.lanes_max &&
        tile.shared_bytes(static_cast<std::uint32_t>(attention.head_dim)) <=
            device.shared_bytes_max) {
      return tile;
    }
  }
  return {};
}

Status check_state_sizes(const Graph& graph, const StepLimits& limits) {
  for (const Tensor& x : graph.tensors) {
    if (x.role != TensorRole::state) continue;
    const std::int64_t values = limits.sequences_max * x.rows * x.cols;
    if (values <= std::numeric_limits<std::uint32_t>::max()) continue;
    return Error{ErrorCode::unsupported,
                 fmt::format("{} would have {} values, more than Mneme's shaders can count: choose a "
                             "shorter context, or fewer sequences at a time",
                             x.name, values)};
  }
  return {};
}

}  // namespace mneme

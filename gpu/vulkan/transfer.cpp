// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/transfer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mneme {
namespace {

constexpr std::size_t kStagingBytes = std::size_t{8} << 20;

}  // namespace

VulkanTransfer::~VulkanTransfer() {
  if (commands_ != VK_NULL_HANDLE) {
    device_->api().FreeCommandBuffers(device_->handle(), device_->command_pool(), 1, &commands_);
  }
}

Status VulkanTransfer::prepare() {
  if (commands_ != VK_NULL_HANDLE) return {};
  auto staging = memory_->alloc(kStagingBytes, VulkanMemoryUse::host);
  if (!staging) return staging.error();
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = device_->command_pool();
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  const VkResult result =
      device_->api().AllocateCommandBuffers(device_->handle(), &info, &commands_);
  if (result != VK_SUCCESS) {
    commands_ = VK_NULL_HANDLE;
    return device_->error(result, "making a command buffer");
  }
  staging_ = std::move(*staging);
  return {};
}

Status VulkanTransfer::begin() {
  VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  const VkResult result = device_->api().BeginCommandBuffer(commands_, &info);
  if (result != VK_SUCCESS) return device_->error(result, "recording a copy");
  return {};
}

Status VulkanTransfer::run() {
  VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  device_->api().CmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                    VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr, 0,
                                    nullptr);
  const VkResult result = device_->api().EndCommandBuffer(commands_);
  if (result != VK_SUCCESS) return device_->error(result, "recording a copy");
  device_->submit(commands_);
  const auto done = device_->wait();
  if (!done) return done.error();
  return {};
}

Status VulkanTransfer::copy(std::uint64_t address, std::size_t bytes, Direction direction) {
  RETURN_IF_ERROR(begin());
  const VulkanMemory::Place far = memory_->place(address);
  const VulkanMemory::Place near = memory_->place(staging_.handle());
  const bool up = direction == Direction::up;
  const VkBufferCopy region{up ? near.offset : far.offset, up ? far.offset : near.offset, bytes};
  device_->api().CmdCopyBuffer(commands_, up ? near.buffer : far.buffer,
                               up ? far.buffer : near.buffer, 1, &region);
  return run();
}

Status VulkanTransfer::upload(std::uint64_t address, std::span<const std::byte> bytes) {
  RETURN_IF_ERROR(prepare());
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kStagingBytes));
    std::memcpy(staging_.host().data(), part.data(), part.size());
    RETURN_IF_ERROR(copy(address, part.size(), Direction::up));
    address += part.size();
    bytes = bytes.subspan(part.size());
  }
  return {};
}

Status VulkanTransfer::download(std::uint64_t address, std::span<std::byte> bytes) {
  RETURN_IF_ERROR(prepare());
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kStagingBytes));
    RETURN_IF_ERROR(copy(address, part.size(), Direction::down));
    std::memcpy(part.data(), staging_.host().data(), part.size());
    address += part.size();
    bytes = bytes.subspan(part.size());
  }
  return {};
}

Status VulkanTransfer::zero(std::uint64_t address, std::size_t bytes) {
  RETURN_IF_ERROR(prepare());
  RETURN_IF_ERROR(begin());
  const VulkanMemory::Place place = memory_->place(address);
  // Pieces are multiples of 256 bytes, so that rounding up stays inside.
  device_->api().CmdFillBuffer(commands_, place.buffer, place.offset, (bytes + 3) / 4 * 4, 0);
  return run();
}

}  // namespace mneme

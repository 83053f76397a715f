// SPDX-License-Identifier: Apache-2.0
// Copies between the host and device memory, through a small buffer that both see. Engine thread
// only; every call returns when its copy is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "gpu/vulkan/device.h"
#include "gpu/vulkan/memory.h"

namespace mneme {

class VulkanTransfer {
 public:
  VulkanTransfer(std::shared_ptr<VulkanDevice> device, std::shared_ptr<VulkanMemory> memory)
      : device_(std::move(device)), memory_(std::move(memory)) {}
  ~VulkanTransfer();
  VulkanTransfer(const VulkanTransfer&) = delete;
  VulkanTransfer& operator=(const VulkanTransfer&) = delete;

  Status upload(std::uint64_t address, std::span<const std::byte> bytes);
  Status download(std::uint64_t address, std::span<std::byte> bytes);
  Status zero(std::uint64_t address, std::size_t bytes);

 private:
  enum class Direction : std::uint8_t { up, down };
  Status prepare();  // the buffer and the commands, at the first call
  Status begin();
  Status run();  // what was recorded since begin()
  Status copy(std::uint64_t address, std::size_t bytes, Direction direction);

  const std::shared_ptr<VulkanDevice> device_;
  const std::shared_ptr<VulkanMemory> memory_;
  Buffer staging_;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Gives out pieces of a few large allocations, since drivers limit how many there may be. A piece
// is known by its device address, which shaders use as it is. Engine thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "gpu/backend_buffer.h"
#include "gpu/vulkan/device.h"

namespace mneme {

enum class VulkanMemoryUse : std::uint8_t {
  device,  // only the device touches it
  step,    // the host writes it once a step, the device reads it often
  host,    // both read and write it
};

class VulkanMemory : public std::enable_shared_from_this<VulkanMemory> {
 public:
  explicit VulkanMemory(std::shared_ptr<VulkanDevice> device) : device_(std::move(device)) {}
  ~VulkanMemory();
  VulkanMemory(const VulkanMemory&) = delete;
  VulkanMemory& operator=(const VulkanMemory&) = delete;

  // Aligned to 256 bytes; `handle()` is the device address. Contents are whatever was there. The
  // buffer keeps the device open. Errors: out_of_memory, device.
  Result<Buffer> alloc(std::size_t bytes, VulkanMemoryUse use);

  struct Place {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize offset = 0;
  };
  Place place(std::uint64_t address) const;  // of a piece, or inside one

  // Of the device's memory, now and at most until now.
  std::uint64_t taken_bytes() const { return taken_bytes_; }
  std::uint64_t taken_max_bytes() const { return taken_max_bytes_; }

 private:
  struct Block {
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkBuffer buffer = VK_NULL_HANDLE;
    std::uint64_t address = 0;
    std::size_t size = 0;
    std::byte* host = nullptr;
    VulkanMemoryUse use = VulkanMemoryUse::device;
    std::map<std::size_t, std::size_t> gaps;  // offset -> size
  };

  Result<Block*> new_block(std::size_t bytes, VulkanMemoryUse use);
  Status back(Block& block, VkDeviceSize bytes, std::uint32_t types);
  std::vector<std::uint32_t> candidates(VulkanMemoryUse use, std::uint32_t types) const;
  Buffer cut(Block& block, std::size_t bytes, std::size_t asked);
  void release(std::uint64_t address, std::size_t bytes);
  void destroy(const Block& block);

  const std::shared_ptr<VulkanDevice> device_;
  std::map<std::uint64_t, Block> blocks_;  // by address
  std::uint64_t taken_bytes_ = 0;
  std::uint64_t taken_max_bytes_ = 0;
};

}  // namespace mneme

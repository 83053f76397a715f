// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/round_up.h"

namespace mneme {
namespace {

constexpr std::size_t kAllocationAlign = 256;
constexpr std::size_t kBlockBytes = std::size_t{32} << 20;

}  // namespace

VulkanMemory::~VulkanMemory() {
  for (const auto& [address, block] : blocks_) destroy(block);
}

void VulkanMemory::destroy(const Block& block) {
  const VulkanApi& api = device_->api();
  api.DestroyBuffer(device_->handle(), block.buffer, nullptr);
  api.FreeMemory(device_->handle(), block.memory, nullptr);
}

Result<Buffer> VulkanMemory::alloc(std::size_t asked, VulkanMemoryUse use) {
  if (asked > device_->physical().allocation_bytes_max - kAllocationAlign) {
    return Error{ErrorCode::out_of_memory,
                 fmt::format("{} gives at most {:.1f} GB in one piece, {:.1f} GB are needed",
                             device_->physical().name,
                             static_cast<double>(device_->physical().allocation_bytes_max) / 1e9,
                             static_cast<double>(asked) / 1e9)};
  }
  const std::size_t bytes = std::max(kAllocationAlign, round_up(asked, kAllocationAlign));
  for (auto& [address, block] : blocks_) {
    if (block.use != use) continue;
    const auto fits = [&](const auto& gap) { return gap.second >= bytes; };
    if (std::any_of(block.gaps.begin(), block.gaps.end(), fits)) return cut(block, bytes, asked);
  }
  auto block = new_block(bytes, use);
  if (!block) return block.error();
  return cut(**block, bytes, asked);
}

Buffer VulkanMemory::cut(Block& block, std::size_t bytes, std::size_t asked) {
  const auto gap = std::find_if(block.gaps.begin(), block.gaps.end(),
                                [&](const auto& g) { return g.second >= bytes; });
  const auto [offset, size] = *gap;
  block.gaps.erase(gap);
  if (size > bytes) block.gaps.emplace(offset + bytes, size - bytes);
  std::byte* host = block.host == nullptr ? nullptr : block.host + offset;
  return Buffer(
      block.address + offset, asked, host,
      [self = shared_from_this(), bytes](std::uint64_t address) { self->release(address, bytes); });
}

void VulkanMemory::release(std::uint64_t address, std::size_t bytes) {
  // Work that uses it may still run. What the wait says is told by the next finish() too.
  if (device_->busy()) (void)device_->wait();
  const auto found = std::prev(blocks_.upper_bound(address));
  Block& block = found->second;
  const auto [gap, fresh] =
      block.gaps.emplace(static_cast<std::size_t>(address - block.address), bytes);
  CHECK(fresh);
  const auto next = std::next(gap);
  if (next != block.gaps.end() && gap->first + gap->second == next->first) {
    gap->second += next->second;
    block.gaps.erase(next);
  }
  if (gap != block.gaps.begin()) {
    const auto before = std::prev(gap);
    if (before->first + before->second == gap->first) {
      before->second += gap->second;
      block.gaps.erase(gap);
    }
  }
  if (block.gaps.begin()->second == block.size) {
    if (block.use == VulkanMemoryUse::device) taken_bytes_ -= block.size;
    destroy(block);
    blocks_.erase(found);
  }
}

VulkanMemory::Place VulkanMemory::place(std::uint64_t address) const {
  const auto after = blocks_.upper_bound(address);
  CHECK(after != blocks_.begin());
  const Block& block = std::prev(after)->second;
  CHECK(address - block.address < block.size);
  return {block.buffer, address - block.address};
}

// The kinds of memory that serve a use, best first.
std::vector<std::uint32_t> VulkanMemory::candidates(VulkanMemoryUse use,
                                                    std::uint32_t types) const {
  constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  constexpr VkMemoryPropertyFlags kMapped =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  VkMemoryPropertyFlags needed = kMapped;
  VkMemoryPropertyFlags wanted = kCached;
  if (use == VulkanMemoryUse::device) {
    needed = kLocal;
    wanted = 0;
  } else if (use == VulkanMemoryUse::step) {
    wanted = kLocal;
  }
  VkPhysicalDeviceMemoryProperties2 properties{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  device_->api().GetPhysicalDeviceMemoryProperties2(device_->physical().handle, &properties);
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < properties.memoryProperties.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = properties.memoryProperties.memoryTypes[i].propertyFlags;
    if ((types >> i & 1u) != 0 && (flags & needed) == needed) all.push_back(i);
  }
  std::stable_partition(all.begin(), all.end(), [&](std::uint32_t i) {
    return (properties.memoryProperties.memoryTypes[i].propertyFlags & wanted) == wanted;
  });
  return all;
}

Result<VulkanMemory::Block*> VulkanMemory::new_block(std::size_t bytes, VulkanMemoryUse use) {
  const VulkanApi& api = device_->api();
  Block block;
  block.use = use;
  block.size = use == VulkanMemoryUse::device ? std::max(bytes, kBlockBytes) : bytes;
  VkBufferCreateInfo create{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  create.size = block.size;
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
                 VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  const VkResult result = api.CreateBuffer(device_->handle(), &create, nullptr, &block.buffer);
  if (result != VK_SUCCESS)
    return device_->error(result, fmt::format("a buffer of {} bytes", bytes));
  VkMemoryRequirements requirements{};
  api.GetBufferMemoryRequirements(device_->handle(), block.buffer, &requirements);
  if (const Status status = back(block, requirements.size, requirements.memoryTypeBits); !status) {
    destroy(block);
    return status.error();
  }
  const VkBufferDeviceAddressInfo address{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, nullptr,
                                          block.buffer};
  block.address = api.GetBufferDeviceAddress(device_->handle(), &address);
  block.gaps.emplace(0, block.size);
  if (use == VulkanMemoryUse::device) taken_bytes_ += block.size;
  taken_max_bytes_ = std::max(taken_max_bytes_, taken_bytes_);
  return &blocks_.emplace(block.address, std::move(block)).first->second;
}

// Finds memory for a block's buffer and maps it where the host needs it.
Status VulkanMemory::back(Block& block, VkDeviceSize bytes, std::uint32_t types) {
  const VulkanApi& api = device_->api();
  VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &flags};
  allocate.allocationSize = bytes;
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  for (const std::uint32_t type : candidates(block.use, types)) {
    allocate.memoryTypeIndex = type;
    result = api.AllocateMemory(device_->handle(), &allocate, nullptr, &block.memory);
    if (result != VK_ERROR_OUT_OF_DEVICE_MEMORY) break;
  }
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
    const VulkanInstance::Heap heap = device_->instance().memory(device_->physical());
    return Error{
        ErrorCode::out_of_memory,
        fmt::format("{} has no room for another {:.1f} MB: this model has {:.1f} MB of its "
                    "{:.1f} MB",
                    device_->physical().name, static_cast<double>(bytes) / 1e6,
                    static_cast<double>(taken_bytes_) / 1e6,
                    static_cast<double>(heap.total_bytes) / 1e6)};
  }
  if (result != VK_SUCCESS) {
    return device_->error(result, fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6));
  }
  result = api.BindBufferMemory(device_->handle(), block.buffer, block.memory, 0);
  if (result != VK_SUCCESS) return device_->error(result, "binding memory");
  if (block.use == VulkanMemoryUse::device) return {};
  void* host = nullptr;
  result = api.MapMemory(device_->handle(), block.memory, 0, VK_WHOLE_SIZE, 0, &host);
  if (result != VK_SUCCESS) return device_->error(result, "mapping memory");
  block.host = static_cast<std::byte*>(host);
  return {};
}

}  // namespace mneme

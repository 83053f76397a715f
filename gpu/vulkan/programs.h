// SPDX-License-Identifier: Apache-2.0
// Compiled shaders of one device. The driver's own compilations are kept on disk between runs;
// a file that another driver, device or build wrote, or that is damaged, is ignored.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpu/vulkan/device.h"

namespace mneme {

class VulkanPrograms {
 public:
  // `cache_folder`: where compilations are kept; "" = nowhere. Errors: device, out_of_memory.
  static Result<std::unique_ptr<VulkanPrograms>> open(std::shared_ptr<VulkanDevice> device,
                                                      const std::string& cache_folder);
  ~VulkanPrograms();  // writes the cache
  VulkanPrograms(const VulkanPrograms&) = delete;
  VulkanPrograms& operator=(const VulkanPrograms&) = delete;

  // A shader ("matmul_few_Q4_1") with its specialisation constants, 0 first: the lanes of a
  // workgroup. Compiled at the first call. `matrix`: its subgroups make matrices together, so that
  // none may lack lanes.
  Result<VkPipeline> get(std::string_view shader, std::vector<std::uint32_t> constants,
                         bool matrix = false);
  VkPipelineLayout layout() const { return layout_; }

  // True when the last run's compilations were found on disk.
  bool cache_was_read() const { return cache_was_read_; }

 private:
  explicit VulkanPrograms(std::shared_ptr<VulkanDevice> device) : device_(std::move(device)) {}
  std::vector<std::byte> read_cache() const;
  void write_cache() const;

  const std::shared_ptr<VulkanDevice> device_;
  std::string cache_path_;
  bool cache_was_read_ = false;
  std::size_t cache_bytes_ = 0;  // as read
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::map<std::pair<std::string, std::vector<std::uint32_t>>, VkPipeline> pipelines_;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/programs.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/check.h"
#include "base/log.h"
#include "base/output_file.h"
#include "base/sha256.h"
#include "gpu/vulkan/push.h"
#include "gpu/vulkan/shaders.h"

namespace mneme {
namespace {

constexpr std::size_t kDigestChars = 64;
constexpr std::size_t kCacheBytesMax = 64 << 20;

}  // namespace

Result<std::unique_ptr<VulkanPrograms>> VulkanPrograms::open(std::shared_ptr<VulkanDevice> device,
                                                             const std::string& cache_folder) {
  std::unique_ptr<VulkanPrograms> self(new VulkanPrograms(std::move(device)));
  VulkanDevice& d = *self->device_;
  VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(VulkanPush)};
  VkPipelineLayoutCreateInfo layout{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &range;
  VkResult result = d.api().CreatePipelineLayout(d.handle(), &layout, nullptr, &self->layout_);
  if (result != VK_SUCCESS) return d.error(result, "making a pipeline layout");
  if (!cache_folder.empty()) {
    self->cache_path_ = cache_folder + "/vulkan-";
    for (const std::uint8_t byte : d.physical().cache_uuid) {
      self->cache_path_ += fmt::format("{:02x}", byte);
    }
    self->cache_path_ += ".bin";
  }
  const std::vector<std::byte> kept = self->read_cache();
  self->cache_was_read_ = !kept.empty();
  self->cache_bytes_ = kept.size();
  VkPipelineCacheCreateInfo cache{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  cache.initialDataSize = kept.size();
  cache.pInitialData = kept.data();
  result = d.api().CreatePipelineCache(d.handle(), &cache, nullptr, &self->cache_);
  if (result != VK_SUCCESS) return d.error(result, "making a pipeline cache");
  return self;
}

VulkanPrograms::~VulkanPrograms() {
  const VulkanApi& api = device_->api();
  if (cache_ != VK_NULL_HANDLE) write_cache();
  for (const auto& [key, pipeline] : pipelines_) {
    api.DestroyPipeline(device_->handle(), pipeline, nullptr);
  }
  api.DestroyPipelineCache(device_->handle(), cache_, nullptr);
  api.DestroyPipelineLayout(device_->handle(), layout_, nullptr);
}

Result<VkPipeline> VulkanPrograms::get(std::string_view shader,
                                       std::vector<std::uint32_t> constants, bool matrix) {
  const auto key = std::make_pair(std::string(shader), std::move(constants));
  if (const auto found = pipelines_.find(key); found != pipelines_.end()) return found->second;
  const std::span<const std::uint32_t> words = shader_words(shader);
  CHECK(!words.empty());
  const VulkanApi& api = device_->api();
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = words.size_bytes();
  module_info.pCode = words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  VkResult result = api.CreateShaderModule(device_->handle(), &module_info, nullptr, &module);
  if (result != VK_SUCCESS) return device_->error(result, fmt::format("reading {}", shader));

  std::vector<VkSpecializationMapEntry> entries;
  for (std::uint32_t i = 0; i < key.second.size(); ++i) entries.push_back({i, 4 * i, 4});
  const VkSpecializationInfo specialization{static_cast<std::uint32_t>(entries.size()),
                                            entries.data(), 4 * entries.size(), key.second.data()};
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  if (matrix) info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &specialization;
  info.layout = layout_;
  VkPipeline pipeline = VK_NULL_HANDLE;
  result = api.CreateComputePipelines(device_->handle(), cache_, 1, &info, nullptr, &pipeline);
  api.DestroyShaderModule(device_->handle(), module, nullptr);
  if (result != VK_SUCCESS) return device_->error(result, fmt::format("compiling {}", shader));
  pipelines_.emplace(key, pipeline);
  return pipeline;
}

// The file: a SHA-256 in hex, then the driver's bytes. The driver checks its own header.
std::vector<std::byte> VulkanPrograms::read_cache() const {
  if (cache_path_.empty()) return {};
  std::ifstream file(cache_path_, std::ios::binary);
  std::vector<char> all(kDigestChars + kCacheBytesMax + 1);
  file.read(all.data(), static_cast<std::streamsize>(all.size()));
  const auto size = static_cast<std::size_t>(file.gcount());
  if (size <= kDigestChars || size == all.size()) return {};
  const auto bytes = std::as_bytes(std::span(all).subspan(kDigestChars, size - kDigestChars));
  if (sha256_hex(bytes) != std::string_view(all.data(), kDigestChars)) return {};
  return {bytes.begin(), bytes.end()};
}

void VulkanPrograms::write_cache() const {
  if (cache_path_.empty() || pipelines_.empty()) return;
  std::size_t size = 0;
  if (device_->api().GetPipelineCacheData(device_->handle(), cache_, &size, nullptr) !=
      VK_SUCCESS) {
    return;
  }
  if (size == 0 || size > kCacheBytesMax || size == cache_bytes_) return;
  std::vector<std::byte> bytes(size);
  if (device_->api().GetPipelineCacheData(device_->handle(), cache_, &size, bytes.data()) !=
      VK_SUCCESS) {
    return;
  }
  bytes.resize(size);
  // A cache that cannot be written, as while another process writes it, costs time at the next
  // start and nothing else.
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(cache_path_).parent_path(), error);
  auto file = OutputFile::open(cache_path_, {.replace_open = true, .sync = false});
  const std::string digest = sha256_hex(bytes);
  if (file && file->append(std::as_bytes(std::span(digest))) && file->append(bytes)) {
    const Status finished = file->finish();
    if (!finished) log_info("gpu", "{}", finished.error().message);
  }
}

}  // namespace mneme

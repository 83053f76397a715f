// SPDX-License-Identifier: Apache-2.0
#include "inference/run/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "gpu/registry.h"
#include "inference/model/kv_cache.h"
#include "inference/run/session.h"

namespace mneme {
namespace {

constexpr std::int64_t kContextDefaultMax = 8192;
constexpr std::int64_t kContextMin = 16;

std::uint64_t available_memory() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  std::uint64_t kib = 0;
  std::string rest;
  while (meminfo >> key >> kib && std::getline(meminfo, rest)) {
    if (key == "MemAvailable:") return kib * 1024;
  }
  return 0;
}

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

// "model needs ... What would fit: ...", of a device that can give `room` bytes, in `room_words`.
std::string does_not_fit(const Backend& backend, const MemoryEstimate& needs, std::int64_t context,
                         std::uint64_t room, std::string_view room_words) {
  const std::uint64_t fixed = needs.weights_bytes + needs.scratch_bytes;
  const std::uint64_t per_token = needs.kv_bytes / static_cast<std::uint64_t>(context);
  auto fitting = room > fixed ? static_cast<std::int64_t>((room - fixed) / per_token) / 16 * 16 : 0;
  // Where the estimate was too low, by an unknown sum: a context that is smaller in any case.
  if (fitting >= context) fitting = context / 2 / 16 * 16;
  std::string would = "a smaller model, or the CPU (--device cpu)";
  if (fitting >= kContextMin) {
    would = fmt::format("a context of {} tokens (--ctx {}), or the CPU (--device cpu)", fitting,
                        fitting);
  }
  return fmt::format(
      "model needs {:.1f} MB on {}: weights {:.1f}, a context of {} tokens {:.1f}, working memory "
      "{:.1f}. {:.1f} MB {}. What would fit: {}",
      megabytes(needs.device_bytes()), backend.description(), megabytes(needs.weights_bytes),
      context, megabytes(needs.kv_bytes), megabytes(needs.scratch_bytes), megabytes(room),
      room_words, would);
}

}  // namespace

Result<std::int64_t> choose_context(const EngineOptions& options, const ModelConfig& config) {
  if (options.context == 0) return std::min(config.context_length, kContextDefaultMax);
  if (options.context < kContextMin || options.context > config.context_length) {
    return Error{ErrorCode::invalid,
                 fmt::format("a context of {} tokens is not possible: {} takes {} to {}",
                             options.context, config.name, kContextMin, config.context_length)};
  }
  return options.context;
}

NumericMode numeric_mode(const EngineOptions& options) {
  return options.exact ? NumericMode::exact : NumericMode::fast;
}

Result<MemoryEstimate> estimate_memory(const EngineOptions& options) {
  auto file = GgufFile::open(options.model_path);
  if (!file) return file.error();
  auto config = ModelConfig::from_gguf(*file);
  if (!config) return config.error();
  auto context = choose_context(options, *config);
  if (!context) return context.error();
  MemoryEstimate estimate = estimate_memory(*file, *config, *context, options);
  if (options.device == "cpu" || options.device == "auto") return estimate;
  estimate.repacked_bytes = 0;  // only the CPU's kernels have an order of their own
  for (const DeviceInfo& device : list_devices()) {
    if (device.id == options.device || device.id == options.device + ":0") {
      estimate.free_bytes = device.free_bytes;
    }
  }
  return estimate;
}

MemoryEstimate estimate_memory(const GgufFile& file, const ModelConfig& config,
                               std::int64_t context, const EngineOptions& options) {
  MemoryEstimate estimate;
  estimate.weights_bytes = file.file_size();
  std::int64_t conv_width = 0;
  if (options.memory != "off") {
    // The widest case: which pack will be taken is known only after the tokenizer was read.
    conv_width = 2 * config.dim;
    estimate.row_cache_bytes = options.ram_budget > 0 ? options.ram_budget : 8 << 20;
  }
  estimate.kv_bytes = kv_cache_bytes(config, conv_width, context, numeric_mode(options));
  const SessionOptions session;
  // Which device `auto` takes is not known yet: the most that any wants.
  const std::int64_t chunk = options.device == "cpu" ? session.chunk_tokens : kChunkTokensMax;
  // A plan without the memory and one with it. The most that lives at once: the residual, attention
  // with its partial sums, or a layer's inner rows, and these again as products take them.
  const std::int64_t plans = options.memory == "off" ? 1 : 2;
  const std::int64_t activations = plans * chunk * (8 * config.dim + 4 * config.hidden_dim);
  estimate.scratch_bytes =
      4 * static_cast<std::uint64_t>(activations + session.outputs_max * config.vocab_size);
  estimate.free_bytes = available_memory();
  std::uint64_t quantised = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.dtype && dtype_info(*tensor.dtype).block_values > 1)
      quantised += tensor.bytes.size();
  }
  // The CPU makes its copies only where half of the free memory holds them.
  if (quantised <= estimate.free_bytes / 2) estimate.repacked_bytes = quantised;
  return estimate;
}

Status check_device_memory(const Backend& backend, const MemoryEstimate& needs,
                           std::int64_t context) {
  if (backend.name() == "cpu") return {};
  const std::uint64_t free = backend.memory().free_bytes;
  if (needs.device_bytes() <= free) return {};
  return Error{ErrorCode::out_of_memory,
               "the " + does_not_fit(backend, needs, context, free, "are free there")};
}

Error explain_failed_load(const Error& failed, const Backend& backend, const MemoryEstimate& needs,
                          std::int64_t context) {
  if (failed.code != ErrorCode::out_of_memory || backend.name() == "cpu") return failed;
  const MemoryInfo memory = backend.memory();
  // Free memory that is enough and yet could not be had: then only what the load held is known.
  const bool free_tells = memory.free_bytes < needs.device_bytes();
  return Error{failed.code,
               failed.message + ". The " +
                   does_not_fit(backend, needs, context,
                                free_tells ? memory.free_bytes : memory.held_max_bytes,
                                free_tells ? "are free there now" : "could be had there")};
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/run/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/exceptions.h"
#include "base/system_memory.h"
#include "engram/table_store.h"
#include "gpu/registry.h"
#include "inference/model/build_graph.h"
#include "inference/model/kv_cache.h"
#include "inference/run/session.h"
#include "inference/text/read_tokenizer.h"

namespace mneme {
namespace {

constexpr std::int64_t kContextDefaultMax = 8192;
constexpr std::int64_t kContextMin = 16;

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

// What of a model would fit into `room` bytes of a device, and how to ask for it. `layers` did not.
std::string what_would_fit(const MemoryEstimate& needs, std::int64_t layers, std::int64_t context,
                           std::uint64_t room) {
  std::string would;
  const auto offer = [&](const std::string& words) { would += words + ", or "; };
  const bool with_rows = needs.layers() - layers <= needs.device_rows_layer;
  const std::uint64_t rows = with_rows ? needs.device_rows_bytes : 0;
  const std::uint64_t without_rows = needs.device_bytes(layers) - rows;
  if (rows > 0 && without_rows <= room) {
    const std::uint64_t fitting = std::min((room - without_rows) >> 20, (rows - 1) >> 20);
    offer(fmt::format("{} of memory rows there (--device-rows {})",
                      fitting > 0 ? fmt::format("{} MiB", fitting) : "none",
                      fitting > 0 ? fmt::format("{}M", fitting) : "0"));
  }
  const std::int64_t fewer = std::min(layers_that_fit(needs, room), layers - 1);
  if (fewer > 0) {
    offer(fmt::format("{} of the {} layers there and the others on the CPU (--gpu-layers {})",
                      fewer, needs.layers(), fewer));
  }
  const auto kv =
      static_cast<std::uint64_t>(static_cast<double>(needs.kv_bytes) * static_cast<double>(layers) /
                                 static_cast<double>(needs.layers()));
  const std::uint64_t fixed = needs.device_bytes(layers) - std::min(kv, needs.device_bytes(layers));
  const std::uint64_t per_token =
      std::max<std::uint64_t>(1, kv / static_cast<std::uint64_t>(context));
  auto fitting = room > fixed ? static_cast<std::int64_t>((room - fixed) / per_token) / 16 * 16 : 0;
  // Where the estimate was too low, by an unknown sum: a context that is smaller in any case.
  if (fitting >= context) fitting = context / 2 / 16 * 16;
  if (fitting >= kContextMin) {
    offer(fmt::format("a context of {} tokens (--ctx {})", fitting, fitting));
  }
  if (would.empty()) offer("a smaller model");
  return would + "the CPU (--device cpu)";
}

// "model needs ... What would fit: ...", of a device that can give `room` bytes, in `room_words`.
std::string does_not_fit(const Backend& backend, const MemoryEstimate& needs, std::int64_t layers,
                         std::int64_t context, std::uint64_t room, std::string_view room_words) {
  std::string what = "model";
  std::string sums;
  if (layers < needs.layers()) {
    what += fmt::format(" with {} of its {} layers there", layers, needs.layers());
  } else {
    sums = fmt::format(": weights {:.1f}, a context of {} tokens {:.1f}, working memory {:.1f}",
                       megabytes(needs.weights_bytes), context, megabytes(needs.kv_bytes),
                       megabytes(needs.scratch_bytes));
    if (needs.device_rows_bytes > 0) {
      sums += fmt::format(", memory rows {:.1f}", megabytes(needs.device_rows_bytes));
    }
  }
  return fmt::format("{} needs {:.1f} MB on {}{}. {:.1f} MB {}. What would fit: {}", what,
                     megabytes(needs.device_bytes(layers)), backend.description(), sums,
                     megabytes(room), room_words, what_would_fit(needs, layers, context, room));
}

// What the device that `options` name, or that `auto` takes, has room for.
void add_device(const EngineOptions& options, MemoryEstimate& estimate) {
  const bool named = options.device != "auto" && options.device != "cpu";
  std::vector<DeviceInfo> devices = list_devices(named ? DeviceList::all : DeviceList::automatic);
  if (options.device == "auto") {
    devices = automatic_order(devices, estimate.device_bytes(), estimate.device_bytes(1));
  } else {
    std::erase_if(devices, [&](const DeviceInfo& device) {
      return device.id != options.device && device.id != options.device + ":0";
    });
  }
  if (devices.empty()) return;
  const DeviceInfo& device = devices.front();
  estimate.device = device.name;
  estimate.device_free_bytes = device.free_bytes;
  estimate.device_layers = layers_taken(estimate, options.gpu_layers, device.free_bytes);
  if (estimate.device_layers == estimate.layers()) estimate.repacked_bytes = 0;
}

// Allocations are rounded up: a tensor takes what its own bytes and this say.
std::uint64_t allocated(std::uint64_t bytes) {
  constexpr std::uint64_t kUnit = 256;
  return (bytes + kUnit - 1) / kUnit * kUnit;
}

// The layer that "blk.<layer>.name" belongs to; -1 for any other tensor.
std::int64_t layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return -1;
  std::int64_t layer = -1;
  const auto [end, error] =
      std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return error == std::errc() && end != name.data() + name.size() && *end == '.' ? layer : -1;
}

// The weights of each layer, and those of the two ends.
void add_weights(const ModelSource& source, const ModelConfig& config, MemoryEstimate& estimate) {
  bool tied = true;
  for (const WeightNeed& need : needs_of(config).weights) {
    const SourceTensor* tensor = source.find_tensor(need.name);
    if (tensor == nullptr) continue;
    const std::uint64_t bytes = allocated(tensor->bytes.size());
    if (need.layer >= 0) {
      estimate.layer_bytes[static_cast<std::size_t>(need.layer)] += bytes;
    } else if (need.layer == kEmbeddingLayer) {
      estimate.embedding_bytes += bytes;
    } else {
      estimate.output_bytes += bytes;
    }
    tied = tied && need.name != "output.weight";
  }
  // One matrix serves as both, at whichever end.
  if (tied) estimate.output_bytes += std::exchange(estimate.embedding_bytes, 0);
}

// The projections of the pack's layers; its tables stay in the file. Returns their sum.
std::uint64_t add_projections(const GgufFile& file, MemoryEstimate& estimate) {
  std::uint64_t sum = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const std::int64_t layer = layer_of(tensor.name);
    if (layer < 0 || layer >= estimate.layers() || tensor.dtype == DType::i8) continue;
    sum += tensor.bytes.size();
    estimate.layer_bytes[static_cast<std::size_t>(layer)] += allocated(tensor.bytes.size());
  }
  return sum;
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

std::uint64_t MemoryEstimate::device_bytes(std::int64_t layers) const {
  std::uint64_t sum = scratch_bytes + output_bytes;
  const std::size_t first = layer_bytes.size() - static_cast<std::size_t>(layers);
  for (std::size_t i = first; i < layer_bytes.size(); ++i) sum += layer_bytes[i];
  if (static_cast<std::int64_t>(first) <= device_rows_layer) sum += device_rows_bytes;
  return first == 0 ? sum + embedding_bytes : sum;
}

std::int64_t layers_that_fit(const MemoryEstimate& needs, std::uint64_t free) {
  std::int64_t layers = 0;
  while (layers < needs.layers() && needs.device_bytes(layers + 1) <= free) ++layers;
  return layers;
}

namespace {

Result<MemoryEstimate> read_and_estimate(const EngineOptions& options) {
  auto source = ModelSource::open(options.model_path);
  if (!source) return source.error();
  auto config = ModelConfig::read(*source);
  if (!config) return config.error();
  auto context = choose_context(options, *config);
  if (!context) return context.error();
  auto tokenizer = read_tokenizer(*source);
  if (!tokenizer) return tokenizer.error();
  auto pack = find_pack(options.memory, source->folder(), options.pack_folders, *config,
                        tokenizer->sha256());
  if (!pack) return pack.error();
  MemoryEstimate estimate = estimate_memory(*source, *config, *pack, *context, options);
  if (options.device != "cpu") add_device(options, estimate);
  if (pack->file) estimate.pack_path = pack->file->path();
  return estimate;
}

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || (std::filesystem::equivalent(a, b, error) && !error);
}

}  // namespace

Result<MemoryEstimate> estimate_memory(const EngineOptions& options) {
  return without_exceptions([&] { return read_and_estimate(options); });
}

Result<bool> opens_beside(const EngineOptions& options, const ModelLayout& open) {
  const auto needs = estimate_memory(options);
  if (!needs) return needs.error();
  if (open.device != "cpu" || !needs->device.empty() || options.open_device) return false;
  // A pack's rows are saved to one file, when its model ends.
  if (open.memory && is_same_file(open.memory->path, needs->pack_path)) return false;
  return needs->needed() <= needs->free_bytes && needs->repacked_bytes == needs->repacked_most;
}

MemoryEstimate estimate_memory(const ModelSource& source, const ModelConfig& config,
                               const PackChoice& pack, std::int64_t context,
                               const EngineOptions& options) {
  MemoryEstimate estimate;
  estimate.layer_bytes.resize(config.layers.size());
  add_weights(source, config, estimate);
  estimate.weights_bytes = source.bytes();
  const SessionOptions session;
  // Which device `auto` takes is not known yet: the most that any wants.
  const std::int64_t chunk = options.device == "cpu" ? session.chunk_tokens : kChunkTokensMax;
  const NumericMode mode = numeric_mode(options);
  const std::vector<std::uint64_t> kv_bytes = kv_cache_bytes(config, context, mode);
  for (std::size_t i = 0; i < kv_bytes.size(); ++i) {
    estimate.kv_bytes += kv_bytes[i];
    estimate.layer_bytes[i] += allocated(kv_bytes[i]);
  }
  if (pack.file) {
    const PackHeader& header = *pack.header;
    estimate.weights_bytes += add_projections(*pack.file, estimate);
    std::uint64_t table_bytes = 0;
    for (const LayerHash& layer : header.hash.layers) {
      const auto inputs = static_cast<std::uint64_t>(context * header.streams * config.dim) *
                          sizeof(float);  // of the convolution
      estimate.kv_bytes += inputs;
      estimate.layer_bytes[static_cast<std::size_t>(layer.layer_id)] += allocated(inputs);
      const auto columns = static_cast<std::uint64_t>(header.hash.columns());
      const auto gates = static_cast<std::uint64_t>(header.streams) * 2 * sizeof(float);
      estimate.scratch_bytes +=
          static_cast<std::uint64_t>(chunk) * (columns * header.row_bytes() + gates);
      table_bytes += layer.rows * header.row_bytes();
    }
    estimate.row_cache_bytes =
        options.ram_budget > 0 ? options.ram_budget : TableStore::default_budget(table_bytes);
    estimate.device_rows_bytes = options.device_rows;
    estimate.device_rows_layer =
        std::ranges::min(header.hash.layers, {}, &LayerHash::layer_id).layer_id;
  }
  // A plan without the memory and one with it. The most that lives at once: the residual, attention
  // with its partial sums, or a layer's inner rows, and these again as products take them.
  const std::int64_t plans = pack.file ? 2 : 1;
  std::int64_t hidden = 0;
  for (const LayerSpec& layer : config.layers) {
    const ExpertsSpec& experts = layer.experts;
    hidden =
        std::max(hidden, experts.count > 0 ? experts.chosen * std::max(experts.hidden, config.dim)
                                           : layer.feed_forward.hidden);
  }
  const std::int64_t activations = plans * chunk * (8 * config.dim + 4 * hidden);
  estimate.scratch_bytes +=
      4 * static_cast<std::uint64_t>(activations + session.outputs_max * config.vocab_size);
  estimate.free_bytes = system_memory().free_bytes;
  std::uint64_t quantised = 0;
  for (const SourceTensor& tensor : source.tensors()) {
    if (!tensor.dtype || dtype_info(*tensor.dtype).block_values == 1) continue;
    // The copies of K-quants have 5 or 7 bits a value (gpu/cpu/woven_k.inl).
    const std::uint64_t bytes = tensor.bytes.size();
    quantised += is_k_quant(*tensor.dtype) ? bytes + bytes * 3 / 11 : bytes;
  }
  estimate.repacked_most = quantised;
  // The CPU makes its copies only where half of the free memory holds them.
  if (quantised <= estimate.free_bytes / 2) estimate.repacked_bytes = quantised;
  return estimate;
}

std::int64_t layers_taken(const MemoryEstimate& needs, std::int64_t asked, std::uint64_t free) {
  if (asked > 0) {
    const std::int64_t layers = std::min(asked, needs.layers());
    return needs.device_bytes(layers) <= free ? layers : 0;
  }
  if (needs.device_bytes() <= free) return needs.layers();
  // No layer leaves for rows that were asked for: it would cost more than they save.
  if (needs.device_bytes() - needs.device_rows_bytes <= free) return 0;
  // Where it is not the whole model, a little is left to whatever else the device does.
  return layers_that_fit(needs, free - free / 32);
}

Result<std::int64_t> choose_gpu_layers(const Backend& backend, const MemoryEstimate& needs,
                                       std::int64_t context, const EngineOptions& options) {
  if (backend.name() == "cpu") return needs.layers();
  const std::uint64_t free = backend.memory().free_bytes;
  const std::int64_t layers = layers_taken(needs, options.gpu_layers, free);
  if (layers > 0) return layers;
  const std::int64_t asked =
      options.gpu_layers == 0 ? needs.layers() : std::min(options.gpu_layers, needs.layers());
  return Error{ErrorCode::out_of_memory,
               "the " + does_not_fit(backend, needs, asked, context, free, "are free there")};
}

Error explain_failed_load(const Error& failed, const Backend& backend, const MemoryEstimate& needs,
                          std::int64_t layers, std::int64_t context) {
  if (failed.code != ErrorCode::out_of_memory || backend.name() == "cpu") return failed;
  const MemoryInfo memory = backend.memory();
  // Free memory that is enough and yet could not be had: then only what the load held is known.
  const bool free_tells = memory.free_bytes < needs.device_bytes(layers);
  return Error{failed.code,
               failed.message + ". The " +
                   does_not_fit(backend, needs, layers, context,
                                free_tells ? memory.free_bytes : memory.held_max_bytes,
                                free_tells ? "are free there now" : "could be had there")};
}

}  // namespace mneme

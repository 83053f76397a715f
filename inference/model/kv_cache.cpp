// SPDX-License-Identifier: Apache-2.0
#include "inference/model/kv_cache.h"

#include <utility>

namespace mneme {
namespace {

DType cache_dtype(NumericMode mode) {
  return mode == NumericMode::exact ? DType::f32 : DType::f16;
}

}  // namespace

std::uint64_t kv_cache_bytes(const ModelConfig& config, std::int64_t conv_width,
                             std::int64_t context, NumericMode mode) {
  const auto positions = static_cast<std::uint64_t>(context);
  const std::uint64_t kv = 2 * static_cast<std::uint64_t>(config.n_layers) *
                           row_bytes(cache_dtype(mode), config.kv_dim());
  return positions * (kv + static_cast<std::uint64_t>(conv_width) * 4);
}

Result<KvCache> KvCache::create(const ModelConfig& config, const MemoryPack* pack,
                                std::int64_t context, NumericMode mode,
                                const Placement& placement) {
  KvCache cache;
  cache.context = context;
  cache.dtype = cache_dtype(mode);
  const auto add = [&](std::vector<Buffer>& to, std::int64_t layer, std::size_t bytes) -> Status {
    auto buffer = placement.of_layer(layer).alloc(bytes, MemoryKind::device);
    if (!buffer) return buffer.error().with("making room for the context");
    to.push_back(std::move(*buffer));
    return {};
  };
  const auto positions = static_cast<std::size_t>(context);
  for (std::int64_t i = 0; i < config.n_layers; ++i) {
    RETURN_IF_ERROR(add(cache.keys, i, positions * row_bytes(cache.dtype, config.kv_dim())));
    RETURN_IF_ERROR(add(cache.values, i, positions * row_bytes(cache.dtype, config.kv_dim())));
  }
  if (pack != nullptr) {
    const auto width =
        static_cast<std::size_t>(pack->header.streams * pack->header.embedding_length);
    for (const LayerHash& layer : pack->header.hash.layers) {
      RETURN_IF_ERROR(add(cache.conv_inputs, layer.layer_id, positions * width * sizeof(float)));
    }
  }
  return cache;
}

}  // namespace mneme

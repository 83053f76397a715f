// SPDX-License-Identifier: Apache-2.0
#include "inference/model/kv_cache.h"

#include <utility>

#include "base/check.h"
#include "inference/model/build_graph.h"

namespace mneme {
namespace {

DType cache_dtype(NumericMode mode) {
  return mode == NumericMode::exact ? DType::f32 : DType::f16;
}

}  // namespace

const Buffer& KvCache::find(std::string_view state) const {
  const auto found = states.find(state);
  CHECK(found != states.end());
  return found->second;
}

std::vector<std::uint64_t> kv_cache_bytes(const ModelConfig& config, std::int64_t context,
                                          NumericMode mode) {
  std::vector<std::uint64_t> layers(config.layers.size());
  for (const StateNeed& need : needs_of(config).states) {
    layers[static_cast<std::size_t>(need.layer)] +=
        static_cast<std::uint64_t>(context) * row_bytes(cache_dtype(mode), need.width);
  }
  return layers;
}

Result<KvCache> KvCache::create(const ModelConfig& config, const MemoryPack* pack,
                                std::int64_t context, std::int64_t sequences, NumericMode mode,
                                const Placement& placement) {
  KvCache cache;
  cache.context = context;
  cache.dtype = cache_dtype(mode);
  const auto alloc = [&](std::int64_t layer, std::size_t row) -> Result<Buffer> {
    auto buffer = placement.of_layer(layer).alloc(
        static_cast<std::size_t>(sequences * context) * row, MemoryKind::device);
    if (!buffer) return buffer.error().with("making room for the context");
    return buffer;
  };
  for (const StateNeed& need : needs_of(config).states) {
    auto buffer = alloc(need.layer, row_bytes(cache.dtype, need.width));
    if (!buffer) return buffer.error();
    cache.states.emplace(need.name, std::move(*buffer));
  }
  if (pack != nullptr) {
    const auto width =
        static_cast<std::size_t>(pack->header.streams * pack->header.embedding_length);
    for (const LayerHash& layer : pack->header.hash.layers) {
      auto buffer = alloc(layer.layer_id, width * sizeof(float));
      if (!buffer) return buffer.error();
      cache.conv_inputs.push_back(std::move(*buffer));
    }
  }
  return cache;
}

}  // namespace mneme

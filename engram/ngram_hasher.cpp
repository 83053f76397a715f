// SPDX-License-Identifier: Apache-2.0
#include "engram/ngram_hasher.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/check.h"

namespace mneme {
namespace {

constexpr std::uint64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int32_t kMaxHeadCount = 1024;  // published: 8; bounds what a hostile file can ask

Error corrupt(std::string message) {
  return Error{ErrorCode::corrupt, std::move(message)};
}

Status check_layer(const HashSpec& spec, const LayerHash& layer) {
  const auto columns = static_cast<std::size_t>(spec.columns());
  const auto n = static_cast<std::size_t>(spec.max_ngram_size);
  if (layer.layer_id < 0) return corrupt(fmt::format("layer id {} is negative", layer.layer_id));
  if (layer.multipliers.size() != n) {
    return corrupt(fmt::format("layer {} has {} multipliers where max_ngram_size is {}",
                               layer.layer_id, layer.multipliers.size(), n));
  }
  for (const std::uint64_t multiplier : layer.multipliers) {
    if (multiplier > kInt64Max) {
      return corrupt(fmt::format("layer {}: multiplier {} does not fit a signed 64-bit integer",
                                 layer.layer_id, multiplier));
    }
  }
  if (layer.primes.size() != columns || layer.offsets.size() != columns) {
    return corrupt(fmt::format("layer {} has {} primes and {} offsets where there are {} columns",
                               layer.layer_id, layer.primes.size(), layer.offsets.size(), columns));
  }
  std::uint64_t sum = 0;
  for (std::size_t c = 0; c < columns; ++c) {
    if (layer.primes[c] == 0) {
      return corrupt(fmt::format("layer {}: prime {} is zero", layer.layer_id, c));
    }
    if (layer.offsets[c] != sum) {
      return corrupt(fmt::format("layer {}: offset {} is {}, the primes before it sum to {}",
                                 layer.layer_id, c, layer.offsets[c], sum));
    }
    if (layer.primes[c] > kInt64Max - sum) {
      return corrupt(fmt::format("layer {}: prime {} is {}, too large for a table", layer.layer_id,
                                 c, layer.primes[c]));
    }
    sum += layer.primes[c];
  }
  if (layer.rows != sum) {
    return corrupt(
        fmt::format("layer {} has {} rows, its primes sum to {}", layer.layer_id, layer.rows, sum));
  }
  return {};
}

Status check_spec(const HashSpec& spec) {
  if (spec.max_ngram_size < 2 || spec.max_ngram_size > kMaxNgramSize) {
    return corrupt(
        fmt::format("max_ngram_size is {}, must be 2 to {}", spec.max_ngram_size, kMaxNgramSize));
  }
  if (spec.head_count < 1 || spec.head_count > kMaxHeadCount) {
    return corrupt(
        fmt::format("head_count is {}, must be 1 to {}", spec.head_count, kMaxHeadCount));
  }
  if (spec.token_map.empty()) return corrupt("the token map is empty");
  if (spec.token_map.size() > static_cast<std::size_t>(std::numeric_limits<TokenId>::max())) {
    return corrupt(fmt::format("the token map has {} entries, more than token ids can name",
                               spec.token_map.size()));
  }
  // Compression never makes more classes than tokens, so the map's length bounds its values.
  const auto limit = static_cast<std::int64_t>(spec.token_map.size());
  for (std::size_t id = 0; id < spec.token_map.size(); ++id) {
    if (spec.token_map[id] < 0 || spec.token_map[id] >= limit) {
      return corrupt(fmt::format("the token map gives token {} the class {}, outside 0 to {}", id,
                                 spec.token_map[id], limit - 1));
    }
  }
  if (spec.pad_class < 0 || spec.pad_class >= limit) {
    return corrupt(fmt::format("the pad class is {}, outside 0 to {}", spec.pad_class, limit - 1));
  }
  if (spec.layers.empty()) return corrupt("no Engram layer is listed");
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    RETURN_IF_ERROR(check_layer(spec, spec.layers[i]));
    for (std::size_t j = 0; j < i; ++j) {
      if (spec.layers[j].layer_id == spec.layers[i].layer_id) {
        return corrupt(fmt::format("layer {} is listed twice", spec.layers[i].layer_id));
      }
    }
  }
  return {};
}

// The remainder with the sign of the divisor, as numpy, torch and Python take it: never negative,
// also where out-of-range classes made the mix wrap around.
std::uint64_t floor_modulus(std::uint64_t mix, std::uint64_t size) {
  if (mix <= kInt64Max) return mix % size;
  const std::uint64_t remainder = (std::uint64_t{0} - mix) % size;
  return remainder == 0 ? 0 : size - remainder;
}

}  // namespace

Result<NgramHasher> NgramHasher::create(HashSpec spec) {
  RETURN_IF_ERROR(check_spec(spec));
  return NgramHasher(std::move(spec));
}

ClassId NgramHasher::class_of(TokenId token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= spec_.token_map.size()) return -1;
  return spec_.token_map[static_cast<std::size_t>(token)];
}

void NgramHasher::keys_at(std::span<const TokenId> tokens, std::size_t position,
                          std::span<NgramKey> out) const {
  CHECK(position < tokens.size());
  CHECK(out.size() == static_cast<std::size_t>(spec_.orders()));
  const auto n = static_cast<std::size_t>(spec_.max_ngram_size);
  const bool sticky = spec_.context == ContextRule::sticky;

  std::array<ClassId, kMaxNgramSize> window{};
  bool blocked = false;
  for (std::size_t back = 0; back < n; ++back) {
    blocked = blocked || back > position;
    const ClassId found = blocked ? spec_.pad_class : class_of(tokens[position - back]);
    blocked = blocked || (sticky && found < 0);
    window[back] = blocked ? spec_.pad_class : found;
  }
  for (std::size_t order = 2; order <= n; ++order) {
    NgramKey& key = out[order - 2];
    key = NgramKey{};
    key.order = static_cast<std::int32_t>(order);
    for (std::size_t back = 0; back < order; ++back) key.classes[back] = window[back];
  }
}

std::uint64_t NgramHasher::mix(std::size_t layer_slot, const NgramKey& key) const {
  CHECK(layer_slot < spec_.layers.size());
  CHECK(key.order >= 2 && key.order <= spec_.max_ngram_size);
  const std::vector<std::uint64_t>& multipliers = spec_.layers[layer_slot].multipliers;
  // Unsigned products are int64's two's complement products, with the wrap-around defined.
  std::uint64_t mixed = 0;
  for (std::int32_t k = 0; k < key.order; ++k) {
    mixed ^= static_cast<std::uint64_t>(static_cast<std::int64_t>(key.classes[k])) * multipliers[k];
  }
  return mixed;
}

void NgramHasher::rows(std::size_t layer_slot, const NgramKey& key, std::span<RowId> out) const {
  const auto heads = static_cast<std::size_t>(spec_.head_count);
  CHECK(out.size() == heads);
  const std::uint64_t mixed = mix(layer_slot, key);
  const LayerHash& layer = spec_.layers[layer_slot];
  const std::size_t first = static_cast<std::size_t>(key.order - 2) * heads;
  for (std::size_t h = 0; h < heads; ++h) {
    out[h] = floor_modulus(mixed, layer.primes[first + h]) + layer.offsets[first + h];
  }
}

}  // namespace mneme

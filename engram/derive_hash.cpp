// SPDX-License-Identifier: Apache-2.0
#include "engram/derive_hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_set>

#include "base/check.h"
#include "engram/pcg64.h"
#include "engram/primes.h"

namespace mneme {
namespace {

constexpr std::size_t kMaxColumns = 1 << 16;                // over all layers; published: 48
constexpr std::uint64_t kMaxBase = std::uint64_t{1} << 44;  // 65,536 tables of it still fit 2^63
constexpr std::uint64_t kLayerStride = 10007;

Error invalid(std::string message) {
  return Error{ErrorCode::invalid, std::move(message)};
}

Status check_config(const HashConfig& config) {
  if (config.class_count < 1) {
    return invalid(fmt::format("the number of token classes is {}", config.class_count));
  }
  if (config.bases.empty() || config.bases.size() > kMaxNgramSize - 1) {
    return invalid(
        fmt::format("{} table sizes are given, one for each n-gram order from 2 to at "
                    "most {} is needed",
                    config.bases.size(), kMaxNgramSize));
  }
  for (const std::uint64_t base : config.bases) {
    if (base < 1 || base > kMaxBase) {
      return invalid(fmt::format("a table of {} rows a head cannot be made", base));
    }
  }
  if (config.head_count < 1 ||
      static_cast<std::size_t>(config.head_count) > kMaxColumns / config.bases.size()) {
    return invalid(fmt::format("{} hash heads cannot be made", config.head_count));
  }
  const std::size_t columns = config.bases.size() * static_cast<std::size_t>(config.head_count);
  if (config.layer_ids.empty() || config.layer_ids.size() > kMaxColumns / columns) {
    return invalid(fmt::format("{} Engram layers cannot be made", config.layer_ids.size()));
  }
  for (const std::int32_t layer : config.layer_ids) {
    if (layer < 0) return invalid(fmt::format("layer id {} is negative", layer));
    if (std::count(config.layer_ids.begin(), config.layer_ids.end(), layer) > 1) {
      return invalid(fmt::format("layer {} is listed twice", layer));
    }
  }
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - config.seed;
  const auto last = *std::max_element(config.layer_ids.begin(), config.layer_ids.end());
  if (static_cast<std::uint64_t>(last) * kLayerStride > room) {
    return invalid(fmt::format("the seed {} is too large", config.seed));
  }
  return {};
}

// Hands out primes so that none is given twice over all layers, orders and heads.
class PrimeSearch {
 public:
  std::uint64_t take(std::uint64_t base) {
    // Every order starts again at its base, but all primes from there to the last one given for
    // the same base are taken, so the search may go on from that one.
    const auto cursor = cursors_.try_emplace(base, base - 1).first;
    do {
      cursor->second = next_prime(cursor->second);
    } while (!taken_.insert(cursor->second).second);
    return cursor->second;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> cursors_;  // base -> last prime given or skipped
  std::unordered_set<std::uint64_t> taken_;
};

}  // namespace

std::vector<std::uint64_t> derive_multipliers(ClassId class_count, std::int32_t max_ngram_size,
                                              std::int32_t layer_id, std::uint64_t seed) {
  CHECK(class_count >= 1 && max_ngram_size >= 1 && layer_id >= 0);
  const std::uint64_t half_range =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) /
      static_cast<std::uint64_t>(class_count) / 2;
  const std::uint64_t bound = std::max<std::uint64_t>(1, half_range);
  Pcg64 random(seed + kLayerStride * static_cast<std::uint64_t>(layer_id));
  std::vector<std::uint64_t> multipliers(static_cast<std::size_t>(max_ngram_size));
  for (std::uint64_t& multiplier : multipliers) multiplier = 2 * random.below(bound) + 1;
  return multipliers;
}

Result<std::vector<LayerHash>> derive_hash(const HashConfig& config) {
  RETURN_IF_ERROR(check_config(config));
  const auto max_ngram_size = static_cast<std::int32_t>(config.bases.size()) + 1;
  PrimeSearch search;
  std::vector<LayerHash> layers;
  for (const std::int32_t layer_id : config.layer_ids) {
    LayerHash layer;
    layer.layer_id = layer_id;
    layer.multipliers =
        derive_multipliers(config.class_count, max_ngram_size, layer_id, config.seed);
    for (const std::uint64_t base : config.bases) {
      for (std::int32_t head = 0; head < config.head_count; ++head) {
        layer.primes.push_back(search.take(base));
        layer.offsets.push_back(layer.rows);
        layer.rows += layer.primes.back();
      }
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/table_hash.h"

#include <fmt/format.h>

#include <algorithm>

#include "engram/derive_hash.h"
#include "engram/primes.h"
#include "engram/qwen_hash.h"
#include "inference/files/file_error.h"

namespace mneme {
namespace {

// DeepSeek-V4.1-Flash, the one published Engram model (engram/SPEC.md, section 11).
constexpr std::int64_t kV41Classes = 99092;
constexpr std::uint64_t kV41Base = 16'000'000;
const std::vector<std::int32_t> kV41Layers = {1, 14};
constexpr std::int32_t kV41NgramSize = 4;
constexpr std::int32_t kV41Heads = 8;

constexpr std::int32_t kHashHeadsMax = 64;
constexpr std::uint64_t kBucketMax = std::uint64_t{1} << 40;  // rows of one head
constexpr std::size_t kHashLayersMax = 64;

std::vector<std::uint64_t> slice(const std::vector<std::uint64_t>& all, std::size_t index,
                                 std::size_t count) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(index * count);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

bool same(const LayerHash& a, const LayerHash& b) {
  return a.layer_id == b.layer_id && a.multipliers == b.multipliers && a.primes == b.primes &&
         a.offsets == b.offsets;
}

// Bucket sizes are primes, offsets their running sums, and all of it lies in the table.
Status check_layer(LayerHash& layer, bool prime_sizes, const FoundTable& table,
                   const std::string& where) {
  std::uint64_t rows = 0;
  for (std::size_t c = 0; c < layer.primes.size(); ++c) {
    const std::uint64_t size = layer.primes[c];
    if (size == 0 || size > kBucketMax || (prime_sizes && !is_prime(size))) {
      return corrupt(where, fmt::format("layer {} has a bucket of {} rows, which is no prime",
                                        layer.layer_id, size));
    }
    if (layer.offsets[c] != rows) {
      return corrupt(where, fmt::format("the offsets of layer {} are not the sums of its buckets",
                                        layer.layer_id));
    }
    rows += size;
  }
  if (rows > table.source.rows) {
    return corrupt(where, fmt::format("layer {} has {} rows, its hashes address {}", layer.layer_id,
                                      table.source.rows, rows));
  }
  layer.rows = rows;
  return {};
}

std::vector<std::uint64_t> running_sums(const std::vector<std::uint64_t>& sizes) {
  std::vector<std::uint64_t> sums;
  std::uint64_t sum = 0;
  for (const std::uint64_t size : sizes) {
    sums.push_back(sum);
    sum += size;
  }
  return sums;
}

// The stated constants of each found table; empty where nothing usable is stated.
Result<std::vector<LayerHash>> stated_layers(const StatedHash& stated, const std::string& where,
                                             FoundTables& found) {
  if (stated.multipliers.empty() || stated.primes.empty()) return std::vector<LayerHash>{};
  // Some files list one layer and hold two: then the lengths say how many there are.
  std::size_t layers = std::max<std::size_t>(stated.layer_ids.size(), 1);
  if (stated.max_ngram_size > 0) {
    layers = stated.multipliers.size() / static_cast<std::size_t>(stated.max_ngram_size);
  }
  if (layers == 0 || layers > kHashLayersMax || stated.multipliers.size() % layers != 0 ||
      stated.primes.size() % layers != 0) {
    return corrupt(where, fmt::format("{} multipliers and {} primes are not those of whole layers",
                                      stated.multipliers.size(), stated.primes.size()));
  }
  const std::size_t order_max = stated.multipliers.size() / layers;
  const std::size_t columns = stated.primes.size() / layers;
  if (order_max < 2 || order_max > kMaxNgramSize || columns % (order_max - 1) != 0 ||
      columns / (order_max - 1) > kHashHeadsMax ||
      (stated.head_count != 0 &&
       columns != (order_max - 1) * static_cast<std::size_t>(stated.head_count)) ||
      (!stated.offsets.empty() && stated.offsets.size() != stated.primes.size())) {
    return corrupt(where, fmt::format("{} multipliers and {} primes a layer do not go together",
                                      order_max, columns));
  }
  found.max_ngram_size = static_cast<std::int32_t>(order_max);
  found.head_count = static_cast<std::int32_t>(columns / (order_max - 1));
  std::vector<std::int32_t> ids = stated.layer_ids;
  if (ids.size() != layers) {
    ids.clear();
    for (const FoundTable& table : found.tables) ids.push_back(table.layer);
  }
  std::vector<LayerHash> out;
  for (const FoundTable& table : found.tables) {
    const auto at = std::ranges::find(ids, table.layer);
    const auto index = static_cast<std::size_t>(at - ids.begin());
    if (at == ids.end() || index >= layers) {
      return corrupt(where, fmt::format("there are no hash constants for layer {}", table.layer));
    }
    LayerHash layer;
    layer.layer_id = table.layer;
    layer.multipliers = slice(stated.multipliers, index, order_max);
    layer.primes = slice(stated.primes, index, columns);
    layer.offsets =
        stated.offsets.empty() ? running_sums(layer.primes) : slice(stated.offsets, index, columns);
    RETURN_IF_ERROR(check_layer(layer, true, table, where));
    out.push_back(std::move(layer));
  }
  return out;
}

// What the published rule gives for each found table; empty where it does not apply.
std::vector<LayerHash> derived_layers(const StatedHash& stated, const FoundTables& found) {
  const bool v41 = stated.class_count == kV41Classes;
  HashConfig config;
  config.class_count = static_cast<ClassId>(stated.class_count);
  config.layer_ids = v41 ? kV41Layers : stated.layer_ids;
  config.head_count = v41 ? kV41Heads : found.head_count;
  const std::int32_t order_max = v41 ? kV41NgramSize : found.max_ngram_size;
  const std::uint64_t base = v41 ? kV41Base : stated.search_base;
  if (stated.class_count < 1 || stated.class_count > 1 << 30 || base < 2 || base > kBucketMax ||
      order_max < 2 || order_max > kMaxNgramSize || config.head_count < 1 ||
      config.head_count > kHashHeadsMax || config.layer_ids.size() > kHashLayersMax) {
    return {};
  }
  config.bases.assign(static_cast<std::size_t>(order_max - 1), base);
  const auto derived = derive_hash(config);
  if (!derived) return {};
  std::vector<LayerHash> out;
  for (const FoundTable& table : found.tables) {
    const auto layer = std::ranges::find(*derived, table.layer, &LayerHash::layer_id);
    if (layer == derived->end() || layer->rows > table.source.rows) return {};
    out.push_back(*layer);
  }
  return out;
}

void settle(std::vector<LayerHash> stated, std::vector<LayerHash> derived, bool exact_rows,
            std::string_view rule, FoundTables& found) {
  if (stated.empty() && !exact_rows) derived.clear();  // the rule is for other tables
  if (stated.empty() && derived.empty()) {
    found.origin_text =
        "not in the file, and no published rule gives tables of these sizes: rows "
        "can be read, but not addressed";
    return;
  }
  if (stated.empty()) {
    found.origin = HashOrigin::derived;
    found.origin_text = fmt::format("not in the file; derived by the rule of {}", rule);
    found.hash = std::move(derived);
    return;
  }
  found.hash = std::move(stated);
  if (derived.empty()) {
    found.origin = HashOrigin::file;
    found.origin_text = "in the file and consistent; of no published model";
  } else if (std::ranges::equal(found.hash, derived, same)) {
    found.origin = HashOrigin::file_verified;
    found.origin_text = fmt::format("in the file, equal to those derived by the rule of {}", rule);
  } else {
    found.origin = HashOrigin::file_differs;
    found.origin_text = fmt::format(
        "in the file, but NOT those derived by the rule of {}: every row may be a wrong one", rule);
  }
}

bool rows_are_exact(const std::vector<LayerHash>& layers, const FoundTables& found) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].rows != found.tables[i].source.rows) return false;
  }
  return !layers.empty();
}

}  // namespace

Status settle_engram_hash(const StatedHash& stated, const std::string& where, FoundTables& found) {
  found.class_count = stated.class_count;
  found.max_ngram_size = stated.max_ngram_size;
  found.head_count = stated.head_count;
  auto layers = stated_layers(stated, where, found);
  if (!layers) return layers.error();
  std::vector<LayerHash> derived = derived_layers(stated, found);
  const bool exact = rows_are_exact(derived, found);
  if (layers->empty() && exact) {
    found.max_ngram_size = static_cast<std::int32_t>(derived[0].multipliers.size());
    found.head_count =
        static_cast<std::int32_t>(derived[0].primes.size()) / (found.max_ngram_size - 1);
  }
  settle(std::move(*layers), std::move(derived), exact,
         stated.class_count == kV41Classes ? "DeepSeek-V4.1" : "the paper", found);
  return {};
}

Status settle_qwen_hash(const StatedQwenHash& stated, const std::string& where,
                        FoundTables& found) {
  const FoundTable& table = found.tables.front();
  found.rule = HashRule::qwen;
  found.class_count = stated.vocab_size;
  found.max_ngram_size = stated.ngram_size;
  found.head_count = stated.heads_per_ngram;
  if (stated.ngram_size < 2 || stated.ngram_size > kMaxNgramSize || stated.heads_per_ngram < 1 ||
      stated.heads_per_ngram > kHashHeadsMax) {
    return corrupt(where, fmt::format("n-grams of {} tokens with {} heads are not possible",
                                      stated.ngram_size, stated.heads_per_ngram));
  }
  const auto columns = static_cast<std::size_t>((stated.ngram_size - 1) * stated.heads_per_ngram);
  std::vector<LayerHash> layers;
  if (!stated.multipliers.empty() && !stated.sizes.empty()) {
    if (stated.multipliers.size() != static_cast<std::size_t>(stated.ngram_size) ||
        stated.sizes.size() != columns ||
        (!stated.offsets.empty() && stated.offsets.size() != columns)) {
      return corrupt(where, "its multipliers, bucket sizes and offsets do not go together");
    }
    LayerHash layer;
    layer.layer_id = table.layer;
    layer.multipliers = stated.multipliers;
    layer.primes = stated.sizes;
    layer.offsets = stated.offsets.empty() ? running_sums(stated.sizes) : stated.offsets;
    RETURN_IF_ERROR(check_layer(layer, false, table, where));
    layers.push_back(std::move(layer));
  }
  std::vector<LayerHash> derived;
  if (stated.base >= 2 && stated.base <= kBucketMax && stated.vocab_size > 0 &&
      stated.vocab_size <= 1 << 30) {
    LayerHash layer;
    layer.layer_id = table.layer;
    layer.multipliers = qwen_multipliers(static_cast<std::int32_t>(stated.vocab_size),
                                         stated.ngram_size, 0, stated.seed);
    layer.primes = qwen_bucket_sizes(stated.base, columns, 0);
    layer.offsets = running_sums(layer.primes);
    if (check_layer(layer, true, table, where)) derived.push_back(std::move(layer));
  }
  // Qwen pads its table to a multiple of 128 rows a shard.
  const bool close = !derived.empty() && table.source.rows - derived[0].rows < 128 * 128;
  settle(std::move(layers), std::move(derived), close, "Qwen3.8", found);
  return {};
}

}  // namespace mneme

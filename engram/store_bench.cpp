// SPDX-License-Identifier: Apache-2.0
#include "engram/store_bench.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <span>

#include "inference/base/check.h"

namespace mneme {
namespace {

using Clock = std::chrono::steady_clock;
using Keys = std::vector<NgramKey>;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The n-grams of `tokens` positions, each of classes drawn anew, so that hardly any repeats.
Keys random_keys(const HashSpec& spec, std::size_t tokens, std::mt19937_64& random) {
  std::uniform_int_distribution<std::size_t> token(0, spec.token_map.size() - 1);
  Keys keys;
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::int32_t order = 2; order <= spec.max_ngram_size; ++order) {
      NgramKey& key = keys.emplace_back();
      key.order = order;
      for (std::int32_t k = 0; k < order; ++k) {
        key.classes[static_cast<std::size_t>(k)] = spec.token_map[token(random)];
      }
    }
  }
  return keys;
}

class Bench {
 public:
  Bench(TableStore& store, std::size_t layers, std::size_t heads)
      : store_(store), layers_(layers), heads_(heads) {}

  // Seconds from prefetch to the last layer's rows.
  Result<double> fetch(std::span<const NgramKey> keys) {
    const auto start = Clock::now();
    TableStore::Ticket ticket = store_.prefetch(keys);
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      rows_.resize(std::max(rows_.size(), keys.size() * heads_ * store_.row_bytes(layer)));
      RETURN_IF_ERROR(store_.wait(
          ticket, layer, std::span(rows_).first(keys.size() * heads_ * store_.row_bytes(layer))));
    }
    return seconds_since(start);
  }

 private:
  TableStore& store_;
  const std::size_t layers_;
  const std::size_t heads_;
  std::vector<std::byte> rows_;
};

}  // namespace

Result<StoreBenchResult> bench_store(const NgramHasher& hasher,
                                     const std::vector<TableSource>& tables,
                                     const StoreBenchOptions& options) {
  CHECK(options.tokens > 0 && options.chunk_tokens > 0 && options.warm_rounds > 0);
  const HashSpec& spec = hasher.spec();
  const auto orders = static_cast<std::size_t>(spec.orders());
  const auto heads = static_cast<std::size_t>(spec.head_count);
  std::mt19937_64 random(options.seed);

  // Room for everything asked for, so that the warm rounds find it all.
  std::uint64_t entry_bytes = 1024;
  for (const TableSource& table : tables) entry_bytes += std::uint64_t{table.row_bytes} * heads;
  const std::uint64_t budget =
      2 * entry_bytes * orders * (std::uint64_t{options.tokens} + options.chunk_tokens);
  auto store = TableStore::open(hasher, tables, {budget, options.reader});
  if (!store) return store.error();
  Bench bench(**store, tables.size(), heads);
  StoreBenchResult result;
  result.rows_per_token = static_cast<std::uint32_t>(orders * heads * tables.size());

  std::vector<double> token_seconds;
  for (std::uint32_t t = 0; t < options.tokens; ++t) {
    const auto seconds = bench.fetch(random_keys(spec, 1, random));
    if (!seconds) return seconds.error();
    token_seconds.push_back(*seconds);
  }
  std::ranges::nth_element(token_seconds, token_seconds.begin() + options.tokens / 2);
  result.cold_token_us = token_seconds[options.tokens / 2] * 1e6;

  const Keys chunk = random_keys(spec, options.chunk_tokens, random);
  const double chunk_rows = static_cast<double>(chunk.size() * heads * tables.size());
  const auto cold = bench.fetch(chunk);
  if (!cold) return cold.error();
  result.cold_chunk_rows_s = chunk_rows / *cold;

  double warm_seconds = 0;
  for (std::uint32_t round = 0; round < options.warm_rounds; ++round) {
    const auto seconds = bench.fetch(chunk);
    if (!seconds) return seconds.error();
    warm_seconds += *seconds;
  }
  result.warm_row_ns = warm_seconds / options.warm_rounds / chunk_rows * 1e9;
  result.stats = (*store)->stats();
  return result;
}

}  // namespace mneme

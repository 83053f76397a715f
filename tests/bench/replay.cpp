// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/check.h"
#include "engram/bench/cache_replay.h"
#include "engram/bench/thread_seconds.h"
#include "engram/hit_curve.h"
#include "tests/bench/policies.h"
#include "tests/bench/replay_log.h"

namespace mneme {
namespace {

constexpr std::uint64_t kPage = 4096;

// What one n-gram is made of, for all its heads and layers together.
struct Shape {
  std::uint64_t rows_per_key;
  std::uint64_t layers;
  std::uint64_t key_bytes;  // payload
};

Shape shape_of(const NgramHasher& hasher, std::uint32_t row_bytes) {
  const auto heads = static_cast<std::uint64_t>(hasher.spec().head_count);
  const std::uint64_t layers = hasher.spec().layers.size();
  return {heads * layers, layers, heads * layers * row_bytes};
}

struct Count {
  std::uint64_t asked = 0;
  std::uint64_t hits = 0;
  std::uint64_t reads = 0;  // of one head and layer
};

// Heads and layers of an n-gram behave alike (each has its own bucket and its own hash), so the
// reference caches of rows and pages hold those of the first head of the first layer, in the share
// of the RAM that is theirs.
template <typename Access>
Count run(const KeyStream& stream, const Access& access) {
  Count count;
  const std::size_t half = stream.accesses.size() / 2 / stream.orders() * stream.orders();
  for (std::size_t i = 0; i < stream.accesses.size(); ++i) {
    const std::uint32_t missed = access(stream.accesses[i]);
    if (i < half) continue;
    ++count.asked;
    if (missed == 0) ++count.hits;
    count.reads += missed;
  }
  return count;
}

ReplayResult result_of(const KeyStream& stream, std::uint64_t budget, std::string policy,
                       const Count& count, const Shape& shape) {
  ReplayResult result{stream.name, budget, std::move(policy)};
  result.hit_rate = static_cast<double>(count.hits) / static_cast<double>(count.asked);
  result.reads_per_token = static_cast<double>(count.reads * shape.rows_per_key) *
                           static_cast<double>(stream.orders()) / static_cast<double>(count.asked);
  return result;
}

// Rows of the first head at the first layer, numbered anew: two n-grams may share one.
struct RowNumbers {
  std::vector<std::uint32_t> of_key;
  std::vector<RowId> rows;  // ascending
};

RowNumbers number_rows(const KeyStream& stream, const NgramHasher& hasher) {
  RowNumbers out;
  std::vector<RowId> of_key(stream.keys.size());
  std::vector<RowId> heads(static_cast<std::size_t>(hasher.spec().head_count));
  for (std::size_t i = 0; i < stream.keys.size(); ++i) {
    hasher.rows(0, stream.keys[i], heads);
    of_key[i] = heads[0];
  }
  out.rows = of_key;
  std::ranges::sort(out.rows);
  out.rows.erase(std::unique(out.rows.begin(), out.rows.end()), out.rows.end());
  CHECK(out.rows.size() < std::numeric_limits<std::uint32_t>::max());
  for (const RowId row : of_key) {
    out.of_key.push_back(
        static_cast<std::uint32_t>(std::ranges::lower_bound(out.rows, row) - out.rows.begin()));
  }
  return out;
}

// Pages of one row that are not there; they are afterwards.
std::uint32_t faults(LruSimulator& pages, std::uint64_t offset, std::uint32_t row_bytes) {
  std::uint32_t missed = 0;
  for (std::uint64_t page = offset / kPage; page <= (offset + row_bytes - 1) / kPage; ++page) {
    if (!pages.access(static_cast<std::uint32_t>(page))) ++missed;
  }
  return missed;
}

}  // namespace

std::vector<ReplayResult> replay(const KeyStream& stream, const NgramHasher& hasher,
                                 std::uint32_t row_bytes, const std::vector<std::uint64_t>& budgets,
                                 const std::function<void(std::string_view)>& progress) {
  CHECK(stream.tokens > 1);
  const Shape shape = shape_of(hasher, row_bytes);
  const RowNumbers numbers = number_rows(stream, hasher);
  const std::uint64_t table_pages = numbers.rows.back() * row_bytes / kPage + 2;

  std::vector<ReplayResult> results;
  for (const std::uint64_t budget : budgets) {
    const auto tell = [&](std::string_view policy) {
      if (progress) {
        progress(fmt::format("{}: {} MiB through {}", stream.name, budget >> 20, policy));
      }
    };
    tell("mneme");
    std::vector<bool> missed(stream.accesses.size());
    const CacheReplayResult ours = replay_cache(stream, hasher, row_bytes, budget, &missed);
    results.push_back({stream.name, budget, "mneme", ours.hit_rate, ours.reads_per_token,
                       ours.ns_per_ngram});
    const auto with_log = [&](const char* name, const LoggedReads& reads) {
      ReplayResult result = results.back();
      result.policy = name;
      result.reads_per_token = reads.reads_per_token;
      result.bytes_written_per_token = reads.bytes_written_per_token;
      results.push_back(std::move(result));
    };
    for (const auto& [name, bytes] : {std::pair{kReplayLog, kReplayLogBytes},
                                      std::pair{kReplayEndlessLog, kReplayEndlessLogBytes}}) {
      tell(name);
      with_log(name, replay_log(stream, missed, shape.rows_per_key, row_bytes, bytes));
    }
    for (const auto& [name, variant] :
         {std::pair("mneme, simulated", S3FifoSimulator::Variant::product),
          std::pair("S3-FIFO", S3FifoSimulator::Variant::published)}) {
      tell(name);
      S3FifoSimulator s3fifo(budget / shape.key_bytes, stream.keys.size(), variant);
      std::size_t access = 0;
      const Count simulated = run(stream, [&](std::uint32_t key) {
        missed[access] = !s3fifo.access(key);
        return missed[access++] ? 1u : 0u;
      });
      results.push_back(result_of(stream, budget, name, simulated, shape));
    }
    with_log(kSimulatedLog, simulate_log(stream, missed, shape.rows_per_key, row_bytes));
    tell("LRU rows");
    LruSimulator lru(budget / shape.rows_per_key / row_bytes, numbers.rows.size());
    results.push_back(result_of(
        stream, budget, "LRU rows",
        run(stream, [&](std::uint32_t key) { return lru.access(numbers.of_key[key]) ? 0u : 1u; }),
        shape));
    tell("memory map");
    LruSimulator pages(budget / shape.rows_per_key / kPage, table_pages);
    results.push_back(result_of(
        stream, budget, "memory map",
        run(stream,
            [&](std::uint32_t key) {
              return faults(pages, numbers.rows[numbers.of_key[key]] * row_bytes, row_bytes);
            }),
        shape));
  }
  return results;
}

CurveCheck check_curve(const KeyStream& stream, const NgramHasher& hasher, std::uint32_t row_bytes,
                       const std::vector<std::uint64_t>& budgets) {
  std::uint64_t table_bytes = 0;
  for (const LayerHash& layer : hasher.spec().layers) table_bytes += layer.rows * row_bytes;
  HitCurve curve(cache_entry_bytes(hasher, row_bytes), table_bytes, 0);
  const std::size_t half = stream.accesses.size() / 2;
  double seconds = 0;
  for (std::size_t i = 0; i < stream.accesses.size();) {
    // Hashes are the cache's own work; they are made apart, to time the curve alone.
    std::array<std::uint64_t, 4096> hashes;
    std::size_t count = 0;
    while (count < hashes.size() && i + count < stream.accesses.size()) {
      hashes[count] = NgramKeyHash{}(stream.keys[stream.accesses[i + count]]);
      ++count;
    }
    if (i <= half && half < i + count) curve.forget_counts();
    const double start = thread_seconds();
    for (std::size_t k = 0; k < count; ++k) curve.access(hashes[k]);
    seconds += thread_seconds() - start;
    i += count;
  }
  CurveCheck check;
  const HitCurvePoints points = curve.points();
  for (const std::uint64_t budget : budgets) check.predicted.push_back(points.at(budget));
  check.ns_per_ngram = seconds * 1e9 / static_cast<double>(stream.accesses.size());
  return check;
}

RestartCheck check_restart(const KeyStream& stream, const NgramHasher& hasher,
                           std::uint32_t row_bytes, std::uint64_t budget, std::uint64_t tokens) {
  const std::size_t half = stream.tokens / 2;
  CacheReplay before(stream, hasher, row_bytes, budget);
  for (std::size_t token = 0; token < half; ++token) before.look_up(token);
  CacheReplay cold(stream, hasher, row_bytes, budget);
  CacheReplay warm(stream, hasher, row_bytes, budget);
  warm.restore_from(before);
  const std::size_t end = std::min<std::size_t>(stream.tokens, half + tokens);
  std::uint64_t cold_hits = 0;
  std::uint64_t warm_hits = 0;
  for (std::size_t token = half; token < end; ++token) {
    cold_hits += cold.look_up(token);
    warm_hits += warm.look_up(token);
  }
  const auto asked = static_cast<double>((end - half) * stream.orders());
  return {static_cast<double>(cold_hits) / asked, static_cast<double>(warm_hits) / asked};
}

}  // namespace mneme

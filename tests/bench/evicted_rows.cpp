// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/evicted_rows.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>

#include "engram/bench/removed_file.h"
#include "engram/record_log_format.h"
#include "engram/table_store.h"

namespace mneme {
namespace {

using Clock = std::chrono::steady_clock;
using Keys = std::vector<NgramKey>;

constexpr std::uint64_t kBudget = 8 << 20;
constexpr std::uint64_t kLogBytes = 256 << 20;
constexpr std::size_t kTokensPerRound = 300;

std::vector<Keys> random_tokens(const HashSpec& spec, std::size_t count, std::mt19937_64& random) {
  std::vector<Keys> tokens(count);
  for (Keys& keys : tokens) {
    for (std::int32_t order = 2; order <= spec.max_ngram_size; ++order) {
      NgramKey key{order, {}};
      for (std::int32_t k = 0; k < order; ++k) {
        key.classes[static_cast<std::size_t>(k)] = spec.token_map[random() % spec.token_map.size()];
      }
      keys.push_back(key);
    }
  }
  return tokens;
}

class MeasuredStore {
 public:
  static Result<MeasuredStore> open(const NgramHasher& hasher,
                                    const std::vector<TableSource>& tables,
                                    const std::string& log) {
    TableStoreOptions options;
    options.budget_bytes = kBudget;
    options.record_log = log;
    options.record_log_bytes = log.empty() ? 0 : kLogBytes;
    auto store = TableStore::open(hasher, tables, options);
    if (!store) return store.error();
    if (const std::string why = (*store)->stats().log.off; !why.empty()) {
      return Error{ErrorCode::io, fmt::format("no record log: {}", why)};
    }
    return MeasuredStore(std::move(*store), static_cast<std::size_t>(hasher.spec().head_count));
  }

  Status fetch(const Keys& keys) {
    const auto start = Clock::now();
    TableStore::Ticket ticket = store_->prefetch(keys);
    for (std::size_t layer = 0; layer < store_->map().size(); ++layer) {
      rows_.resize(keys.size() * heads_ * store_->row_bytes(layer));
      RETURN_IF_ERROR(store_->wait(ticket, layer, rows_));
    }
    times_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    return {};
  }

  void begin() {
    times_.clear();
    before_ = store_->stats();
  }
  void end() {
    const TierStats now = store_->stats();
    medians.push_back(median(times_));
    reads.push_back(static_cast<double>(now.reads - before_.reads) / kTokensPerRound);
    bytes.push_back(static_cast<double>(now.bytes_read - before_.bytes_read) / kTokensPerRound);
  }
  TierStats stats() const { return store_->stats(); }

  // After a moment: whether a segment waits for the drive while another one is filled. The log
  // would drop what comes faster, and then it would be read from the tables.
  bool log_is_behind() const {
    const TierStats now = store_->stats();
    const std::uint64_t segment = now.log.records_max / (now.log.bytes / kRecordLogSegmentBytes);
    const std::uint64_t from_tables =
        now.lookups - now.hits - now.rows_from_log / (heads_ * store_->map().size());
    const std::uint64_t written = now.log.bytes_written / kRecordLogSegmentBytes * segment;
    if (!now.log.off.empty() || from_tables < written + 2 * segment) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  }

  std::vector<double> medians, reads, bytes;  // [rounds]; us, requests and bytes a token

 private:
  MeasuredStore(std::unique_ptr<TableStore> store, std::size_t heads)
      : store_(std::move(store)), heads_(heads) {}

  std::unique_ptr<TableStore> store_;
  std::size_t heads_;
  std::vector<std::byte> rows_;
  std::vector<double> times_;
  TierStats before_;
};

}  // namespace

Result<EvictedRows> bench_evicted_rows(const NgramHasher& hasher,
                                       const std::vector<TableSource>& tables,
                                       const std::string& folder, const EvictedOptions& options,
                                       const std::function<void(std::string_view)>& progress,
                                       const std::atomic<bool>* cancel) {
  const RemovedFile log{fmt::format("{}/mneme-bench-{}.records", folder, ::getpid())};
  auto from_log = MeasuredStore::open(hasher, tables, log.path);
  if (!from_log) return from_log.error();
  auto from_tables = MeasuredStore::open(hasher, tables, {});
  if (!from_tables) return from_tables.error();
  const auto stopped = [&] { return cancel != nullptr && cancel->load(); };
  const Error cancelled{ErrorCode::cancelled, "stopped"};

  std::mt19937_64 random(1);
  const std::vector<Keys> tokens = random_tokens(hasher.spec(), options.tokens, random);
  progress("writing a record log");
  for (const Keys& keys : tokens) {
    RETURN_IF_ERROR(from_log->fetch(keys));
    do {
      if (stopped()) return cancelled;
    } while (from_log->log_is_behind());
  }
  if (const RecordLogStats log = from_log->stats().log; !log.off.empty()) {
    return Error{ErrorCode::io, fmt::format("the record log stopped: {}", log.off)};
  }
  // Of the last ones some may still be in memory; they are not asked for.
  const std::size_t asked = tokens.size() * 3 / 4;
  for (int round = 0; round < options.rounds; ++round) {
    progress(fmt::format("evicted rows, round {} of {}", round + 1, options.rounds));
    from_log->begin();
    from_tables->begin();
    for (std::size_t i = 0; i < kTokensPerRound; ++i) {
      if (stopped()) return cancelled;
      const Keys& keys = tokens[random() % asked];
      MeasuredStore* const first = i % 2 == 0 ? &*from_log : &*from_tables;
      MeasuredStore* const second = i % 2 == 0 ? &*from_tables : &*from_log;
      RETURN_IF_ERROR(first->fetch(keys));
      RETURN_IF_ERROR(second->fetch(keys));
    }
    from_log->end();
    from_tables->end();
  }
  const TierStats stats = from_log->stats();
  EvictedRows out;
  out.records = stats.log.records;
  out.bytes_written = stats.log.bytes_written;
  out.log_us = median(from_log->medians);
  out.tables_us = median(from_tables->medians);
  out.log_reads = median(from_log->reads);
  out.tables_reads = median(from_tables->reads);
  out.log_bytes = median(from_log->bytes);
  out.tables_bytes = median(from_tables->bytes);
  out.times = paired_ratio(from_tables->medians, from_log->medians);
  return out;
}

}  // namespace mneme

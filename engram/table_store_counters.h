// SPDX-License-Identifier: Apache-2.0
// The counters of the store, without a lock: each says which thread changes it. Any thread may read
// them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engram/one_writer.h"
#include "engram/tier_stats.h"

namespace mneme {

class StoreCounters {
 public:
  // Look-ups after which half of what the measured rate knows is forgotten.
  static constexpr std::uint64_t kWindow = 100'000;

  // ---- the engine's thread ----
  void looked_up(std::size_t lookups, std::size_t hits);
  void asked(std::size_t reads, std::size_t rows);  // before they go to the reader
  // (n-gram, layer) pairs of one wait(), [Tier].
  void served(const std::array<std::size_t, kTierCount>& pairs);
  void wait_begins();  // a layer waits for rows
  void wait_ends();

  // ---- reader threads ----
  void answered(double latency_us, std::uint64_t bytes);  // by the drive
  void settled();                       // the bytes of a read are in their entries
  void asked_again(std::size_t reads);  // for rows that an earlier read did not deliver
  void from_log(std::size_t rows) { rows_from_log_.fetch_add(rows, std::memory_order_relaxed); }
  void failed() { failed_reads_.fetch_add(1, std::memory_order_relaxed); }
  // True for every `every`-th call.
  bool take_turn(std::uint64_t every) { return turns_.fetch_add(1) % every == 0; }
  void verified() { rows_verified_.fetch_add(1, std::memory_order_relaxed); }

  // ---- the hot set's threads ----
  void restored(std::uint64_t ngrams) { restored_ += ngrams; }
  std::uint64_t restored() const { return restored_; }
  void written(std::uint64_t bytes) { bytes_written_.add(bytes); }

  // ---- any thread ----
  void forget_measured() { forget_measured_ = true; }
  std::uint64_t rows_read() const { return rows_read_.get(); }
  void copy_to(TierStats& stats) const;  // what is counted here; the rest stays

 private:
  OneWriter<std::uint64_t> lookups_, hits_, rows_read_, stall_us_;
  std::array<OneWriter<std::uint64_t>, kTierCount> served_;
  std::atomic<std::int64_t> waiting_since_ns_ = 0;  // 0 = no layer waits
  OneWriter<double> measured_lookups_, measured_hits_;
  std::atomic<bool> forget_measured_ = false;

  std::atomic<std::uint64_t> reads_ = 0, in_flight_ = 0, bytes_read_ = 0, failed_reads_ = 0;
  std::atomic<std::uint64_t> rows_verified_ = 0, rows_from_log_ = 0, turns_ = 0;
  std::atomic<std::int64_t> answered_ns_ = 0;  // or asked, when the drive owed nothing
  std::array<std::atomic<std::uint64_t>, LatencyHistogram::kBuckets> latency_{};

  std::atomic<std::uint64_t> restored_ = 0;
  OneWriter<std::uint64_t> bytes_written_;
};

}  // namespace mneme

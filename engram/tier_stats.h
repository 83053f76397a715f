// SPDX-License-Identifier: Apache-2.0
// Plain counters of the table store, copied for views and benchmarks. Only reads that bypass the
// page cache are called "SSD"; see StorageKind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engram/row_checksum.h"

namespace mneme {

// The memory that an n-gram's rows at a layer came from; all heads of the n-gram share it. In a
// prompt's step the first token with an n-gram is charged with its read, later ones hit RAM.
enum class Tier : std::uint8_t {
  device = 0,  // no transfer: cached there, or transferred before in the same step
  ram = 1,
  ssd_in_time = 2,  // read from storage, there before the layer asked
  ssd_late = 3,     // the layer had to wait for it
};
constexpr std::size_t kTierCount = 4;

enum class StorageKind : std::uint8_t {
  direct,  // O_DIRECT reads: "SSD" in every view
  cached,  // through the page cache, or the file system is memory: "file (cached by the system)"
};

// Log-scale latency histogram: bucket b counts reads of [2^(b/2), 2^((b+1)/2)) microseconds.
struct LatencyHistogram {
  static constexpr int kBuckets = 48;
  std::array<std::uint64_t, kBuckets> counts{};

  static int bucket(double microseconds);
  void add(double microseconds);
  double quantile(double q) const;  // microseconds, upper edge of the bucket; 0 when empty
  std::uint64_t total() const;
};

// The hit rate that a budget would have.
struct CurvePoint {
  std::uint64_t budget_bytes = 0;
  double hit_rate = 0;  // 0..1
};

// The prediction of HitCurve; small enough to be copied with the counters.
struct HitCurvePoints {
  static constexpr std::size_t kMax = 18;
  std::array<CurvePoint, kMax> points{};  // ascending budgets, each twice the one before
  std::size_t count = 0;
  double lookups = 0;  // that the rates come from; 0 = nothing is known yet

  // Between the points a straight line over the budget's logarithm; flat beyond them.
  double at(std::uint64_t budget_bytes) const;
};

// The record log (record_log.h); all zero where there is none.
struct RecordLogStats {
  std::uint64_t bytes = 0;  // of the file
  std::uint64_t records = 0;
  std::uint64_t records_max = 0;    // that the file has room for
  std::uint64_t ram_bytes = 0;      // of its index and buffers, beside the RAM budget
  std::uint64_t bytes_written = 0;  // since it was opened
  std::uint64_t dropped = 0;        // n-grams that the drive was too slow for
  std::uint64_t refused = 0;        // records that could not be read, or were not as written
  std::string off;                  // why it is not used any more; "" = it is
};

// The rows that a device caches (DeviceRowCachePolicy); all zero where it has no room for any.
struct DeviceTierStats {
  std::uint64_t entries = 0;    // n-grams
  std::uint64_t bytes = 0;      // of their rows
  std::uint64_t room = 0;       // bytes it may hold
  std::uint64_t evictions = 0;  // n-grams
  std::string off;              // why it holds nothing although it was asked to; "" = it does
};

struct TierStats {
  StorageKind storage = StorageKind::direct;
  std::optional<VerifyRows> checksums;  // which rows are compared; none = the pack has none
  std::string reader;                   // "io_uring", "threads"
  std::string why_reader;               // why it is not the first choice; "" = it is
  std::string file_system;              // "ext4", "tmpfs"
  std::string why_cached;               // why reads go through the page cache; "" = they do not
  std::optional<int> numa_node;         // where the RAM tier was placed; none = the system chooses

  std::uint64_t lookups = 0;  // n-grams asked for (all heads and layers of one = one)
  // Found in RAM, ready or already being read, also where the device had them too.
  std::uint64_t hits = 0;
  std::uint64_t reads = 0;  // requests sent to storage, after merging
  std::uint64_t rows_read = 0;
  std::uint64_t rows_from_log = 0;  // of those, from records of the record log
  std::uint64_t rows_verified = 0;  // of those, compared with their checksum
  std::uint64_t bytes_read = 0;     // as sent to storage, alignment included
  std::uint64_t bytes_written =
      0;  // of hot set and record log: shown, because people fear for their drives
  std::uint64_t evictions = 0;
  std::uint64_t in_flight = 0;  // reads now at the drive
  // (n-gram, layer) pairs that layers asked for, by the tier that answered: [Tier].
  std::array<std::uint64_t, kTierCount> served{};
  std::uint64_t stall_us = 0;  // time layers waited
  std::uint64_t failed_reads = 0;
  std::uint64_t silent_us = 0;   // since the drive last answered, while it owes an answer; else 0
  std::uint64_t waiting_us = 0;  // since the layer that waits for rows now began to; else 0

  std::uint64_t entries = 0;      // n-grams in RAM
  std::uint64_t kept = 0;         // of them, those that stay by keep_most_used()
  std::uint64_t entry_bytes = 0;  // what the budget pays for one
  std::uint64_t restored = 0;     // brought back from the hot set of the last time
  std::uint64_t bytes_used = 0;   // payload and metadata
  std::uint64_t budget_bytes = 0;
  std::uint64_t table_bytes = 0;  // all tables together
  LatencyHistogram read_latency;  // of reads since the store was opened
  RecordLogStats log;
  DeviceTierStats device;

  // Predicted from lately, and measured since the budget was last changed; both forget what is
  // older than some ten thousands of look-ups.
  HitCurvePoints predicted;
  double measured_lookups = 0;
  double measured_hits = 0;
};

// One tier, counted like every other.
struct TierCounters {
  Tier tier = Tier::ram;      // storage: ssd_in_time stands for both
  std::uint64_t asked = 0;    // (n-gram, layer) pairs that no faster tier had
  std::uint64_t served = 0;   // of those, by this one
  std::uint64_t evicted = 0;  // n-grams that had to leave it
  std::uint64_t bytes = 0;    // held
  std::uint64_t room = 0;     // bytes it may hold
};

// The tiers of a store that has rows in RAM, on storage, and on the device if that has room for
// some; fastest first.
std::vector<TierCounters> tier_counters(const TierStats& stats);

// What rows can come from, fastest first: the device only where it holds some.
std::vector<Tier> present_tiers(const TierStats& stats);

// Share of (n-gram, layer) pairs that cost no read of storage, whatever the tiers between; -1 when
// nothing was asked for.
double served_without_storage(const TierStats& stats);

// What the storage tier is called in every view and output: "SSD" or "file (cached by the system)".
std::string storage_label(const TierStats& stats);

// The tier of one read in words, the same in every view and output: "RAM", "SSD", "SSD late", ...
std::string tier_label(Tier tier, const TierStats& stats);

}  // namespace mneme

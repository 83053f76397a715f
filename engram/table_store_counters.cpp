// SPDX-License-Identifier: Apache-2.0
#include "engram/table_store_counters.h"

#include <algorithm>
#include <chrono>

namespace mneme {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::uint64_t us_since(std::int64_t start_ns) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns() - start_ns, 0)) / 1000;
}

}  // namespace

void StoreCounters::looked_up(std::size_t lookups, std::size_t hits) {
  lookups_.add(lookups);
  hits_.add(hits);
  if (forget_measured_) {
    measured_hits_.set(0);
    measured_lookups_.set(0);
    forget_measured_ = false;
  }
  measured_lookups_.add(static_cast<double>(lookups));
  measured_hits_.add(static_cast<double>(hits));
  if (measured_lookups_.get() < 2.0 * kWindow) return;
  measured_hits_.set(measured_hits_.get() / 2);
  measured_lookups_.set(measured_lookups_.get() / 2);
}

void StoreCounters::asked(std::size_t reads, std::size_t rows) {
  rows_read_.add(rows);
  if (in_flight_ == 0) answered_ns_ = now_ns();
  asked_again(reads);
}

void StoreCounters::asked_again(std::size_t reads) {
  reads_.fetch_add(reads, kRelaxed);
  in_flight_ += reads;
}

void StoreCounters::served(const std::array<std::size_t, kTierCount>& pairs) {
  for (std::size_t tier = 0; tier < kTierCount; ++tier) served_[tier].add(pairs[tier]);
}

void StoreCounters::wait_begins() {
  waiting_since_ns_ = now_ns();
}

void StoreCounters::wait_ends() {
  stall_us_.add(us_since(waiting_since_ns_));
  waiting_since_ns_ = 0;
}

void StoreCounters::answered(double latency_us, std::uint64_t bytes) {
  answered_ns_ = now_ns();
  bytes_read_.fetch_add(bytes, kRelaxed);
  latency_[static_cast<std::size_t>(LatencyHistogram::bucket(latency_us))].fetch_add(1, kRelaxed);
}

void StoreCounters::settled() {
  --in_flight_;
}

void StoreCounters::copy_to(TierStats& stats) const {
  stats.hits = hits_.get();  // before the look-ups that they are part of
  stats.lookups = lookups_.get();
  stats.reads = reads_;
  stats.rows_read = rows_read_.get();
  for (std::size_t tier = 0; tier < kTierCount; ++tier) stats.served[tier] = served_[tier].get();
  stats.stall_us = stall_us_.get();
  const bool fresh = forget_measured_;
  stats.measured_hits = fresh ? 0 : measured_hits_.get();
  stats.measured_lookups = fresh ? 0 : measured_lookups_.get();

  stats.in_flight = in_flight_;
  stats.bytes_read = bytes_read_;
  stats.failed_reads = failed_reads_;
  stats.rows_verified = rows_verified_;
  stats.rows_from_log = rows_from_log_;
  for (std::size_t i = 0; i < latency_.size(); ++i) stats.read_latency.counts[i] = latency_[i];
  stats.silent_us = stats.in_flight > 0 ? us_since(answered_ns_) : 0;
  const std::int64_t waiting_since = waiting_since_ns_;
  stats.waiting_us = waiting_since > 0 ? us_since(waiting_since) : 0;
  stats.restored = restored_;
  stats.bytes_written = bytes_written_.get();
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/record_log_index.h"

#include <limits>

#include "base/check.h"

namespace mneme {
namespace {

// With two buckets to choose from, hardly any is full while the index is that full on the whole.
constexpr double kEntriesPerBucket = 6.4;

std::size_t buckets_for(std::uint64_t records) {
  return static_cast<std::size_t>(static_cast<double>(records) / kEntriesPerBucket) + 1;
}

std::uint32_t index_print(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash);
}

}  // namespace

RecordLogIndex::RecordLogIndex(std::uint64_t records)
    : records_(records),
      modulus_(std::numeric_limits<std::uint32_t>::max() / records * records),
      buckets_(buckets_for(records)) {
  CHECK(records > 0 && records <= kRecordsMax);
}

std::uint64_t RecordLogIndex::bytes_for(std::uint64_t records) {
  return buckets_for(records) * sizeof(Bucket);
}

void RecordLogIndex::advance(std::uint64_t next) {
  CHECK(next >= next_);
  next_ = next;
}

std::array<std::uint32_t, 2> RecordLogIndex::buckets_of(std::uint64_t hash) const {
  const std::uint64_t count = buckets_.size();
  const std::uint64_t other = (hash ^ hash >> 31) * 0x9e3779b97f4a7c15u;
  return {static_cast<std::uint32_t>((hash >> 32) * count >> 32),
          static_cast<std::uint32_t>((other >> 32) * count >> 32)};
}

// None: empty, or written over since.
std::optional<std::uint64_t> RecordLogIndex::number_of(const Entry& entry) const {
  if (entry.mark == 0) return std::nullopt;
  const std::uint64_t age = (next_ % modulus_ + modulus_ - (entry.mark - 1)) % modulus_;
  if (age == 0 || age > records_ || age > next_) return std::nullopt;
  return next_ - age;
}

template <typename Self>
auto* RecordLogIndex::find_entry(Self& self, std::uint64_t hash) {
  for (const std::uint32_t bucket : self.buckets_of(hash)) {
    for (auto& entry : self.buckets_[bucket]) {
      if (entry.print == index_print(hash) && self.number_of(entry)) return &entry;
    }
  }
  return static_cast<decltype(self.buckets_[0].data())>(nullptr);
}

std::optional<std::uint64_t> RecordLogIndex::find(std::uint64_t hash) const {
  const Entry* const entry = find_entry(*this, hash);
  return entry != nullptr ? number_of(*entry) : std::nullopt;
}

void RecordLogIndex::forget(std::uint64_t hash) {
  if (Entry* const entry = find_entry(*this, hash)) *entry = {};
}

void RecordLogIndex::insert(std::uint64_t hash, std::uint64_t number) {
  CHECK(number < next_);
  const Entry fresh{index_print(hash), static_cast<std::uint32_t>(number % modulus_) + 1};
  if (const auto known = find(hash)) {
    if (*known >= number) return;
    forget(hash);
  }
  Entry* place = nullptr;  // a free one of the emptier bucket, else the oldest
  std::size_t most_free = 0;
  std::uint64_t oldest = number;
  for (const std::uint32_t bucket : buckets_of(hash)) {
    std::size_t free = 0;
    Entry* free_entry = nullptr;
    for (Entry& entry : buckets_[bucket]) {
      if (const auto there = number_of(entry); !there) {
        ++free;
        free_entry = &entry;
      } else if (most_free == 0 && free == 0 && *there < oldest) {
        oldest = *there;
        place = &entry;
      }
    }
    if (free > most_free) {
      most_free = free;
      place = free_entry;
    }
  }
  if (place != nullptr) *place = fresh;
}

}  // namespace mneme

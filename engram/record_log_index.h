// SPDX-License-Identifier: Apache-2.0
// Which record of the record log holds an n-gram. Ten bytes of RAM a record: only a print of the
// key's hash is kept, so what is found must be compared with the key. Records that the ring has
// written over need not be taken out, they are told by their age. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace mneme {

// Records are numbered from 0 on, lap after lap; the ring has room for the last `records` of them.
class RecordLogIndex {
 public:
  static constexpr std::uint64_t kRecordsMax = std::uint64_t{1} << 31;
  static std::uint64_t bytes_for(std::uint64_t records);

  explicit RecordLogIndex(std::uint64_t records);  // 1..kRecordsMax

  // All numbers below `next` were given away, and only the last `records` of them are there still.
  void advance(std::uint64_t next);
  std::uint64_t next() const { return next_; }

  // The hash is NgramKeyHash's. The newest record of an n-gram counts; where there is no room at
  // all, the oldest of its neighbours goes. `number` is below next().
  void insert(std::uint64_t hash, std::uint64_t number);
  std::optional<std::uint64_t> find(std::uint64_t hash) const;
  void forget(std::uint64_t hash);

  std::uint64_t bytes() const { return buckets_.size() * sizeof(Bucket); }

 private:
  struct Entry {
    std::uint32_t print = 0;  // of the hash
    std::uint32_t mark = 0;   // number modulo laps of the ring, and 1; 0 = empty
  };
  using Bucket = std::array<Entry, 8>;  // a line of the processor's cache

  std::array<std::uint32_t, 2> buckets_of(std::uint64_t hash) const;
  std::optional<std::uint64_t> number_of(const Entry& entry) const;
  // The entry of the hash, const where `self` is; null where there is none.
  template <typename Self>
  static auto* find_entry(Self& self, std::uint64_t hash);

  const std::uint64_t records_;
  const std::uint64_t modulus_;  // of marks: a multiple of records_
  std::uint64_t next_ = 0;
  std::vector<Bucket> buckets_;
};

}  // namespace mneme

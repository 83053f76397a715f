// SPDX-License-Identifier: Apache-2.0
// Reference caches, written for clearness and apart from the product's: what a policy does at best,
// to hold the product against. Keys are small numbers; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace mneme {

// Least recently used, exact.
class LruSimulator {
 public:
  LruSimulator(std::uint64_t capacity, std::size_t keys);
  bool access(std::uint32_t key);  // true: a hit; a miss brings it in

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;
  void unlink(std::uint32_t key);
  void link(std::uint32_t key);

  std::uint64_t capacity_;
  std::uint64_t size_ = 0;
  std::vector<std::uint32_t> newer_, older_;  // [keys]; kNone at the ends
  std::vector<bool> there_;                   // [keys]
  std::uint32_t newest_ = kNone;
  std::uint32_t oldest_ = kNone;
};

// S3-FIFO: a small queue of a tenth, a main queue with counters up to 3, and a ghost queue.
class S3FifoSimulator {
 public:
  enum class Variant : std::uint8_t {
    published,  // Yang et al., SOSP 2023: ghosts as long as the main queue
    product,    // what RowCache does: see there
  };
  S3FifoSimulator(std::uint64_t capacity, std::size_t keys, Variant variant);
  bool access(std::uint32_t key);

 private:
  enum class Place : std::uint8_t { out, small, main };
  void evict();
  void evict_small();
  void evict_main();
  bool deserves_main(std::uint32_t key) const;

  Variant variant_;
  std::uint64_t capacity_;
  std::uint64_t small_max_;
  std::uint64_t ghosts_max_;
  std::deque<std::uint32_t> small_, main_;  // front = oldest
  std::vector<Place> place_;                // [keys]
  std::vector<std::uint8_t> uses_;          // [keys], at most 3
  std::vector<std::uint64_t> left_;         // [keys]: number of the eviction from small, 0 = never
  std::uint64_t evictions_ = 0;
};

}  // namespace mneme

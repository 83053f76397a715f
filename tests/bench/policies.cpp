// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/policies.h"

#include <algorithm>

namespace mneme {

// ---- LRU ---------------------------------------------------------------------------------------

LruSimulator::LruSimulator(std::uint64_t capacity, std::size_t keys)
    : capacity_(std::max<std::uint64_t>(1, capacity)),
      newer_(keys, kNone),
      older_(keys, kNone),
      there_(keys, false) {}

void LruSimulator::unlink(std::uint32_t key) {
  (newer_[key] == kNone ? newest_ : older_[newer_[key]]) = older_[key];
  (older_[key] == kNone ? oldest_ : newer_[older_[key]]) = newer_[key];
}

void LruSimulator::link(std::uint32_t key) {
  newer_[key] = kNone;
  older_[key] = newest_;
  (newest_ == kNone ? oldest_ : newer_[newest_]) = key;
  newest_ = key;
}

bool LruSimulator::access(std::uint32_t key) {
  const bool hit = there_[key];
  if (hit) {
    unlink(key);
  } else if (size_ == capacity_) {
    const std::uint32_t victim = oldest_;
    unlink(victim);
    there_[victim] = false;
    there_[key] = true;
  } else {
    ++size_;
    there_[key] = true;
  }
  link(key);
  return hit;
}

// ---- S3-FIFO -----------------------------------------------------------------------------------

S3FifoSimulator::S3FifoSimulator(std::uint64_t capacity, std::size_t keys, Variant variant)
    : variant_(variant),
      capacity_(std::max<std::uint64_t>(1, capacity)),
      small_max_(std::max<std::uint64_t>(1, capacity_ / 10)),
      ghosts_max_(variant == Variant::published ? capacity_ - small_max_ : 2 * capacity_),
      place_(keys, Place::out),
      uses_(keys, 0),
      left_(keys, 0) {}

void S3FifoSimulator::evict_main() {
  for (;;) {
    const std::uint32_t key = main_.front();
    main_.pop_front();
    if (uses_[key] == 0) {
      place_[key] = Place::out;
      return;
    }
    --uses_[key];
    main_.push_back(key);
  }
}

bool S3FifoSimulator::deserves_main(std::uint32_t key) const {
  const bool room = variant_ == Variant::product && main_.size() + small_max_ < capacity_;
  return uses_[key] > (room ? 0 : 1);
}

void S3FifoSimulator::evict_small() {
  while (!small_.empty()) {
    const std::uint32_t key = small_.front();
    small_.pop_front();
    if (!deserves_main(key)) {
      place_[key] = Place::out;
      left_[key] = ++evictions_;
      return;
    }
    uses_[key] = 0;
    place_[key] = Place::main;
    main_.push_back(key);
  }
}

void S3FifoSimulator::evict() {
  if (small_.size() >= small_max_ || main_.empty()) {
    evict_small();
  } else {
    evict_main();
  }
}

bool S3FifoSimulator::access(std::uint32_t key) {
  if (place_[key] != Place::out) {
    if (uses_[key] < 3) ++uses_[key];
    return true;
  }
  while (small_.size() + main_.size() >= capacity_) evict();
  const bool ghost = left_[key] != 0 && evictions_ - left_[key] < ghosts_max_;
  uses_[key] = 0;
  left_[key] = 0;
  place_[key] = ghost ? Place::main : Place::small;
  (ghost ? main_ : small_).push_back(key);
  return false;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/run/memory_rows.h"

#include <cstring>
#include <utility>

namespace mneme {

void MemoryRows::prefetch(std::span<const Tokens> next) {
  next_->asked = std::chrono::steady_clock::now();
  keys_.clear();
  for (const Tokens& tokens : next) {
    for (std::int64_t t = tokens.first; t < tokens.first + tokens.count; ++t) {
      keys_.resize(keys_.size() + orders());
      pack_.hasher->keys_at(tokens.sequence, static_cast<std::size_t>(t),
                            std::span(keys_).last(orders()));
    }
  }
  next_->keys = keys_.size();
  if (device_rows_ == nullptr) {
    next_->ticket = tables_.prefetch(keys_);
    return;
  }
  device_rows_->policy().plan(keys_, next_->device);
  next_->ticket = tables_.prefetch(next_->device.misses(), next_->device.hits());
}

void MemoryRows::begin_step() {
  std::swap(step_, next_);
  next_->ticket = {};
  if (device_rows_ != nullptr) write_locations();
}

// Tells the device where the rows of each n-gram lie, and which it is to keep.
void MemoryRows::write_locations() {
  std::span<std::byte> index = io_.index.host();
  for (const DeviceRowCachePolicy::RowLocation& location : step_->device.locations()) {
    const RowLocation stored{location.from, location.keep};
    std::memcpy(index.data(), &stored, sizeof stored);
    index = index.subspan(sizeof stored);
  }
}

Status MemoryRows::wait(std::size_t slot, const std::atomic<bool>* cancel) {
  const std::size_t ngrams = device_rows_ != nullptr ? step_->device.misses().size() : step_->keys;
  const std::size_t bytes = ngrams * static_cast<std::size_t>(ngram_bytes(pack_.header));
  return tables_.wait(step_->ticket, slot, io_.rows[slot].host().first(bytes), cancel);
}

void MemoryRows::end_step() {
  if (device_rows_ != nullptr) step_->device.done();
}

void MemoryRows::give_up() {
  step_->device.forget();
  next_->device.forget();
  next_->ticket = {};
}

RowOutcome MemoryRows::outcome(std::size_t slot, std::int64_t token, std::size_t order) const {
  std::size_t at = static_cast<std::size_t>(token) * orders() + order;
  if (device_rows_ != nullptr) {
    const DeviceRowCachePolicy::RowLocation& location = step_->device.locations()[at];
    if (!location.is_miss) return {Tier::device, 0};
    at = static_cast<std::size_t>(location.from);
  }
  return tables_.outcomes(step_->ticket, slot)[at];
}

}  // namespace mneme

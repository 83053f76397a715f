// SPDX-License-Identifier: Apache-2.0
// The trace record of each token in the KV cache: a prompt that finds its beginning there evaluates
// none of it, and still has the records of all its tokens. About 112 bytes a token. Engine thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"

namespace mneme {

class KeptRecords {
 public:
  // Of the token that was evaluated at `position`; positions are evaluated in order, so all records
  // from there on are those of tokens that are no longer in the cache.
  void set(std::int64_t position, std::span<const std::byte> record) {
    CHECK(position >= 0 && position <= size());
    ends_.resize(static_cast<std::size_t>(position));
    bytes_.resize(begin_of(position));
    bytes_.insert(bytes_.end(), record.begin(), record.end());
    ends_.push_back(bytes_.size());
  }

  std::span<const std::byte> at(std::int64_t position) const {
    CHECK(position >= 0 && position < size());
    const std::size_t begin = begin_of(position);
    return std::span(bytes_).subspan(begin, ends_[static_cast<std::size_t>(position)] - begin);
  }

  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }

 private:
  std::size_t begin_of(std::int64_t position) const {
    return position == 0 ? 0 : ends_[static_cast<std::size_t>(position) - 1];
  }

  std::vector<std::byte> bytes_;
  std::vector<std::size_t> ends_;  // in bytes_, of each record
};

}  // namespace mneme

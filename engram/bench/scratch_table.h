// SPDX-License-Identifier: Apache-2.0
// A file to measure a drive with: random bytes, so that no drive compresses or deduplicates it, and
// gone when the program ends, however it ends (it has no name once it is written).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "base/result.h"

namespace mneme {

class ScratchTable {
 public:
  // `random` false: the file has its size, but no bytes on the drive (a hole). `progress` gets a
  // fraction. Writing ends after `seconds`, with what the drive has taken until then. Errors:
  // invalid (too little room: says how much there is), io, cancelled.
  static Result<ScratchTable> create(const std::string& folder, std::uint64_t bytes, bool random,
                                     const std::function<void(double)>& progress,
                                     const std::atomic<bool>* cancel,
                                     double seconds = std::numeric_limits<double>::infinity());

  ScratchTable(ScratchTable&& other) noexcept;
  ScratchTable& operator=(ScratchTable&&) = delete;
  ~ScratchTable();

  const std::string& path() const { return path_; }  // readable while this object lives
  std::uint64_t bytes() const { return bytes_; }

 private:
  explicit ScratchTable(int fd);
  std::string path_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace mneme

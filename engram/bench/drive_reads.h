// SPDX-License-Identifier: Apache-2.0
// What a drive does by itself, past the page cache: the limit that readers are held against.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace mneme {

constexpr std::uint64_t kDrivePageBytes = 4096;

struct DriveReadsOptions {
  std::uint64_t pages_per_read = 1;
  unsigned depth = 1;  // reads in flight
  double seconds = 1;  // no read is begun later than that
  std::uint64_t seed = 1;
  const std::atomic<bool>* cancel = nullptr;
};

struct DriveReads {
  double per_second = 0;
  std::vector<double> us;  // of each read, where the depth is 1: microseconds, in no order
};

// Reads that each begin at any of `first_pages` (not empty) of the file. Errors: unsupported (the
// system or the file system refuses such reads), io, cancelled.
Result<DriveReads> measure_drive_reads(const std::string& path,
                                       std::span<const std::uint64_t> first_pages,
                                       const DriveReadsOptions& options);

}  // namespace mneme

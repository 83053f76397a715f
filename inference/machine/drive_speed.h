// SPDX-License-Identifier: Apache-2.0
// How fast the drive reads on which a folder lies, past the page cache: what rows of n-gram tables
// cost that are not in RAM.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mneme {

struct DriveSpeed {
  double large_bytes_per_second = 0;  // reads of 1 MiB, some in flight
  // Reads of 4 KiB at random places.
  double small_reads_per_second = 0;  // kSmallReadsInFlight at once
  double small_read_us = 0;           // one at a time: the median, in microseconds
  double small_read_us_p99 = 0;       // the 99th percentile
  std::uint64_t file_bytes = 0;       // of the file that was read
};

// As many rows as a token of the largest published tables reads (row_cost.h).
constexpr unsigned kSmallReadsInFlight = 48;

// A fraction 0..1 of the whole and what is under way, in words ("writing", "large reads").
using DriveProgress = std::function<void(double fraction, std::string_view what)>;

// Writes a file of at most 128 MiB into the folder (less where the drive writes slowly or has
// little room; it has no name, so nothing is left however this ends), reads from it for three
// seconds, and gives its room back. Returns within 100 ms after `stop` was set, as long as the
// drive answers. Any thread. Errors, each one sentence for a person: io (no such folder, read-only,
// full), invalid (less than 1 GiB would stay free), unsupported (the file system lies in RAM or
// does not allow reads past the page cache), cancelled.
Result<DriveSpeed> measure_drive(const std::string& folder, const std::atomic<bool>& stop,
                                 const DriveProgress& progress = {});

// The folder itself, or the nearest one above it that is there: Mneme's own folder is made when
// something is first written to it.
std::string nearest_folder(const std::string& path);

}  // namespace mneme

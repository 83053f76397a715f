// SPDX-License-Identifier: Apache-2.0
// What a drive does by itself, past the page cache: the limit that readers are held against.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace mneme {

constexpr std::uint64_t kDriveReadBytes = 4096;

// Reads of 4 KiB a second, each of any of `pages` (not empty) of the file, `depth` of them in
// flight for `seconds`. Errors: unsupported (the system or the file system refuses such reads), io.
Result<double> drive_reads_per_second(const std::string& path, std::span<const std::uint64_t> pages,
                                      unsigned depth, double seconds, std::uint64_t seed);

}  // namespace mneme

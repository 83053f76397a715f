// SPDX-License-Identifier: Apache-2.0
// Opens a file for row reads: past the page cache where its file system truly allows it, and says
// what was opened, so that "SSD" is never said of memory. The owner is a RowReader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "engram/tier_stats.h"

namespace mneme {

struct RowFile {
  File file;
  StorageKind storage = StorageKind::cached;
  std::string file_system;             // "ext4"; a number where the kernel's is not known to us
  std::uint32_t alignment = 1;         // bytes; of offsets and sizes at the drive, 1 where cached
  std::uint32_t memory_alignment = 1;  // bytes; of the buffers
};

// Errors: io, naming the path and the system's reason. A refusal of O_DIRECT is no error.
Result<RowFile> open_row_file(const std::string& path);

// Why a file on this file system is read through the page cache, as a sentence.
std::string why_cached(const std::string& file_system);

}  // namespace mneme

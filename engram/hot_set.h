// SPDX-License-Identifier: Apache-2.0
// The n-grams that were in RAM, with their rows, as one file that is written and read from front to
// back: the next start begins with them instead of with random reads. The file may be deleted at
// any time. Format: HOTSET.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "base/result.h"
#include "engram/cache_segment.h"
#include "engram/file_system.h"
#include "engram/ngram_key.h"

namespace mneme {

// One n-gram of the file.
struct HotNgram {
  NgramKey key;
  CacheSegment segment = CacheSegment::seldom;
  std::span<const std::byte> rows;
};

// One thread.
class HotSetWriter {
 public:
  // Takes the place of `path` at finish(); without it nothing is left behind. Errors: as
  // OutputFile.
  static Result<HotSetWriter> create(const std::string& path, std::uint64_t identity,
                                     std::uint32_t rows_bytes);
  Status add(const NgramKey& key, CacheSegment segment, std::span<const std::byte> rows);
  std::uint64_t bytes() const { return file_.size(); }  // written so far
  Status finish();

 private:
  HotSetWriter(OutputFile file, std::uint64_t identity, std::uint32_t rows_bytes);
  Status write_block();
  Status write_header();

  OutputFile file_;
  const std::uint64_t identity_;
  const std::uint32_t rows_bytes_;
  std::uint64_t entries_ = 0;
  std::uint64_t blocks_ = 0;
  std::vector<std::byte> block_;
};

// Immutable once open: several threads may read blocks at a time, which keeps a drive busy.
class HotSetReader {
 public:
  // Where a thread's block lies.
  class Memory {
   private:
    friend class HotSetReader;
    struct Free {
      void operator()(std::byte* bytes) const { std::free(bytes); }
    };
    std::unique_ptr<std::byte, Free> bytes_;
    std::vector<HotNgram> ngrams_;
  };

  // Errors: io (no such file); invalid, for a person to read: another version, other tables, rows
  // of another size; unsupported (a newer program's, to be left alone).
  static Result<HotSetReader> open(const std::string& path, std::uint64_t identity,
                                   std::uint32_t rows_bytes);

  std::uint64_t entries() const { return entries_; }
  std::uint64_t blocks() const;

  // The n-grams of a block, valid until the next read into `memory`. Errors: io, corrupt (it is not
  // what was written), out_of_memory.
  Result<std::span<const HotNgram>> read(std::uint64_t block, Memory& memory) const;

 private:
  HotSetReader(RowFile file, std::uint32_t rows_bytes, std::uint64_t entries);

  RowFile file_;
  std::uint32_t rows_bytes_;
  std::uint64_t entries_;
};

}  // namespace mneme

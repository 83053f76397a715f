// SPDX-License-Identifier: Apache-2.0
// The n-grams that were in RAM, with their rows, as one file that is written and read from front to
// back: the next start begins with them instead of with random reads. A guest of the drive: it may
// be deleted at any time. Format: HOTSET.md. One thread each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engram/hash_spec.h"
#include "engram/ngram_key.h"
#include "engram/table_map.h"
#include "inference/base/file.h"
#include "inference/base/result.h"

namespace mneme {

// Which tables the rows were read from: changes when a file is replaced or written to, or when its
// rows are addressed in another way. Errors: io.
Result<std::uint64_t> hot_set_identity(const HashSpec& spec, const TableMap& map);

// One n-gram of the file; `rows` is valid until the next block.
struct HotNgram {
  NgramKey key;
  bool often_used = false;  // it was in the cache's main queue
  std::span<const std::byte> rows;
};

class HotSetWriter {
 public:
  // Writes beside `path` and takes its place at finish(). Errors: io.
  static Result<HotSetWriter> create(const std::string& path, std::uint64_t identity,
                                     std::uint32_t rows_bytes);
  HotSetWriter(HotSetWriter&& other) noexcept;
  HotSetWriter& operator=(HotSetWriter&&) = delete;
  ~HotSetWriter();  // without finish(): nothing is left behind

  Status add(const NgramKey& key, bool often_used, std::span<const std::byte> rows);
  Result<std::uint64_t> finish();  // bytes written

 private:
  HotSetWriter(std::string path, std::string part, int fd, std::uint64_t identity,
               std::uint32_t rows_bytes);
  Status write_block();
  Status write(std::span<const std::byte> bytes);
  Status write_header();

  std::string path_, part_;
  int fd_ = -1;
  const std::uint64_t identity_;
  const std::uint32_t rows_bytes_;
  std::uint64_t entries_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint64_t written_ = 0;
  std::vector<std::byte> block_;
};

class HotSetReader {
 public:
  // Errors: io (no such file); invalid, for a person to read: another version, other tables, rows
  // of another size.
  static Result<HotSetReader> open(const std::string& path, std::uint64_t identity,
                                   std::uint32_t rows_bytes);

  std::uint64_t entries() const { return entries_; }

  // The next n-grams; none at the end. Errors: io, corrupt (a block is not what was written).
  Result<std::span<const HotNgram>> next();

 private:
  HotSetReader(File file, std::uint32_t rows_bytes, std::uint64_t entries);

  File file_;
  const std::uint32_t rows_bytes_;
  const std::uint64_t entries_;
  std::uint64_t read_ = 0;   // entries
  std::uint64_t block_ = 0;  // number of the next
  std::uint64_t at_;         // bytes into the file
  std::vector<std::byte> bytes_;
  std::vector<HotNgram> ngrams_;
};

}  // namespace mneme

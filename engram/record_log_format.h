// SPDX-License-Identifier: Apache-2.0
// Bytes of the record log's file: where its parts lie, how they are made and how they are known
// again. No file is opened here. Format: RECORDLOG.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/ngram_key.h"

namespace mneme {

constexpr std::size_t kRecordLogPage = 4096;  // bytes; of the file's header, of all alignment
constexpr std::size_t kRecordLogSegmentBytes = 1 << 20;  // written at once

// A file of at most `bytes` for the tables `identity`. Immutable.
class RecordLogFormat {
 public:
  // `rows_bytes`: of an n-gram, all heads of all layers. Errors: unsupported (a record would be
  // larger than one read), invalid (not even two segments).
  static Result<RecordLogFormat> create(std::uint64_t bytes, std::uint32_t rows_bytes,
                                        std::uint64_t identity);

  std::uint64_t segments() const { return segments_; }
  std::uint32_t segment_records() const {  // of one segment
    return static_cast<std::uint32_t>(record_begin_.size());
  }
  std::uint64_t records() const { return segments_ * segment_records(); }
  std::uint64_t file_bytes() const { return kRecordLogPage + segments_ * kRecordLogSegmentBytes; }
  std::uint32_t record_bytes() const;
  std::uint32_t rows_bytes() const { return rows_bytes_; }
  std::size_t head_bytes() const { return head_bytes_; }  // of a segment, a multiple of the page

  // Where segment `sequence` and record `number` lie; both count on from lap to lap.
  std::uint64_t segment_begin(std::uint64_t sequence) const;
  std::uint64_t record_begin(std::uint64_t number) const;

  // kRecordLogPage bytes.
  std::vector<std::byte> header() const;
  // Ok: the file may be gone on with. Errors: invalid (it is ours, but of other tables, of another
  // size or version, or damaged: to be begun anew); corrupt (it is no record log); unsupported (a
  // newer program's).
  Status check_header(std::span<const std::byte> file) const;

  // A segment in memory: records are put in one after the other, then it is sealed.
  void put(std::span<std::byte> segment, std::uint32_t index, const NgramKey& key,
           std::span<const std::byte> rows) const;
  void seal(std::span<std::byte> segment, std::uint64_t sequence, std::uint32_t count) const;

  struct Head {
    std::uint64_t sequence = 0;
    std::vector<NgramKey> keys;  // of its records
  };
  // From head_bytes(). None: never written, torn, damaged, or of other tables.
  std::optional<Head> read_head(std::span<const std::byte> bytes) const;

  // The rows of a record that was read; empty if it is not this n-gram's, or not what was written.
  std::span<const std::byte> rows_of(const NgramKey& key, std::span<const std::byte> record) const;

 private:
  RecordLogFormat(std::uint64_t segments, std::uint32_t rows_bytes, std::uint64_t identity);

  std::uint64_t segments_;
  std::uint32_t rows_bytes_;
  std::uint64_t identity_;
  std::size_t head_bytes_ = 0;
  std::vector<std::uint32_t> record_begin_;  // [segment_records()] bytes into the segment
};

}  // namespace mneme

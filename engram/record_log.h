// SPDX-License-Identifier: Apache-2.0
// The rows of n-grams in the order of their first use, each n-gram's together, in one bounded file
// that is a ring of segments: an n-gram that was evicted from RAM comes back with one read instead
// of one for each head and layer. The log is only a copy: it may be lost or damaged at any time,
// records are compared with their checksums, and all rows are in the tables too. Format:
// RECORDLOG.md.
//
// find() and add() may be called by any thread and hardly ever wait: a thread of the log reads the
// index back when the log is opened, and writes whole segments. Records are read by the caller.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engram/ngram_key.h"
#include "engram/record_log_format.h"
#include "engram/record_log_index.h"
#include "engram/tier_stats.h"

namespace mneme {

class RecordLog {
 public:
  // Takes a file of at most `bytes`, all of it at once; goes on with what lies there if it is a log
  // of these tables (table_identity.h) and this size, begins anew otherwise, which a log line
  // tells. Errors: io (cannot be created, is in use by someone else, no room on the drive);
  // unsupported and invalid, as RecordLogFormat::create; corrupt (another file lies there; it is
  // left alone). A newer program's is unsupported, and left alone too.
  static Result<std::unique_ptr<RecordLog>> open(const std::string& path, std::uint64_t bytes,
                                                 std::uint64_t identity, std::uint32_t rows_bytes);
  ~RecordLog();  // writes what is in memory still
  RecordLog(const RecordLog&) = delete;
  RecordLog& operator=(const RecordLog&) = delete;

  const std::string& path() const { return path_; }
  std::uint32_t record_bytes() const { return format_.record_bytes(); }

  // Where the record of an n-gram with that hash lies in the file, if there is one.
  std::optional<std::uint64_t> find(std::uint64_t hash) const;

  // The rows in record_bytes() that were read there; empty: it is not that n-gram's record, or not
  // as it was written. The n-gram is forgotten then.
  std::span<const std::byte> rows_of(const NgramKey& key, std::span<const std::byte> record);
  void forget(const NgramKey& key);

  // Copies the rows of an n-gram; where the drive cannot keep up they are dropped.
  void add(const NgramKey& key, std::span<const std::byte> rows);

  RecordLogStats stats() const;  // never waits

 private:
  struct Free {
    void operator()(std::byte* bytes) const {
      ::operator delete (bytes, std::align_val_t{kRecordLogPage});
    }
  };
  struct Segment {
    std::unique_ptr<std::byte, Free> bytes;
    std::vector<std::uint64_t> hashes;  // of its records
    std::span<std::byte> span() const { return {bytes.get(), kRecordLogSegmentBytes}; }
  };
  class Descriptor {
   public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    int get() const { return fd_; }

   private:
    int fd_;
  };

  RecordLog(std::string path, RecordLogFormat format, Descriptor fd, bool begun);
  Status start();
  void write_as_they_come();
  static Status begin(const std::string& path, const Descriptor& fd, const RecordLogFormat& format);
  void run();
  bool read_index();
  void remember(std::uint64_t sequence, std::span<const std::uint64_t> hashes);
  void write(Segment& segment);
  void switch_off(const Error& error);

  const std::string path_;
  const RecordLogFormat format_;
  const Descriptor fd_;
  const bool begun_;  // there are segments from the last time

  mutable std::mutex mutex_;  // over all below
  std::condition_variable changed_;
  RecordLogIndex index_;
  std::vector<std::uint32_t> counts_;  // [segments] records
  std::uint64_t next_sequence_ = 0;
  std::vector<Segment> segments_;  // memory for those that wait to be written
  std::vector<Segment*> free_;
  Segment* filling_ = nullptr;
  std::deque<Segment*> full_;
  bool closing_ = false;

  // Changed under the lock, read without it: stats() never waits.
  RecordLogStats sizes_;  // what never changes
  std::atomic<std::uint64_t> records_ = 0, bytes_written_ = 0, dropped_ = 0, refused_ = 0;
  std::string why_off_;  // written once, before off_
  std::atomic<bool> off_ = false;

  std::thread thread_;  // last: it uses the rest
};

}  // namespace mneme

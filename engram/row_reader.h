// SPDX-License-Identifier: Apache-2.0
// Reads byte ranges of files, many at a time, past the page cache where the file system allows.
// The store sends batches and is called back once for each range, from the reader's own thread(s).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/tier_stats.h"

namespace mneme {

constexpr std::uint32_t kReadBytesMax = 32 * 1024;  // of one request
constexpr std::size_t kReadQueueMax = 64 * 1024;    // requests that wait for the drive

// One contiguous range of one file. `tag` is the sender's own and comes back with the completion.
struct ReadRequest {
  std::uint32_t file = 0;    // index into the paths the reader was opened with
  std::uint64_t offset = 0;  // bytes into the file
  std::uint32_t size = 0;    // 1..kReadBytesMax
  std::uint64_t tag = 0;
};

// What read() does with a batch that does not fit into the queue.
enum class WhenFull : std::uint8_t {
  wait,  // waits until it fits
  grow,  // lets the queue grow: for callbacks, since only they empty it
};

struct ReadCompletion {
  std::uint64_t tag = 0;
  Status status;                     // io: short read, EIO, with path and offset
  std::span<const std::byte> bytes;  // the range asked for; valid during the call only
  double latency_us = 0;             // from submission to the drive
  std::uint64_t bytes_at_drive = 0;  // the aligned bytes that were really read
};

class RowReader {
 public:
  using Callback = std::function<void(const ReadCompletion&)>;

  // Waits for the requests at the drive; those in the queue are dropped without a callback.
  virtual ~RowReader() = default;

  virtual std::string_view name() const = 0;  // "io_uring", "threads"
  virtual StorageKind storage() const = 0;
  virtual std::string_view file_system() const = 0;

  // Queues the batch, first come first served; the queue holds kReadQueueMax requests. Every
  // request is answered exactly once, unless the reader is destroyed before. Thread: the sender's,
  // or that of a callback.
  virtual void read(std::span<const ReadRequest> batch, WhenFull when_full) = 0;
};

// Makes a reader of these files that reports to the callback; tests pass readers that fail or are
// late.
using RowReaderFactory = std::function<Result<std::unique_ptr<RowReader>>(
    const std::vector<std::string>& paths, RowReader::Callback)>;

// Both open their own descriptors. `done` is called from reader threads. Errors: io where a file
// cannot be opened; the io_uring reader also unsupported, saying why, where the kernel refuses it.
Result<std::unique_ptr<RowReader>> open_uring_reader(const std::vector<std::string>& paths,
                                                     RowReader::Callback done);
Result<std::unique_ptr<RowReader>> open_thread_reader(const std::vector<std::string>& paths,
                                                      RowReader::Callback done);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The trace of one chat: an append-only array of records. One writer at a time publishes a count;
// readers on any thread see every record below it, for ever, at the same address. No queue, no
// lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/trace/step_log.h"
#include "inference/trace/trace_record.h"

namespace mneme {

class TraceLog {
 public:
  static constexpr std::size_t kChunkRecords = 1024;
  static constexpr std::size_t kChunksMax = 4096;  // 4 million tokens a chat

  TraceLog() = default;
  TraceLog(const TraceLog&) = delete;
  TraceLog& operator=(const TraceLog&) = delete;
  ~TraceLog();

  // The writer. False when the log is full (the answer goes on, untraced).
  bool append(std::span<const std::byte> record);

  // Any thread.
  EventIndex size() const { return published_.load(std::memory_order_acquire); }
  TraceRecord record(EventIndex index) const;  // index < size()

  // When the last steps' parts ran; any thread reads.
  StepLog& steps() { return steps_; }
  const StepLog& steps() const { return steps_; }

  // Records [first, end) one after another, as the database stores them.
  std::vector<std::byte> serialize(EventIndex first, EventIndex end) const;
  // Appends what serialize() made. Errors: corrupt; then nothing was appended.
  Status append_serialized(std::span<const std::byte> bytes);

 private:
  struct Chunk {
    std::array<const std::byte*, kChunkRecords> records{};
    std::vector<std::unique_ptr<std::byte[]>> blocks;  // the records' memory
    std::size_t block_used = 0;
  };
  std::array<std::atomic<Chunk*>, kChunksMax> chunks_{};  // written before published_ (release)
  StepLog steps_;
  std::atomic<EventIndex> published_{0};  // partner: size()'s acquire
};

}  // namespace mneme

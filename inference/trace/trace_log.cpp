// SPDX-License-Identifier: Apache-2.0
#include "inference/trace/trace_log.h"

#include <cstring>

#include "base/check.h"
#include "base/round_up.h"

namespace mneme {
namespace {
constexpr std::size_t kBlockBytes = 64 << 10;
}

TraceLog::~TraceLog() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

bool TraceLog::append(std::span<const std::byte> record) {
  CHECK(record.size() <= kBlockBytes);
  const EventIndex index = published_.load(std::memory_order_relaxed);
  const std::size_t chunk_index = index / kChunkRecords;
  if (chunk_index >= kChunksMax) return false;
  Chunk* chunk = chunks_[chunk_index].load(std::memory_order_relaxed);
  if (chunk == nullptr) {
    chunk = new Chunk;
    chunks_[chunk_index].store(chunk, std::memory_order_relaxed);
  }
  if (chunk->blocks.empty() || chunk->block_used + record.size() > kBlockBytes) {
    chunk->blocks.push_back(std::make_unique<std::byte[]>(kBlockBytes));
    chunk->block_used = 0;
  }
  std::byte* to = chunk->blocks.back().get() + chunk->block_used;
  std::memcpy(to, record.data(), record.size());
  chunk->block_used += round_up(record.size(), 8);
  chunk->records[index % kChunkRecords] = to;
  published_.store(index + 1, std::memory_order_release);
  return true;
}

TraceRecord TraceLog::record(EventIndex index) const {
  CHECK(index < size());
  const Chunk* chunk = chunks_[index / kChunkRecords].load(std::memory_order_relaxed);
  return TraceRecord(chunk->records[index % kChunkRecords]);
}

std::vector<std::byte> TraceLog::serialize(EventIndex first, EventIndex end) const {
  std::vector<std::byte> bytes;
  for (EventIndex i = first; i < end; ++i) {
    const TraceRecord one = record(i);
    bytes.insert(bytes.end(), one.bytes().begin(), one.bytes().end());
  }
  return bytes;
}

Status TraceLog::append_serialized(std::span<const std::byte> bytes) {
  const Error corrupt{ErrorCode::corrupt, "the stored trace of this chat is damaged"};
  std::vector<std::span<const std::byte>> records;
  while (!bytes.empty()) {
    if (bytes.size() < sizeof(TraceHeader)) return corrupt;
    TraceHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.record_bytes > bytes.size()) return corrupt;
    const auto one = bytes.first(header.record_bytes);
    if (!is_valid_trace_record(one)) return corrupt;
    records.push_back(one);
    bytes = bytes.subspan(one.size());
  }
  if (size() + records.size() > kChunksMax * kChunkRecords) return corrupt;
  for (const auto one : records) append(one);
  return {};
}

}  // namespace mneme

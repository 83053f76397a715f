// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "inference/store/library_impl.h"
#include "inference/trace/trace_log.h"

namespace mneme {
namespace {

constexpr EventIndex kEventsMax = TraceLog::kChunkRecords * TraceLog::kChunksMax;

// Byte size of the whole, undamaged record that `bytes` begins with; none if it does not.
std::optional<std::size_t> record_size(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(TraceHeader)) return std::nullopt;
  TraceHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.record_bytes > bytes.size()) return std::nullopt;
  if (!is_valid_trace_record(bytes.first(header.record_bytes))) return std::nullopt;
  return header.record_bytes;
}

struct Records {
  EventIndex count = 0;
  std::size_t bytes = 0;
};
// The undamaged records at the front, at most `count_max`.
Records whole_records(std::span<const std::byte> bytes, EventIndex count_max) {
  Records records;
  while (records.count < count_max && records.bytes < bytes.size()) {
    const auto size = record_size(bytes.subspan(records.bytes));
    if (!size) break;
    records.bytes += *size;
    ++records.count;
  }
  return records;
}

constexpr std::string_view kChunks =
    "SELECT id, first_event, event_count, bytes FROM trace_chunk WHERE chat_id = ? ORDER BY "
    "first_event";

}  // namespace

Result<EventIndex> Library::Impl::event_count(ChatId chat) {
  Statement rows = db->query(
      "SELECT first_event, event_count FROM trace_chunk WHERE chat_id = ? ORDER BY first_event "
      "DESC "
      "LIMIT 1",
      chat);
  EventIndex count = 0;
  if (rows.next()) {
    const std::int64_t first = rows.integer(0);
    const std::int64_t more = rows.integer(1);
    const auto most = static_cast<std::int64_t>(kEventsMax);
    if (first >= 0 && first <= most && more >= 0 && more <= most) {
      count = static_cast<EventIndex>(std::min(first + more, most));
    }
  }
  RETURN_IF_ERROR(rows.status());
  return count;
}

Result<EventIndex> Library::stored_events(MessageId message) {
  const auto chat = impl_->chat_of(message);
  if (!chat) return chat.error();
  return impl_->event_count(*chat);
}

Status Library::Impl::append_trace(ChatId chat, EventIndex first_event,
                                   std::span<const std::byte> records) {
  if (records.empty()) return {};
  const auto stored = event_count(chat);
  if (!stored) return stored.error();
  if (first_event > *stored) {
    return Error{ErrorCode::invalid,
                 fmt::format("the trace of chat {} has {} records on disk; records "
                             "from {} on cannot follow",
                             chat, *stored, first_event)};
  }
  const Records known = whole_records(records, *stored - first_event);
  const auto fresh = records.subspan(known.bytes);
  const Records added = whole_records(fresh, kEventsMax - *stored);
  if (added.bytes != fresh.size()) {
    return Error{ErrorCode::invalid,
                 fmt::format("the trace of chat {} would get broken records", chat)};
  }
  if (added.count == 0) return {};
  return db->run(
      "INSERT INTO trace_chunk (chat_id, first_event, event_count, bytes) VALUES (?, ?, ?, ?)",
      chat, static_cast<std::int64_t>(*stored), static_cast<std::int64_t>(added.count), fresh);
}

Result<std::vector<std::byte>> Library::trace(ChatId chat) {
  std::vector<std::byte> bytes;
  EventIndex count = 0;
  Statement rows = impl_->db->query(kChunks, chat);
  while (rows.next()) {
    const auto chunk = rows.blob(3);
    const Records whole = whole_records(chunk, kEventsMax - count);
    if (rows.integer(1) != static_cast<std::int64_t>(count) ||
        rows.integer(2) != static_cast<std::int64_t>(whole.count) || whole.bytes != chunk.size()) {
      return Error{ErrorCode::corrupt,
                   fmt::format("the inspection data of chat {} is damaged from token {} on; its "
                               "messages are not",
                               chat, count + whole.count)};
    }
    bytes.insert(bytes.end(), chunk.begin(), chunk.end());
    count += whole.count;
  }
  RETURN_IF_ERROR(rows.status());
  return bytes;
}

Status Library::cut_trace(ChatId chat) {
  Database& db = *impl_->db;
  Transaction transaction(db);
  RETURN_IF_ERROR(transaction.begin());
  EventIndex count = 0;
  std::optional<std::int64_t> keep_through;  // first_event of the last whole chunk
  Statement rows = db.query(kChunks, chat);
  while (rows.next()) {
    const auto chunk = rows.blob(3);
    const Records whole = whole_records(chunk, kEventsMax - count);
    if (rows.integer(1) != static_cast<std::int64_t>(count) ||
        rows.integer(2) != static_cast<std::int64_t>(whole.count) || whole.bytes != chunk.size()) {
      break;
    }
    keep_through = rows.integer(1);
    count += whole.count;
  }
  RETURN_IF_ERROR(rows.status());
  // Everything that is not a kept chunk goes, also one with a first_event that makes no sense.
  RETURN_IF_ERROR(
      db.run("DELETE FROM trace_chunk WHERE chat_id = ? AND NOT (first_event BETWEEN 0 AND ?)",
             chat, keep_through.value_or(-1)));
  // New records take these places: no message may still point there.
  const auto end = static_cast<std::int64_t>(count);
  RETURN_IF_ERROR(
      db.run("UPDATE message SET first_event = min(first_event, ?1), "
             "end_event = min(end_event, ?1) WHERE chat_id = ?2",
             end, chat));
  return transaction.commit();
}

}  // namespace mneme

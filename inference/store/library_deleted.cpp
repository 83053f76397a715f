// SPDX-License-Identifier: Apache-2.0
// Chats that were deleted: kept for a while, brought back, removed for good.
#include <algorithm>

#include "inference/store/library_impl.h"

namespace mneme {
namespace {

constexpr std::int64_t kDayMs = std::int64_t{24} * 60 * 60 * 1000;
// Of the file, empty, before it is written anew without them.
constexpr std::int64_t kEmptyBytesMin = std::int64_t{4} << 20;
constexpr std::int64_t kEmptyShare = 4;  // one in so many

}  // namespace

Result<std::vector<ChatRow>> Library::deleted_chats() {
  return impl_->chats_where("WHERE c.deleted_ms IS NOT NULL ORDER BY c.deleted_ms DESC, c.id DESC");
}

// Never before the newest chat: a clock that has lost its date must not make the chat look old.
Status Library::delete_chat(ChatId id) {
  RETURN_IF_ERROR(impl_->db->run(
      "UPDATE chat SET deleted_ms = max(?, (SELECT max(updated_ms) FROM chat)), expired_ms = NULL "
      "WHERE id = ?",
      now_ms(), id));
  return impl_->db->changes() == 1 ? Status() : Status(no_such_chat(id));
}

Status Library::restore_chat(ChatId id) {
  RETURN_IF_ERROR(
      impl_->db->run("UPDATE chat SET deleted_ms = NULL, expired_ms = NULL WHERE id = ?", id));
  return impl_->db->changes() == 1 ? Status() : Status(no_such_chat(id));
}

Status Library::Impl::purge(ChatId id) {
  RETURN_IF_ERROR(
      db->run("DELETE FROM search WHERE rowid = -?1 OR rowid IN (SELECT id FROM message WHERE "
              "chat_id = ?1)",
              id));
  return db->run("DELETE FROM chat WHERE id = ?", id);
}

Status Library::purge_chat(ChatId id) {
  const auto row = chat(id);
  if (!row) return row.error();
  if (row->deleted_ms == 0) {
    return Error{ErrorCode::invalid, "only a deleted chat can be deleted for good"};
  }
  // What is deleted for good is overwritten, not only forgotten.
  RETURN_IF_ERROR(impl_->db->execute("PRAGMA secure_delete = ON"));
  const Status done = atomically([&] { return impl_->purge(id); });
  RETURN_IF_ERROR(impl_->db->execute("PRAGMA secure_delete = OFF"));
  return done;
}

Status Library::purge_deleted(std::int64_t now_ms) {
  Database& db = *impl_->db;
  const std::int64_t old = now_ms - kDaysKept * kDayMs;
  std::vector<ChatId> expired;
  const Status marked = atomically([&]() -> Status {
    // Deleted while the clock was ahead: the days count from now.
    RETURN_IF_ERROR(db.run("UPDATE chat SET deleted_ms = ?1 WHERE deleted_ms > ?1", now_ms));
    // Found old while the clock was ahead.
    RETURN_IF_ERROR(db.run(
        "UPDATE chat SET expired_ms = NULL WHERE expired_ms > ? OR deleted_ms >= ?", now_ms, old));
    return db.run("UPDATE chat SET expired_ms = ? WHERE expired_ms IS NULL AND deleted_ms < ?",
                  now_ms, old);
  });
  RETURN_IF_ERROR(marked);
  Statement rows = db.query("SELECT id FROM chat WHERE deleted_ms < ? AND expired_ms <= ?", old,
                            now_ms - kDayMs);
  while (rows.next()) expired.push_back(rows.integer(0));
  RETURN_IF_ERROR(rows.status());
  for (const ChatId id : expired) RETURN_IF_ERROR(purge_chat(id));
  return {};
}

Status Library::give_back_space() {
  Database& db = *impl_->db;
  const auto pages = db.integer("PRAGMA page_count");
  if (!pages) return pages.error();
  const auto empty = db.integer("PRAGMA freelist_count");
  if (!empty) return empty.error();
  const auto page_bytes = db.integer("PRAGMA page_size");
  if (!page_bytes) return page_bytes.error();
  if (*empty * *page_bytes < kEmptyBytesMin || *empty * kEmptyShare < *pages) return {};
  // The index of the search keeps what was removed until its parts are merged.
  return db.execute(
      "INSERT INTO search (search) VALUES ('optimize'); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace mneme

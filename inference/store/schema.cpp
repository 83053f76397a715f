// SPDX-License-Identifier: Apache-2.0
#include "inference/store/schema.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/log.h"

namespace mneme {
namespace {

constexpr std::int64_t kApplicationId = 0x4d6e656d;  // "Mnem"

// message.parent_id does not cascade: a long chat would pass SQLite's limit of nested triggers. The
// chat's own cascade removes all its messages at once. `search` holds folded text (unicode_text.h),
// rowid = message id, or minus the chat id for its title.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE chat (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  title_is_auto INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  leaf_id INTEGER REFERENCES message (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  system_prompt TEXT NOT NULL DEFAULT '',
  settings TEXT NOT NULL,
  deleted_ms INTEGER
);
CREATE INDEX chat_leaf ON chat (leaf_id);
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id INTEGER NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
  parent_id INTEGER REFERENCES message (id) DEFERRABLE INITIALLY DEFERRED,
  role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 2),
  text TEXT NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  error TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  first_event INTEGER NOT NULL DEFAULT 0,
  end_event INTEGER NOT NULL DEFAULT 0,
  answer TEXT
);
CREATE INDEX message_chat ON message (chat_id);
CREATE INDEX message_parent ON message (parent_id);
CREATE INDEX message_streaming ON message (state) WHERE state = 1;
CREATE TABLE trace_chunk (
  id INTEGER PRIMARY KEY,
  chat_id INTEGER NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
  first_event INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX trace_chunk_place ON trace_chunk (chat_id, first_event);
CREATE VIRTUAL TABLE search USING fts5 (folded, tokenize = 'trigram');
)sql";

// draft.chat_id is 0 for the chat that is not there yet. chat.expired_ms is the day on which a
// deleted chat was first found to be past its time.
constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE chat ADD COLUMN expired_ms INTEGER;
CREATE TABLE draft (
  chat_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  editing_id INTEGER NOT NULL,
  edited TEXT NOT NULL
);
CREATE TRIGGER draft_of_chat AFTER DELETE ON chat BEGIN
  DELETE FROM draft WHERE chat_id = old.id;
END;
)sql";

constexpr std::array kMigrations = {kVersion1, kVersion2};

// A whole copy, made beside the file under another name first, so that a cut-off copy never bears
// the backup's name.
Status back_up(Database& database, std::int64_t version) {
  if (database.path() == ":memory:") return {};
  const std::string to = fmt::format("{}.v{}.bak", database.path(), version);
  const std::string unfinished = to + ".part";
  ::unlink(unfinished.c_str());
  const int fd = ::open(unfinished.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{ErrorCode::io,
                 fmt::format("cannot create the backup {} before updating the chats: {}",
                             unfinished, std::strerror(errno))};
  }
  ::close(fd);
  if (Status copied = database.run("VACUUM INTO ?", std::string_view(unfinished)); !copied) {
    ::unlink(unfinished.c_str());
    return copied.error().with("copying the chats before updating them");
  }
  if (std::rename(unfinished.c_str(), to.c_str()) != 0) {
    return Error{ErrorCode::io,
                 fmt::format("cannot name the backup {}: {}", to, std::strerror(errno))};
  }
  log_info("inference", "copied the chats to {} before updating them", to);
  return {};
}

}  // namespace

std::span<const std::string_view> schema_steps() {
  return kMigrations;
}

Status migrate(Database& database, std::span<const std::string_view> steps) {
  const auto current = static_cast<std::int64_t>(steps.size());
  const auto version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  const auto application = database.integer("PRAGMA application_id");
  if (!application) return application.error();
  const auto objects = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!objects) return objects.error();

  const bool is_new = *objects == 0 && *version == 0;
  if (!is_new && (*application != kApplicationId || *version < 1)) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} is the database of another program; move it away to start a new one",
                    database.path())};
  }
  if (*version > current) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} was written by a newer Mneme (its version is {}, this program knows "
                    "{}); use the newer program, or move the file away to start a new one",
                    database.path(), *version, current)};
  }
  RETURN_IF_ERROR(database.execute("PRAGMA journal_mode = WAL"));
  if (*version == current) return {};
  if (!is_new) RETURN_IF_ERROR(back_up(database, *version));

  Transaction transaction(database);
  RETURN_IF_ERROR(transaction.begin());
  for (std::int64_t step = *version; step < current; ++step) {
    if (Status done = database.execute(std::string(steps[static_cast<std::size_t>(step)])); !done) {
      return done.error().with(fmt::format("updating the chats to version {}", step + 1));
    }
  }
  RETURN_IF_ERROR(database.execute(fmt::format(
      "PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, current)));
  return transaction.commit();
}

}  // namespace mneme

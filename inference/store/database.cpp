// SPDX-License-Identifier: Apache-2.0
#include "inference/store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace mneme {
namespace {

constexpr int kBusyTimeoutMs = 2000;
constexpr int kValueBytesMax = 256 << 20;  // one text or blob; a hostile file cannot ask for more

ErrorCode code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corrupt;
    case SQLITE_INTERRUPT:
      return ErrorCode::cancelled;
    case SQLITE_NOMEM:
      return ErrorCode::out_of_memory;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
      return ErrorCode::invalid;
    default:
      return ErrorCode::io;
  }
}

// Quotas and limits of a file's size are other words for a full disk.
bool is_full(int code, int system) {
  return (code & 0xff) == SQLITE_FULL ||
         ((code & 0xff) == SQLITE_IOERR &&
          (system == ENOSPC || system == EDQUOT || system == EFBIG));
}

// What the system said last of the database's file or its log; 0 = nothing. SQLite hands it on for
// some errors only.
int system_error(sqlite3* handle) {
  if (const int known = sqlite3_system_errno(handle); known != 0) return known;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    int said = 0;
    if (sqlite3_file_control(handle, "main", which, &file) != SQLITE_OK || file == nullptr ||
        file->pMethods == nullptr) {
      continue;
    }
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &said) == SQLITE_OK &&
        said != 0) {
      return said;
    }
  }
  return 0;
}

std::string sentence(int code, int system, const std::string& path, const char* said) {
  if (is_full(code, system)) {
    return fmt::format("there is no room left to write {} ({}); free some space on its disk", path,
                       said);
  }
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return fmt::format("{} is not a database of chats ({}); move it away to start a new one",
                         path, said);
    case SQLITE_CORRUPT:
      return fmt::format(
          "the database of chats {} is damaged ({}); restore a copy of it, or move it "
          "away to start a new one",
          path, said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fmt::format("{} is in use by another program ({}); close that one first", path, said);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return fmt::format(
          "{} cannot be written ({}); check the permissions of the file and its "
          "folder",
          path, said);
    case SQLITE_CANTOPEN:
      return fmt::format("cannot open or create {} ({}); check its folder and permissions", path,
                         said);
    case SQLITE_INTERRUPT:
      return fmt::format("the work on {} was cancelled", path);
    case SQLITE_NOMEM:
      return fmt::format("not enough memory to work on {}", path);
    case SQLITE_IOERR:
      return fmt::format("reading or writing {} failed ({}); check its disk", path, said);
    default:
      return fmt::format("the database {} refused a command: {}", path, said);
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::bound(int code) {
  if (code != SQLITE_OK && status_) status_ = database_->error(code);
}

void Statement::bind(int position, std::int64_t value) {
  if (status_) bound(sqlite3_bind_int64(statement_.get(), position, value));
}

void Statement::bind(int position, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  if (status_) {
    bound(sqlite3_bind_text64(statement_.get(), position, data, value.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
  }
}

void Statement::bind(int position, std::span<const std::byte> value) {
  const void* data = value.data() == nullptr ? "" : static_cast<const void*>(value.data());
  if (status_) {
    bound(sqlite3_bind_blob64(statement_.get(), position, data, value.size(), SQLITE_TRANSIENT));
  }
}

void Statement::bind_null(int position) {
  if (status_) bound(sqlite3_bind_null(statement_.get(), position));
}

bool Statement::next() {
  if (!status_ || !statement_) return false;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) status_ = database_->error(code);
  statement_.reset();
  return false;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::byte> Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const std::byte*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (code != SQLITE_OK) return database->error(code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_wal_hook(handle, after_commit, database.get());
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  RETURN_IF_ERROR(database->execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; "
      "PRAGMA cell_size_check = ON; PRAGMA synchronous = NORMAL"));
  return database;
}

// A checkpoint that fails is tried again after the next commit; the log has it all.
int Database::after_commit(void* self, sqlite3* handle, const char* name, int log_pages) {
  if (log_pages >= static_cast<Database*>(self)->log_pages_max_) {
    static_cast<void>(
        sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
  }
  return SQLITE_OK;
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

Statement Database::prepare(std::string_view sql) {
  Statement statement;
  statement.database_ = this;
  sqlite3_stmt* prepared = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &prepared, nullptr);
  statement.statement_.reset(prepared);
  if (code != SQLITE_OK) statement.status_ = error(code);
  return statement;
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  Statement rows = query(sql);
  const std::int64_t value = rows.next() ? rows.integer(0) : 0;
  RETURN_IF_ERROR(rows.status());
  return value;
}

Status Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}

Error Database::error(int code) const {
  std::string said = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  const int kind = code & 0xff;
  const bool of_file = kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN;
  const int system = handle_ == nullptr || !of_file ? 0 : system_error(handle_);
  if (system != 0) {
    said += fmt::format(": {}", std::strerror(system));
  }
  return Error{code_of(code), sentence(code, system, path_, said.c_str())};
}

Transaction::~Transaction() {
  if (!open_) return;
  --database_.depth_;
  if (database_.depth_ > 0) {
    database_.spoiled_ = true;
    return;
  }
  // Fails harmlessly where SQLite has rolled back by itself (disk full, I/O error).
  static_cast<void>(database_.execute("ROLLBACK"));
}

Status Transaction::begin() {
  CHECK(!open_);
  if (database_.depth_ == 0) {
    RETURN_IF_ERROR(database_.execute("BEGIN IMMEDIATE"));
    database_.spoiled_ = false;
  }
  ++database_.depth_;
  open_ = true;
  return {};
}

Status Transaction::commit() {
  CHECK(open_);
  if (database_.depth_ == 1) {
    CHECK(!database_.spoiled_);  // its error was to be returned
    RETURN_IF_ERROR(database_.execute("COMMIT"));
  }
  --database_.depth_;
  open_ = false;
  return {};
}

}  // namespace mneme

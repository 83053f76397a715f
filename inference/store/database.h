// SPDX-License-Identifier: Apache-2.0
// A small wrapper over SQLite: a connection, a statement bound next to its text, a transaction that
// rolls back unless committed. Each is used by one thread at a time. Errors name the file, say what
// SQLite said, and have the code io (no access, disk full, in use), corrupt (damaged, not a
// database), cancelled, out_of_memory or invalid (a constraint). The only header that callers of
// SQLite need; sqlite3.h stays in database.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mneme {

// Rows of one query. The first error ends the rows; ask status() after the loop.
//   Statement rows = db.query("SELECT title FROM chat WHERE id = ?", id);
//   while (rows.next()) use(rows.text(0));
//   RETURN_IF_ERROR(rows.status());
class Statement {
 public:
  Statement(Statement&&) noexcept = default;
  Statement& operator=(Statement&&) noexcept = default;

  bool next();  // false at the end and after an error
  Status status() const { return status_; }

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::span<const std::byte> blob(int column) const;  // until the next next()

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement() = default;
  void bind(int position, std::int64_t value);
  void bind(int position, std::string_view value);
  void bind(int position, std::span<const std::byte> value);
  void bind_null(int position);
  void bind(int position, std::nullptr_t) { bind_null(position); }
  void bound(int code);

  const class Database* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  Status status_;
};

class Database {
 public:
  // Opens or creates the file. ":memory:" = a private one that is not kept.
  // The first access takes the file for this connection alone, until it closes: a second program
  // gets "in use" after two seconds instead of two writers' tangled chats.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }

  // One statement with its values for the `?`s, in order: integers, text, bytes, nullptr.
  template <class... Values>
  Statement query(std::string_view sql, const Values&... values) {
    Statement statement = prepare(sql);
    int position = 0;
    (statement.bind(++position, values), ...);
    return statement;
  }
  // The same without rows.
  template <class... Values>
  Status run(std::string_view sql, const Values&... values) {
    Statement statement = query(sql, values...);
    while (statement.next()) {
    }
    return statement.status();
  }
  // The number that one row of one column holds; 0 without a row.
  Result<std::int64_t> integer(std::string_view sql);
  // Several statements without values: schemas, pragmas.
  Status execute(const std::string& sql);

  std::int64_t last_insert_id() const;
  std::int64_t changes() const;  // rows that the last statement changed

  // How far the write-ahead log grows before a commit moves it into the file, which waits for the
  // drive. More while something must not wait.
  static constexpr int kLogPages = 1000;
  void set_log_pages_max(int pages) { log_pages_max_ = pages; }

 private:
  friend class Statement;
  friend class Transaction;
  static int after_commit(void* self, sqlite3* handle, const char* name, int log_pages);
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  Statement prepare(std::string_view sql);
  Error error(int code) const;

  std::string path_;
  sqlite3* handle_;
  int log_pages_max_ = kLogPages;
  int depth_ = 0;         // of transactions that are open
  bool spoiled_ = false;  // an inner one did not commit: the outermost cannot
};

// BEGIN IMMEDIATE at begin(); ROLLBACK at the end of the scope unless commit() succeeded. One
// inside another is part of it: all of it is kept or none.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Status begin();
  Status commit();

 private:
  Database& database_;
  bool open_ = false;
};

}  // namespace mneme

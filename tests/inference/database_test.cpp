// SPDX-License-Identifier: Apache-2.0
#include "inference/store/database.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/open_database.h"
#include "tests/support/refused_writes.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

bool says(const Status& status, std::string_view words) {
  return !status && status.error().message.find(words) != std::string::npos;
}

TEST(Database, ValuesComeBackAsTheyWereBound) {
  const auto db = open_database(":memory:");
  ASSERT_TRUE(db->execute("CREATE TABLE t (a, b, c, d)"));
  const std::string text("nul \0 inside, \"quotes\" and '; DROP TABLE t", 42);
  const std::vector<std::byte> bytes{std::byte{0}, std::byte{255}, std::byte{7}};
  const std::int64_t lowest = INT64_MIN;
  ASSERT_TRUE(db->run("INSERT INTO t VALUES (?, ?, ?, ?)", lowest, text, bytes, nullptr));
  ASSERT_TRUE(
      db->run("INSERT INTO t VALUES (?, ?, ?, ?)", 1, "", std::vector<std::byte>{}, nullptr));
  EXPECT_EQ(db->changes(), 1);
  EXPECT_EQ(db->last_insert_id(), 2);
  Statement rows = db->query("SELECT a, b, c, d, typeof(b), typeof(c) FROM t ORDER BY a");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.integer(0), lowest);
  EXPECT_EQ(rows.text(1), text);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), rows.blob(2).begin(), rows.blob(2).end()));
  EXPECT_TRUE(rows.is_null(3));
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.text(4), "text");  // empty, not NULL
  EXPECT_EQ(rows.text(5), "blob");
  EXPECT_FALSE(rows.next());
  EXPECT_TRUE(rows.status());
}

TEST(Database, AnErrorEndsTheRowsAndNamesTheFile) {
  const auto db = open_database(":memory:");
  Statement rows = db->query("SELECT nonsense FROM nowhere", 1, "x");
  EXPECT_FALSE(rows.next());
  EXPECT_TRUE(says(rows.status(), ":memory:"));
  EXPECT_TRUE(says(rows.status(), "nowhere"));
}

TEST(Database, ATransactionThatIsNotCommittedLeavesNothing) {
  const auto db = open_database(":memory:");
  ASSERT_TRUE(db->execute("CREATE TABLE t (a)"));
  {
    Transaction transaction(*db);
    ASSERT_TRUE(transaction.begin());
    ASSERT_TRUE(db->run("INSERT INTO t VALUES (?)", 1));
  }
  {
    Transaction transaction(*db);
    ASSERT_TRUE(transaction.begin());
    ASSERT_TRUE(db->run("INSERT INTO t VALUES (?)", 2));
    ASSERT_TRUE(transaction.commit());
  }
  Statement rows = db->query("SELECT a FROM t");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.integer(0), 2);
  EXPECT_FALSE(rows.next());
}

TEST(Database, AForeignKeyHolds) {
  const auto db = open_database(":memory:");
  ASSERT_TRUE(
      db->execute("CREATE TABLE p (id INTEGER PRIMARY KEY); "
                  "CREATE TABLE c (p INTEGER REFERENCES p (id))"));
  const Status status = db->run("INSERT INTO c VALUES (?)", 5);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::invalid);
}

TEST(Database, AFullDiskIsSaidAndWhatWasCommittedStays) {
  const TemporaryFolder folder;
  const auto db = open_database(folder.file("full.db"));
  ASSERT_TRUE(
      db->execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES ('kept')"));
  ASSERT_TRUE(db->execute("PRAGMA max_page_count = 4"));
  Status status;
  {
    Transaction transaction(*db);
    ASSERT_TRUE(transaction.begin());
    status = db->run("INSERT INTO t VALUES (?)", std::string(100000, 'x'));
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::io);
  EXPECT_TRUE(says(status, "no room left"));
  EXPECT_TRUE(says(status, "full.db"));
  Statement rows = db->query("SELECT count(*), min(a) FROM t");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.integer(0), 1);
  EXPECT_EQ(rows.text(1), "kept");
}

TEST(Database, GarbageIsNotADatabase) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("x.db")) << std::string(5000, 'g');
  const auto database = Database::open(folder.file("x.db"));
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, ErrorCode::corrupt);
  EXPECT_NE(database.error().message.find("is not a database"), std::string::npos);
}

TEST(Database, AFileThatAnotherProcessHasOpenIsInUse) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.db");
  ASSERT_TRUE(open_database(path)->execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a)"));
  int ready[2], done[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto db = Database::open(path);
    const bool held = db && (*db)->run("INSERT INTO t VALUES (?)", 1).has_value();
    char byte = held ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto second = Database::open(path);
  const Status status = second ? (*second)->execute("SELECT * FROM t") : Status(second.error());
  EXPECT_TRUE(says(status, "in use by another program"));
  ASSERT_EQ(write(done[1], "x", 1), 1);
  int result = 0;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(open_database(path)->execute("SELECT * FROM t"));  // and free again
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) close(fd);
}

TEST(Database, ATransactionInsideAnotherIsPartOfIt) {
  const auto db = open_database(":memory:");
  ASSERT_TRUE(db->execute("CREATE TABLE t (a)"));
  const auto insert = [&](int value) -> Status {
    Transaction inner(*db);
    RETURN_IF_ERROR(inner.begin());
    RETURN_IF_ERROR(db->run("INSERT INTO t VALUES (?)", value));
    return inner.commit();
  };
  const auto count = [&] {
    Statement rows = db->query("SELECT count(*) FROM t");
    return rows.next() ? rows.integer(0) : -1;
  };
  {
    Transaction outer(*db);
    ASSERT_TRUE(outer.begin());
    ASSERT_TRUE(insert(1));
    EXPECT_EQ(count(), 1);
  }
  EXPECT_EQ(count(), 0);
  {
    Transaction outer(*db);
    ASSERT_TRUE(outer.begin());
    ASSERT_TRUE(insert(1));
    ASSERT_TRUE(insert(2));
    ASSERT_TRUE(outer.commit());
  }
  EXPECT_EQ(count(), 2);
}

// Both words of a full disk: SQLite's own, and the system's where a quota or limit is reached.
TEST(Database, AFullDiskIsSaidAndTheFileWorksAgainOnceThereIsRoom) {
  const TemporaryFolder folder;
  const std::string big(100000, 'x');
  for (const bool of_the_system : {false, true}) {
    const auto db = open_database(folder.file(of_the_system ? "system.db" : "sqlite.db"));
    ASSERT_TRUE(db->execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a)"));
    ASSERT_TRUE(db->run("INSERT INTO t VALUES (?)", "before"));
    RefusedWrites refused;
    if (of_the_system) {
      refused.begin();
    } else {
      ASSERT_TRUE(db->execute("PRAGMA max_page_count = 4"));
    }
    for (int i = 0; i < 3; ++i) {
      Transaction transaction(*db);
      Status status = transaction.begin();
      if (status) status = db->run("INSERT INTO t VALUES (?)", big);
      if (status) status = transaction.commit();
      EXPECT_TRUE(says(status, "no room left")) << i << of_the_system;
      EXPECT_TRUE(says(status, "free some space"));
    }
    Statement rows = db->query("SELECT count(*) FROM t");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.integer(0), 1);
    refused.end();
    ASSERT_TRUE(db->execute("PRAGMA max_page_count = 100000"));
    const Status status = db->run("INSERT INTO t VALUES (?)", big);
    EXPECT_TRUE(status) << status.error().message;
  }
}

TEST(Database, TheLogMayGrowWhileNothingMayWaitAndIsMovedIntoTheFileAfterwards) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.db");
  const auto db = open_database(path);
  ASSERT_TRUE(db->execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a)"));
  const std::string page(4000, 'x');
  const auto insert = [&] { ASSERT_TRUE(db->run("INSERT INTO t VALUES (?)", page)); };
  db->set_log_pages_max(100000);
  for (int i = 0; i < Database::kLogPages; ++i) insert();
  EXPECT_LT(std::filesystem::file_size(path), 100u * page.size());
  db->set_log_pages_max(Database::kLogPages);
  insert();
  EXPECT_GE(std::filesystem::file_size(path), Database::kLogPages * page.size());
}

}  // namespace
}  // namespace mneme

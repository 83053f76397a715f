// SPDX-License-Identifier: Apache-2.0
#include "inference/store/schema.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "inference/store/library.h"
#include "tests/support/file_text.h"
#include "tests/support/open_database.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

constexpr std::array<std::string_view, 3> kSteps = {
    "CREATE TABLE t (a)",
    "ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a || '!'",
    "CREATE TABLE u (c)",
};

std::int64_t version(Database& db) {
  Statement rows = db.query("PRAGMA user_version");
  EXPECT_TRUE(rows.next());
  return rows.integer(0);
}

int backups(const std::string& folder) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    found += entry.path().extension() == ".bak" ? 1 : 0;
  return found;
}

TEST(Schema, ANewFileGetsTheNewestVersionWithoutABackup) {
  const TemporaryFolder folder;
  const auto db = open_database(folder.file("x.db"));
  ASSERT_TRUE(migrate(*db, schema_steps()));
  EXPECT_EQ(version(*db), static_cast<std::int64_t>(schema_steps().size()));
  EXPECT_TRUE(migrate(*db, schema_steps()));
  EXPECT_FALSE(std::filesystem::exists(folder.file("x.db.v0.bak")));
}

TEST(Schema, AnOlderFileIsCopiedThenBroughtUpStepByStep) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.db");
  {
    const auto db = open_database(path);
    ASSERT_TRUE(migrate(*db, std::span(kSteps).first(1)));
    ASSERT_TRUE(db->run("INSERT INTO t VALUES (?)", "old"));
  }
  {
    const auto db = open_database(path);
    ASSERT_TRUE(migrate(*db, kSteps));
    EXPECT_EQ(version(*db), 3);
    Statement rows = db->query("SELECT b FROM t");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.text(0), "old!");
  }
  const auto backup = open_database(path + ".v1.bak");
  EXPECT_EQ(version(*backup), 1);
  Statement rows = backup->query("SELECT * FROM t");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.text(0), "old");
  EXPECT_FALSE(std::filesystem::exists(path + ".v1.bak.part"));
}

TEST(Schema, AStepThatFailsChangesNothing) {
  const TemporaryFolder folder;
  const auto db = open_database(folder.file("x.db"));
  ASSERT_TRUE(migrate(*db, std::span(kSteps).first(1)));
  ASSERT_TRUE(db->run("INSERT INTO t VALUES (?)", "old"));
  const std::array<std::string_view, 3> broken = {kSteps[0], kSteps[1], "CREATE TABLE t (again)"};
  const Status status = migrate(*db, broken);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("version 3"), std::string::npos);
  EXPECT_EQ(version(*db), 1);
  EXPECT_FALSE(db->execute("SELECT b FROM t"));
  EXPECT_TRUE(migrate(*db, kSteps));
}

TEST(Schema, ANewerFileIsRefusedAndNotTouched) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.db");
  ASSERT_TRUE(migrate(*open_database(path), kSteps));
  const std::string before = file_text(path);
  const Status status = migrate(*open_database(path), std::span(kSteps).first(2));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::unsupported);
  EXPECT_NE(status.error().message.find("newer Mneme"), std::string::npos);
  EXPECT_NE(status.error().message.find("version is 3, this program knows 2"), std::string::npos);
  EXPECT_EQ(file_text(path), before);
}

TEST(Schema, ADatabaseOfAnotherProgramIsRefusedAndNotTouched) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.db");
  ASSERT_TRUE(
      open_database(path)->execute("CREATE TABLE bookmarks (url); PRAGMA user_version = 1"));
  const std::string before = file_text(path);
  const Status status = migrate(*open_database(path), schema_steps());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::unsupported);
  EXPECT_NE(status.error().message.find("another program"), std::string::npos);
  EXPECT_EQ(file_text(path), before);
}

// What each released version wrote is there after an update: a chat as its tables held it.
TEST(Schema, ChatsOfEveryEarlierVersionOpen) {
  for (std::size_t from = 1; from < schema_steps().size(); ++from) {
    const TemporaryFolder folder;
    const std::string path = folder.file("chats.db");
    {
      const auto db = open_database(path);
      ASSERT_TRUE(migrate(*db, schema_steps().first(from)));
      ASSERT_TRUE(db->execute(
          "INSERT INTO chat (id, title, title_is_auto, created_ms, updated_ms, settings, "
          "deleted_ms) VALUES (1, 'kept', 0, 5, 6, '{}', NULL), (2, 'deleted', 0, 5, 6, '{}', 7);"
          "INSERT INTO message (id, chat_id, role, text, state, created_ms) VALUES "
          "(1, 1, 1, 'a question', 0, 8);"
          "UPDATE chat SET leaf_id = 1 WHERE id = 1;"
          "INSERT INTO search (rowid, folded) VALUES (1, 'a question'), (-1, 'kept');"
          "INSERT INTO message (id, chat_id, parent_id, role, text, state, created_ms, "
          "first_event, end_event, answer) VALUES (2, 1, 1, 2, 'an answer', 0, 9, 0, 3, NULL);"
          "INSERT INTO trace_chunk (chat_id, first_event, event_count, bytes) VALUES "
          "(1, 0, 3, x'010203')"));
      if (from >= 2) {
        ASSERT_TRUE(
            db->execute("INSERT INTO draft VALUES (1, 'half a', 0, ''), (0, 'new', 0, '')"));
      }
    }
    auto library = Library::open(path);
    ASSERT_TRUE(library) << library.error().message;
    EXPECT_TRUE(std::filesystem::exists(path + ".v" + std::to_string(from) + ".bak"));
    ASSERT_EQ((*library)->chats()->size(), 1u);
    EXPECT_EQ((*library)->chats()->front().leaf, 1);
    ASSERT_EQ((*library)->messages(1)->size(), 2u);
    EXPECT_EQ((*library)->messages(1)->front().text, "a question");
    EXPECT_EQ((*library)->messages(1)->back().text, "an answer");
    EXPECT_EQ((*library)->drafts()->size(), from >= 2 ? 2u : 0u);
    EXPECT_EQ((*library)->search("question", 5)->size(), 1u);
    ASSERT_EQ((*library)->deleted_chats()->size(), 1u);
    EXPECT_TRUE((*library)->restore_chat(2));
    EXPECT_TRUE((*library)->set_draft({.chat = 1, .text = "draft"}));
    library->reset();
    {
      const auto today = open_database(path);
      Statement traces = today->query("SELECT bytes FROM trace_chunk");
      EXPECT_TRUE(traces.next());
    }

    // The backup is a whole database of its time, and the next start makes no second one.
    const std::string backup = path + ".v" + std::to_string(from) + ".bak";
    const std::string copied = file_text(backup);
    ASSERT_TRUE(Library::open(path));
    EXPECT_EQ(file_text(backup), copied);
    EXPECT_EQ(backups(folder.path()), 1);
    const auto old = open_database(backup);
    EXPECT_EQ(version(*old), static_cast<std::int64_t>(from));
    Statement texts = old->query("SELECT text FROM message ORDER BY id");
    ASSERT_TRUE(texts.next());
    EXPECT_EQ(texts.text(0), "a question");
  }
}

}  // namespace
}  // namespace mneme

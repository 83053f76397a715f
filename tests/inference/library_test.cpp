// SPDX-License-Identifier: Apache-2.0
#include "inference/store/library.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "inference/store/database.h"
#include "inference/trace/trace_log.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

std::unique_ptr<Library> open_library(const std::string& path = ":memory:") {
  auto library = Library::open(path);
  EXPECT_TRUE(library) << library.error().message;
  return std::move(*library);
}

template <class T>
T take(Result<T> result) {
  EXPECT_TRUE(result) << result.error().message;
  return std::move(result).value();
}

// `updated_ms` has the step of a millisecond.
void let_the_clock_move() {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

TEST(Library, ChatsComeBackAfterTheProgramEnded) {
  const TemporaryFolder folder;
  const std::string path = folder.file("deep/er/chats.db");
  ChatSettings settings;
  settings.sampling.temperature = 0.3f;
  settings.sampling.seed = std::numeric_limits<std::uint64_t>::max();
  settings.max_tokens = 99;
  settings.memory_on = false;
  ChatId id = 0;
  {
    const auto library = open_library(path);
    id = take(library->create_chat("", settings));
    ASSERT_TRUE(library->set_system_prompt(id, "Be brief.\n日本"));
    const MessageId question = take(library->add_message(id, 0, Role::user, "What is Engram?"));
    const MessageId answer = take(library->begin_answer(id, question));
    AnswerRecord record;
    record.model_name = "SmolLM2 \"x\"";
    record.model_digest = "abc";
    record.pack_name = "pack";
    record.memory_on = true;
    record.exact = true;
    record.program_version = "0.1";
    record.sampling.top_k = 7;
    record.sampling.seed = 5;
    record.result.stop_reason = StopReason::length;
    record.result.prompt_tokens = 12;
    record.result.generated_tokens = 34;
    record.result.decode_tok_s = 123.456;
    record.result.seed = std::numeric_limits<std::uint64_t>::max();
    record.result.stall_us = 17;
    record.result.reply_end_event = 46;
    ASSERT_TRUE(library->finish_answer(answer, "A memory.", MessageState::complete, "", record));
  }
  const auto library = open_library(path);
  const auto chats = take(library->chats());
  ASSERT_EQ(chats.size(), 1u);
  EXPECT_EQ(chats[0].id, id);
  EXPECT_EQ(chats[0].title, "What is Engram?");
  EXPECT_TRUE(chats[0].title_is_auto);
  EXPECT_EQ(chats[0].system_prompt, "Be brief.\n日本");
  EXPECT_EQ(chats[0].settings, settings);
  EXPECT_GT(chats[0].created_ms, 1600000000000);
  const auto messages = take(library->messages(id));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].role, Role::user);
  EXPECT_EQ(messages[0].text, "What is Engram?");
  EXPECT_FALSE(messages[0].answer);
  EXPECT_EQ(messages[1].parent, messages[0].id);
  EXPECT_EQ(messages[1].role, Role::assistant);
  EXPECT_EQ(messages[1].text, "A memory.");
  EXPECT_EQ(messages[1].state, MessageState::complete);
  EXPECT_EQ(chats[0].leaf, messages[1].id);
  ASSERT_TRUE(messages[1].answer);
  const AnswerRecord& answer = *messages[1].answer;
  EXPECT_EQ(answer.model_name, "SmolLM2 \"x\"");
  EXPECT_EQ(answer.model_digest, "abc");
  EXPECT_EQ(answer.pack_name, "pack");
  EXPECT_TRUE(answer.memory_on);
  EXPECT_TRUE(answer.exact);
  EXPECT_EQ(answer.program_version, "0.1");
  EXPECT_EQ(answer.sampling.top_k, 7);
  EXPECT_EQ(answer.sampling.seed, 5u);
  EXPECT_EQ(answer.result.stop_reason, StopReason::length);
  EXPECT_EQ(answer.result.prompt_tokens, 12);
  EXPECT_EQ(answer.result.generated_tokens, 34);
  EXPECT_EQ(answer.result.decode_tok_s, 123.456);
  EXPECT_EQ(answer.result.seed, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(answer.result.stall_us, 17u);
  EXPECT_EQ(answer.result.reply_end_event, 46u);
}

TEST(Library, SettingsCanBeChangedAndResetToTheirDefaults) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("x", {}));
  EXPECT_EQ(take(library->chat(id)).settings, ChatSettings{});
  ChatSettings other;
  other.sampling = {0, 0, 1, 0, 1, 0, 42};
  ASSERT_TRUE(library->set_settings(id, other));
  EXPECT_EQ(take(library->chat(id)).settings, other);
  ASSERT_TRUE(library->set_settings(id, {}));
  EXPECT_EQ(take(library->chat(id)).settings, ChatSettings{});
}

TEST(Library, AChatIsATreeWhoseLeafNamesTheBranchInView) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("", {}));
  const MessageId question = take(library->add_message(id, 0, Role::user, "one"));
  const MessageId first = take(library->add_message(id, question, Role::assistant, "first answer"));
  const MessageId second =
      take(library->add_message(id, question, Role::assistant, "second answer"));
  const MessageId edited = take(library->add_message(id, 0, Role::user, "one, edited"));
  EXPECT_EQ(take(library->chat(id)).leaf, edited);
  EXPECT_EQ(take(library->chat(id)).title, "one");
  ASSERT_TRUE(library->set_leaf(id, first));
  EXPECT_EQ(take(library->chat(id)).leaf, first);
  const auto messages = take(library->messages(id));
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[1].parent, question);
  EXPECT_EQ(messages[2].parent, question);
  EXPECT_EQ(messages[2].id, second);
  EXPECT_EQ(messages[3].parent, 0);
  ASSERT_TRUE(library->set_leaf(id, 0));
  EXPECT_EQ(take(library->chat(id)).leaf, 0);
}

TEST(Library, AMessageOfAnotherChatIsNeitherParentNorLeaf) {
  const auto library = open_library();
  const ChatId one = take(library->create_chat("one", {}));
  const ChatId two = take(library->create_chat("two", {}));
  const MessageId there = take(library->add_message(one, 0, Role::user, "x"));
  EXPECT_FALSE(library->add_message(two, there, Role::user, "y"));
  EXPECT_FALSE(library->set_leaf(two, there));
  EXPECT_FALSE(library->add_message(two, 12345, Role::user, "y"));
  EXPECT_FALSE(library->add_message(777, 0, Role::user, "y"));
  EXPECT_TRUE(take(library->messages(two)).empty());
}

TEST(Library, TheLastChangedChatComesFirst) {
  const auto library = open_library();
  const ChatId one = take(library->create_chat("one", {}));
  let_the_clock_move();
  const ChatId two = take(library->create_chat("two", {}));
  EXPECT_EQ(take(library->chats()).front().id, two);
  let_the_clock_move();
  static_cast<void>(take(library->add_message(one, 0, Role::user, "news")));
  EXPECT_EQ(take(library->chats()).front().id, one);
}

TEST(Library, ARenamedChatKeepsItsNameUntilTheNameIsTakenBack) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("", {}));
  ASSERT_TRUE(library->rename_chat(id, "Mine"));
  static_cast<void>(take(library->add_message(id, 0, Role::user, "hello there")));
  EXPECT_EQ(take(library->chat(id)).title, "Mine");
  EXPECT_FALSE(take(library->chat(id)).title_is_auto);
  ASSERT_TRUE(library->rename_chat(id, ""));
  EXPECT_EQ(take(library->chat(id)).title, "hello there");
  EXPECT_TRUE(take(library->chat(id)).title_is_auto);
  EXPECT_FALSE(library->rename_chat(999, "x"));
}

TEST(Library, ADeletedChatIsHiddenAndComesBackWhole) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("findable", {}));
  static_cast<void>(take(library->add_message(id, 0, Role::user, "words inside")));
  ASSERT_TRUE(library->delete_chat(id));
  EXPECT_TRUE(take(library->chats()).empty());
  EXPECT_TRUE(take(library->search("words", 10)).empty());
  EXPECT_TRUE(take(library->search("findable", 10)).empty());
  ASSERT_TRUE(library->restore_chat(id));
  EXPECT_EQ(take(library->chats()).size(), 1u);
  EXPECT_EQ(take(library->messages(id)).size(), 1u);
  EXPECT_EQ(take(library->search("words", 10)).size(), 1u);
  EXPECT_FALSE(library->delete_chat(999));
  EXPECT_FALSE(library->restore_chat(999));
}

TEST(Library, DeletingForGoodLeavesNothingOfTheChat) {
  const TemporaryFolder folder;
  const auto library = open_library(folder.file("chats.db"));
  const ChatId kept = take(library->create_chat("kept", {}));
  const ChatId gone = take(library->create_chat("gone", {}));
  MessageId parent = 0;
  for (int i = 0; i < 1500; ++i) {  // deeper than SQLite nests triggers
    parent = take(library->add_message(gone, parent, Role::user, "secret"));
  }
  const MessageId answer = take(library->begin_answer(gone, parent));
  ASSERT_TRUE(library->write_answer(answer, "secret", 0, test_records(0, 10)));
  ASSERT_TRUE(library->delete_chat(gone));
  ASSERT_TRUE(library->set_draft({.chat = gone, .text = "secret"}));
  const Status purged = library->purge_chat(gone);
  ASSERT_TRUE(purged) << purged.error().message;
  EXPECT_FALSE(library->restore_chat(gone));
  EXPECT_FALSE(library->chat(gone));
  EXPECT_TRUE(take(library->messages(gone)).empty());
  EXPECT_TRUE(take(library->trace(gone)).empty());
  EXPECT_EQ(take(library->chats()).size(), 1u);
  EXPECT_EQ(take(library->chats())[0].id, kept);
  EXPECT_TRUE(take(library->deleted_chats()).empty());
  EXPECT_TRUE(take(library->drafts()).empty());
  EXPECT_FALSE(library->purge_chat(kept));  // it is not deleted
  EXPECT_FALSE(library->write_answer(answer, "late", 10, {}));
  EXPECT_NE(take(library->create_chat("new", {})), gone);  // its id is not used again
}

constexpr std::int64_t kDay = 24 * 60 * 60 * 1000;

std::vector<ChatId> deleted_ids(Library& library) {
  std::vector<ChatId> ids;
  for (const ChatRow& chat : take(library.deleted_chats())) ids.push_back(chat.id);
  return ids;
}

TEST(Library, DeletedChatsAreRemovedAfterThirtyDaysFoundOldOnTwoOfThem) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("x", {}));
  ASSERT_TRUE(library->delete_chat(id));
  const std::int64_t now = take(library->deleted_chats())[0].deleted_ms;
  EXPECT_GT(now, 0);
  for (const int day : {1, 29, 30}) {
    ASSERT_TRUE(library->purge_deleted(now + day * kDay));
    EXPECT_EQ(deleted_ids(*library), std::vector<ChatId>{id}) << day;
  }
  ASSERT_TRUE(library->purge_deleted(now + 31 * kDay));
  ASSERT_TRUE(library->purge_deleted(now + 31 * kDay + 1000));
  EXPECT_EQ(deleted_ids(*library), std::vector<ChatId>{id});
  ASSERT_TRUE(library->purge_deleted(now + 32 * kDay));
  EXPECT_TRUE(deleted_ids(*library).empty());
  EXPECT_FALSE(library->chat(id));
}

TEST(Library, AClockThatJumpsRemovesNothingEarly) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("x", {}));
  ASSERT_TRUE(library->delete_chat(id));
  const std::int64_t now = take(library->deleted_chats())[0].deleted_ms;
  // A year ahead for a day, and back; then the days are counted anew.
  for (const std::int64_t at : {365 * kDay, 0 * kDay, 366 * kDay, 20 * kDay, 31 * kDay}) {
    ASSERT_TRUE(library->purge_deleted(now + at));
    EXPECT_EQ(deleted_ids(*library), std::vector<ChatId>{id});
  }
  // Far behind: as if it had been deleted in the future.
  ASSERT_TRUE(library->purge_deleted(1000));
  EXPECT_EQ(take(library->deleted_chats())[0].deleted_ms, 1000);
  ASSERT_TRUE(library->purge_deleted(now));
  EXPECT_EQ(deleted_ids(*library), std::vector<ChatId>{id});
  // A chat that is brought back stays.
  ASSERT_TRUE(library->restore_chat(id));
  ASSERT_TRUE(library->purge_deleted(now + 400 * kDay));
  ASSERT_TRUE(library->purge_deleted(now + 402 * kDay));
  EXPECT_TRUE(library->chat(id));
}

TEST(Library, SpaceOfWhatIsRemovedIsGivenBack) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  const auto library = open_library(path);
  static_cast<void>(take(library->create_chat("kept", {})));
  const ChatId id = take(library->create_chat("large", {}));
  const std::string secret = "a sentence that must be gone. ";
  std::string text;
  while (text.size() < 200000) text += secret;
  MessageId parent = 0;
  for (int i = 0; i < 40; ++i) parent = take(library->add_message(id, parent, Role::user, text));
  ASSERT_TRUE(library->delete_chat(id));
  ASSERT_TRUE(library->purge_chat(id));
  ASSERT_TRUE(library->give_back_space());
  EXPECT_LT(std::filesystem::file_size(path), 1u << 20);
  EXPECT_EQ(file_text(path).find(secret), std::string::npos);
  EXPECT_EQ(take(library->chats()).size(), 1u);
}

TEST(Library, DraftsBelongToTheirChats) {
  const TemporaryFolder folder;
  ChatId one = 0, two = 0;
  {
    const auto library = open_library(folder.file("chats.db"));
    one = take(library->create_chat("one", {}));
    two = take(library->create_chat("two", {}));
    const MessageId question = take(library->add_message(two, 0, Role::user, "question"));
    ASSERT_TRUE(library->set_draft({.chat = 0, .text = "of a new chat"}));
    ASSERT_TRUE(library->set_draft({.chat = one, .text = "first"}));
    ASSERT_TRUE(library->set_draft({.chat = one, .text = "of one"}));
    ASSERT_TRUE(library->set_draft({two, "kept", question, "question, better"}));
    ASSERT_TRUE(library->set_draft({.chat = 99, .text = "of a chat that is gone"}));
  }
  const auto library = open_library(folder.file("chats.db"));
  auto drafts = take(library->drafts());
  ASSERT_EQ(drafts.size(), 3u);
  EXPECT_EQ(drafts[0], (DraftRow{.chat = 0, .text = "of a new chat"}));
  EXPECT_EQ(drafts[1], (DraftRow{.chat = one, .text = "of one"}));
  EXPECT_EQ(drafts[2].edited, "question, better");
  ASSERT_TRUE(library->set_draft({.chat = one}));
  ASSERT_TRUE(library->delete_chat(two));  // its draft waits for it
  EXPECT_EQ(take(library->drafts()).size(), 1u);
  ASSERT_TRUE(library->restore_chat(two));
  EXPECT_EQ(take(library->drafts()).size(), 2u);
}

TEST(Library, CallsMadeAtomicallyAreKeptAllOrNone) {
  const auto library = open_library();
  const Status failed = library->atomically([&]() -> Status {
    const auto id = library->create_chat("half", {});
    if (!id) return id.error();
    const auto added = library->add_message(*id, 0, Role::user, "typed");
    if (!added) return added.error();
    return Error{ErrorCode::io, "then the disk was full"};
  });
  EXPECT_FALSE(failed);
  EXPECT_TRUE(take(library->chats()).empty());
  ASSERT_TRUE(library->atomically([&]() -> Status {
    const auto id = library->create_chat("whole", {});
    return id ? Status() : Status(id.error());
  }));
  EXPECT_EQ(take(library->chats()).size(), 1u);
}

TEST(Library, AnAnswerGrowsAndEndsOnce) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("", {}));
  const MessageId question = take(library->add_message(id, 0, Role::user, "q"));
  const MessageId answer = take(library->begin_answer(id, question));
  EXPECT_EQ(take(library->messages(id))[1].state, MessageState::streaming);
  EXPECT_EQ(take(library->chat(id)).leaf, answer);
  ASSERT_TRUE(library->write_answer(answer, "so", 0, test_records(0, 3)));
  ASSERT_TRUE(library->write_answer(answer, "so far", 3, test_records(3, 5)));
  EXPECT_EQ(take(library->messages(id))[1].text, "so far");
  ASSERT_TRUE(
      library->finish_answer(answer, "so far so good", MessageState::failed, "no disk", {}));
  const MessageRow row = take(library->messages(id))[1];
  EXPECT_EQ(row.text, "so far so good");
  EXPECT_EQ(row.state, MessageState::failed);
  EXPECT_EQ(row.error, "no disk");
  EXPECT_FALSE(row.answer);
  EXPECT_FALSE(library->write_answer(answer, "more", 5, {}));
  EXPECT_FALSE(library->finish_answer(answer, "again", MessageState::complete, "", {}));
  EXPECT_EQ(take(library->messages(id))[1].text, "so far so good");
}

TEST(Library, AnAnswerThatWasRunningIsInterruptedAfterAStart) {
  const TemporaryFolder folder;
  ChatId id = 0;
  {
    const auto library = open_library(folder.file("chats.db"));
    id = take(library->create_chat("x", {}));
    const MessageId answer = take(library->begin_answer(id, 0));
    ASSERT_TRUE(library->write_answer(answer, "half an answer", 0, test_records(0, 3)));
    ASSERT_TRUE(library->set_events(answer, 1, 3));
  }
  const auto library = open_library(folder.file("chats.db"));
  const MessageRow row = take(library->messages(id))[0];
  EXPECT_EQ(row.state, MessageState::interrupted);
  EXPECT_EQ(row.text, "half an answer");
  EXPECT_EQ(row.first_event, 1u);
  EXPECT_EQ(row.end_event, 3u);
  EXPECT_EQ(take(library->search("half an", 10)).size(), 1u);
}

TEST(Library, TheTraceComesBackInOrder) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("x", {}));
  EXPECT_TRUE(take(library->trace(id)).empty());
  const MessageId one = take(library->begin_answer(id, 0));
  EXPECT_EQ(take(library->stored_events(one)), 0u);
  ASSERT_TRUE(library->write_answer(one, "a", 0, test_records(0, 4)));
  ASSERT_TRUE(library->write_answer(one, "ab", 2, test_records(2, 7)));  // 2 and 3 are there
  ASSERT_TRUE(library->write_answer(one, "ab", 7, {}));
  const Status gap = library->write_answer(one, "lost?", 8, test_records(8, 9));
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, ErrorCode::invalid);
  auto broken = test_records(7, 9);
  broken.resize(broken.size() - 1);
  EXPECT_FALSE(library->write_answer(one, "lost?", 7, broken));
  EXPECT_EQ(take(library->messages(id))[0].text, "ab");
  ASSERT_TRUE(library->finish_answer(one, "ab", MessageState::complete, "", {}));
  const MessageId two = take(library->begin_answer(id, one));
  EXPECT_EQ(take(library->stored_events(two)), 7u);
  ASSERT_TRUE(library->write_answer(two, "c", 7, test_records(7, 9)));
  EXPECT_EQ(take(library->trace(id)), test_records(0, 9));
  TraceLog log;
  ASSERT_TRUE(log.append_serialized(take(library->trace(id))));
  EXPECT_EQ(log.record(8).token(), 8);
}

TEST(Library, AMessagesRangeNeverPassesTheStoredTrace) {
  const auto library = open_library();
  const ChatId id = take(library->create_chat("x", {}));
  const MessageId message = take(library->begin_answer(id, 0));
  ASSERT_TRUE(library->write_answer(message, "a", 0, test_records(0, 4)));
  ASSERT_TRUE(library->set_events(message, 2, 900));
  EXPECT_EQ(take(library->messages(id))[0].end_event, 4u);
  ASSERT_TRUE(library->set_events(message, 800, 900));
  EXPECT_EQ(take(library->messages(id))[0].first_event, 4u);
  EXPECT_FALSE(library->set_events(999, 0, 0));
}

}  // namespace
}  // namespace mneme

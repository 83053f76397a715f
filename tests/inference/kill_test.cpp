// SPDX-License-Identifier: Apache-2.0
// kill -9 while an answer is being written: what was committed is there, and the answer is marked
// interrupted. The writer is this test program again, started with the name of its disabled test.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "inference/run/answer_writer.h"
#include "inference/text/tokenizer.h"
#include "tests/support/killed_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_vocabulary.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

constexpr const char* kWriter = "KillTestWriter.*";
constexpr const char* kQuestion = "what the user typed";

// Not a test of its own: the program that is killed. Writes an answer without end, and tells of
// each character that is in the database.
TEST(KillTestWriter, DISABLED_WritesUntilItIsKilled) {
  ASSERT_NE(KilledProgram::folder(), "");
  const Tokenizer tokenizer = TinyVocabulary().tokenizer();
  auto store = ChatStore::open(KilledProgram::folder() + "/chats.db");
  ASSERT_TRUE(store);
  ChatId chat = 0;
  MessageId answer = 0;
  (*store)->run([&](Library& library) {
    chat = *library.create_chat("", {});
    answer = *library.begin_answer(chat, *library.add_message(chat, 0, Role::user, kQuestion));
  });
  const auto log = std::make_shared<TraceLog>();
  AnswerWriter writer(**store, log, 0, answer, 0);
  GenerateProgress progress;
  progress.phase = GeneratePhase::decode;
  const auto tokens = tokenizer.encode("0123456789");
  std::size_t told = 0;
  for (std::size_t i = 0;; ++i) {
    const std::string text(1, static_cast<char>('0' + i % 10));
    log->append(test_record(tokens[i % tokens.size()]));
    progress.new_text = text;
    writer.on_progress(progress);
    std::size_t stored = 0;
    (*store)->run([&](Library& library) { stored = (*library.messages(chat))[1].text.size(); });
    for (; told < stored; ++told) KilledProgram::tell_token();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST(KillMinusNine, LosesNothingThatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  std::size_t chats_expected = 0;
  for (const std::size_t written : {1, 200, 600}) {
    {
      KilledProgram child(kWriter, folder.file(""));
      ASSERT_TRUE(child.wait_for_tokens(written));
      child.kill_now();
    }
    ++chats_expected;
    auto library = Library::open(path);
    ASSERT_TRUE(library) << library.error().message;
    const auto chats = (*library)->chats();
    ASSERT_TRUE(chats);
    ASSERT_EQ(chats->size(), chats_expected);
    const ChatRow& chat = chats->front();
    EXPECT_EQ(chat.title, kQuestion);
    const auto messages = (*library)->messages(chat.id);
    ASSERT_TRUE(messages) << messages.error().message;
    ASSERT_EQ(messages->size(), 2u);
    EXPECT_EQ((*messages)[0].text, kQuestion);
    const MessageRow& answer = (*messages)[1];
    EXPECT_EQ(answer.state, MessageState::interrupted);
    EXPECT_GE(answer.text.size(), written);
    for (std::size_t i = 0; i < answer.text.size(); ++i) {
      ASSERT_EQ(answer.text[i], static_cast<char>('0' + i % 10));
    }
    TraceLog log;
    ASSERT_TRUE(log.append_serialized(*(*library)->trace(chat.id)));
    EXPECT_EQ(log.size(), answer.text.size());
    EXPECT_EQ(answer.end_event, log.size());
  }
}

TEST(KillMinusNine, AtAnyMomentLeavesALibraryThatOpens) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  for (int round = 0; round < 8; ++round) {
    KilledProgram child(kWriter, folder.file(""));
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + 17 * round));
    child.kill_now();
    auto library = Library::open(path);
    ASSERT_TRUE(library) << library.error().message;
    const auto chats = (*library)->chats();
    ASSERT_TRUE(chats);
    for (const ChatRow& chat : *chats) {
      const auto messages = (*library)->messages(chat.id);
      ASSERT_TRUE(messages) << messages.error().message;
      for (const MessageRow& message : *messages) EXPECT_NE(message.state, MessageState::streaming);
      EXPECT_TRUE((*library)->trace(chat.id));
    }
  }
}

}  // namespace
}  // namespace mneme

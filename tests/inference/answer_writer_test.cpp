// SPDX-License-Identifier: Apache-2.0
#include "inference/run/answer_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

#include "inference/text/tokenizer.h"
#include "inference/text/utf8_stream.h"
#include "tests/support/refused_writes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_vocabulary.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

using std::chrono::milliseconds;

// An answer that is made token by token, with a clock that moves when the test says so.
class AnswerWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TinyVocabulary vocabulary;
    end_ = vocabulary.add_end();
    tokenizer_.emplace(vocabulary.tokenizer());
    open_store();
    store_->run([&](Library& library) {
      chat_ = *library.create_chat("", {});
      question_ = *library.add_message(chat_, 0, Role::user, "hi");
      answer_ = *library.begin_answer(chat_, question_);
    });
  }

  void open_store() {
    store_.reset();
    auto store = ChatStore::open(folder_.file("chats.db"));
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    store_->set_listener([this](const Error& error, bool) { failures_.push_back(error.message); },
                         [this] { ++saved_; });
  }

  // Without another interval: every progress is written.
  AnswerWriter writer(EventIndex stored = 0, milliseconds interval = milliseconds(0)) {
    return AnswerWriter(*store_, log_, question_, answer_, stored, interval);
  }

  // Evaluates a prompt of `count` tokens.
  void read_prompt(int count, AnswerWriter& to) {
    progress_ = {};
    utf8_ = {};
    progress_.prompt_first_event = log_->size();
    for (int i = 0; i < count; ++i) log_->append(test_record(65));
    to.on_progress(progress_);
    progress_.phase = GeneratePhase::decode;
    progress_.reply_first_event = log_->size();
  }
  void pick(TokenId token, AnswerWriter& to) {
    log_->append(test_record(token));
    ++progress_.generated;
    const std::string text = token == end_ ? "" : utf8_.push(tokenizer_->decode(token));
    progress_.new_text = text;
    to.on_progress(progress_);
    progress_.new_text = {};
  }
  void say(std::string_view text, AnswerWriter& to) {
    for (const TokenId token : tokenizer_->encode(text)) pick(token, to);
  }
  GenerateResult result(std::string text) const {
    GenerateResult r;
    r.text = std::move(text);
    r.generated_tokens = progress_.generated;
    r.prompt_first_event = progress_.prompt_first_event;
    r.reply_first_event = progress_.reply_first_event;
    r.reply_end_event = log_->size();
    return r;
  }
  std::vector<MessageRow> stored() {
    std::vector<MessageRow> messages;
    store_->run([&](Library& library) { messages = *library.messages(chat_); });
    return messages;
  }
  std::vector<std::byte> stored_trace() {
    std::vector<std::byte> bytes;
    store_->run([&](Library& library) { bytes = *library.trace(chat_); });
    return bytes;
  }
  std::vector<std::byte> whole_log() const { return log_->serialize(0, log_->size()); }

  const TemporaryFolder folder_;
  std::optional<Tokenizer> tokenizer_;
  std::unique_ptr<ChatStore> store_;
  std::vector<std::string> failures_;  // store thread; read after run()
  int saved_ = 0;
  std::shared_ptr<TraceLog> log_ = std::make_shared<TraceLog>();
  Utf8Stream utf8_;
  GenerateProgress progress_;
  TokenId end_ = 0;
  ChatId chat_ = 0;
  MessageId question_ = 0, answer_ = 0;
};

TEST_F(AnswerWriterTest, TheFirstTokenIsWrittenAtOnceAndTheNextOnesWhenItIsTime) {
  AnswerWriter w = writer(0, std::chrono::hours(1));
  progress_.phase = GeneratePhase::decode;
  say("a", w);
  EXPECT_EQ(stored()[1].text, "a");
  EXPECT_EQ(stored()[1].state, MessageState::streaming);
  EXPECT_EQ(stored_trace(), whole_log());
  say("bc", w);
  EXPECT_EQ(stored()[1].text, "a");
  w.finish(result("abc"), {});
  EXPECT_EQ(stored()[1].text, "abc");
  EXPECT_EQ(stored()[1].state, MessageState::complete);
  EXPECT_LE(AnswerWriter::kInterval, milliseconds(500));
}

// A token that takes long must not hold back the ones before it.
TEST_F(AnswerWriterTest, WhatWasPickedIsWrittenWithoutANextToken) {
  AnswerWriter w = writer(0, milliseconds(20));
  progress_.phase = GeneratePhase::decode;
  say("abcd", w);
  while (stored()[1].text != "abcd") std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(stored_trace(), whole_log());
}

// A full disk: what was written stays, the rest is kept, told once, and written when there is room.
TEST_F(AnswerWriterTest, AnAnswerThatFindsNoRoomIsKeptAndWrittenLater) {
  AnswerWriter w = writer();
  read_prompt(3, w);
  say("ab", w);
  EXPECT_EQ(stored()[1].text, "ab");
  RefusedWrites full;
  store_->run([&](Library&) { full.begin(); });
  say("cd", w);
  say("ef", w);
  w.finish(result("abcdef"), {});
  store_->run([&](Library& library) {
    EXPECT_EQ((*library.messages(chat_))[1].text, "ab");
    ASSERT_EQ(store_->kept().size(), 1u);
    EXPECT_EQ(store_->kept()[0].text, "abcdef");
    ASSERT_EQ(failures_.size(), 1u);
    EXPECT_NE(failures_[0].find("no room left"), std::string::npos) << failures_[0];
    full.end();
  });
  store_->retry();
  EXPECT_EQ(stored()[1].text, "abcdef");
  EXPECT_EQ(stored()[1].state, MessageState::complete);
  EXPECT_EQ(stored()[1].end_event, log_->size());
  EXPECT_EQ(stored_trace(), whole_log());
  EXPECT_EQ(saved_, 1);
}

TEST_F(AnswerWriterTest, AnAnswerOfAChatThatWasDeletedForGoodIsDropped) {
  AnswerWriter w = writer();
  say("ab", w);
  store_->run([&](Library& library) {
    ASSERT_TRUE(library.delete_chat(chat_));
    ASSERT_TRUE(library.purge_chat(chat_));
  });
  say("cd", w);
  w.finish(result("abcd"), {});
  store_->run([&](Library&) { EXPECT_TRUE(store_->kept().empty()); });
  EXPECT_TRUE(failures_.empty());
}

TEST_F(AnswerWriterTest, EachMessageGetsItsRangeOfTheTrace) {
  AnswerWriter w = writer();
  read_prompt(3, w);
  say("ab", w);
  pick(end_, w);
  EXPECT_EQ(stored()[0].first_event, 0u);
  EXPECT_EQ(stored()[0].end_event, 3u);
  EXPECT_EQ(stored()[1].first_event, 3u);
  AnswerRecord record;
  record.model_name = "tiny";
  w.finish(result("ab"), record);
  const auto messages = stored();
  EXPECT_EQ(messages[1].end_event, 6u);
  EXPECT_EQ(messages[1].state, MessageState::complete);
  ASSERT_TRUE(messages[1].answer);
  EXPECT_EQ(messages[1].answer->model_name, "tiny");
  EXPECT_EQ(messages[1].answer->result.generated_tokens, 3);
  EXPECT_EQ(stored_trace(), whole_log());
  EXPECT_TRUE(failures_.empty());
}

TEST_F(AnswerWriterTest, WritesDuringALongPrompt) {
  AnswerWriter w = writer();
  read_prompt(5, w);
  EXPECT_EQ(stored()[0].end_event, 5u);
  EXPECT_EQ(stored()[1].first_event, stored()[1].end_event);
  EXPECT_EQ(stored_trace(), whole_log());
}

TEST_F(AnswerWriterTest, NeverStoresHalfACharacterOrAnEndToken) {
  AnswerWriter w = writer();
  read_prompt(1, w);
  const auto tokens = tokenizer_->encode("é記");
  ASSERT_EQ(tokens.size(), 5u);  // one a byte
  const char* const expected[] = {"", "é", "é", "é", "é記"};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    pick(tokens[i], w);
    EXPECT_EQ(stored()[1].text, expected[i]);
  }
  pick(end_, w);
  EXPECT_EQ(stored()[1].text, "é記");
}

TEST_F(AnswerWriterTest, AStoppedAnswerSaysSo) {
  AnswerWriter w = writer();
  read_prompt(1, w);
  say("ab", w);
  GenerateResult r = result("ab");
  r.stop_reason = StopReason::stopped;
  w.finish(r, {});
  EXPECT_EQ(stored()[1].state, MessageState::stopped);
  EXPECT_EQ(stored()[1].text, "ab");
}

TEST_F(AnswerWriterTest, AFailedAnswerKeepsWhatWasGenerated) {
  AnswerWriter w = writer();
  read_prompt(2, w);
  say("abc", w);
  pick(tokenizer_->encode("é")[0], w);  // half a character
  w.fail({ErrorCode::io, "the disk is gone"});
  const auto messages = stored();
  EXPECT_EQ(messages[1].state, MessageState::failed);
  EXPECT_EQ(messages[1].error, "the disk is gone");
  EXPECT_EQ(messages[1].text, "abc");
  EXPECT_EQ(messages[1].end_event, 6u);
  EXPECT_EQ(stored_trace(), whole_log());
}

TEST_F(AnswerWriterTest, AFailureBeforeAnythingHappenedTouchesNoRange) {
  AnswerWriter w = writer();
  w.fail({ErrorCode::invalid, "the prompt does not fit"});
  const auto messages = stored();
  EXPECT_EQ(messages[1].state, MessageState::failed);
  EXPECT_EQ(messages[0].end_event, 0u);
  EXPECT_TRUE(failures_.empty());
}

TEST_F(AnswerWriterTest, TheNextAnswerGoesOnWhereTheTraceEnded) {
  {
    AnswerWriter w = writer();
    read_prompt(2, w);
    say("ab", w);
    w.finish(result("ab"), {});
  }
  store_->run([&](Library& library) {
    question_ = *library.add_message(chat_, answer_, Role::user, "and?");
    answer_ = *library.begin_answer(chat_, question_);
  });
  AnswerWriter w = writer(log_->size());
  read_prompt(3, w);
  say("cde", w);
  w.finish(result("cde"), {});
  const auto messages = stored();
  EXPECT_EQ(messages[2].first_event, 4u);
  EXPECT_EQ(messages[3].first_event, 7u);
  EXPECT_EQ(messages[3].end_event, 10u);
  EXPECT_EQ(stored_trace(), whole_log());
}

TEST_F(AnswerWriterTest, AStoreThatIsBusyGetsOneWriteThatCoversAll) {
  AnswerWriter w = writer();
  std::binary_semaphore go(0);
  store_->post([&](Library&) { go.acquire(); });
  read_prompt(2, w);
  for (int i = 0; i < 1000; ++i) {  // many more than the store's queue holds: must not wait
    say("x", w);
  }
  go.release();
  EXPECT_EQ(stored()[1].text, std::string(1000, 'x'));
  EXPECT_EQ(stored_trace(), whole_log());
  EXPECT_TRUE(failures_.empty());
}

TEST_F(AnswerWriterTest, ATraceThatDoesNotFitTheStoredOneIsSaidAndTheTextIsKept) {
  store_->run([&](Library& library) {  // as if the chat had been opened without its records
    ASSERT_TRUE(library.write_answer(answer_, "", 0, test_records(0, 5)));
  });
  AnswerWriter w = writer(0);
  read_prompt(1, w);
  for (int i = 0; i < 3; ++i) {
    say("a", w);
    static_cast<void>(stored());
  }
  EXPECT_EQ(stored()[1].text, "aaa");
  EXPECT_EQ(failures_.size(), 1u);  // told once
  w.finish(result("aaa"), {});
  EXPECT_EQ(stored()[1].state, MessageState::complete);
  EXPECT_EQ(stored()[1].text, "aaa");
  EXPECT_EQ(stored_trace(), test_records(0, 5));
}

}  // namespace
}  // namespace mneme

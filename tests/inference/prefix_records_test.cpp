// SPDX-License-Identifier: Apache-2.0
// Records belong to tokens, not to their evaluation: what a prompt finds in the KV cache has them
// too, whichever chat left it there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "inference/run/engine.h"
#include "inference/text/tokenizer.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

class PrefixRecords : public ::testing::Test {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.model_path = write_tiny_model(folder_.path());
    options.threads = 1;
    auto opened = Engine::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    engine_ = std::move(*opened);
  }

  static GenerateRequest request(const std::string& text) {
    GenerateRequest request;
    request.messages = {{Role::system, "be brief and say what is true"}, {Role::user, text}};
    request.sampling.temperature = 0;
    request.max_tokens = 4;
    request.trace = std::make_shared<TraceLog>();
    return request;
  }
  GenerateResult answer(const GenerateRequest& request) {
    auto result = engine_->generate(request);
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : GenerateResult{};
  }

  TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(PrefixRecords, AChatThatBeginsLikeAnotherHasTheRecordsOfAllItsTokens) {
  const GenerateRequest first = request("the sea");
  answer(first);
  const GenerateRequest second = request("the land");
  const GenerateResult result = answer(second);
  ASSERT_GT(result.reused_tokens, 30);
  const auto tokens = engine_->prompt_tokens(second);
  ASSERT_TRUE(tokens);
  const TraceLog& log = *second.trace;
  EXPECT_EQ(result.reply_first_event - result.prompt_first_event, tokens->size());
  int system = 0;
  for (EventIndex i = 0; i < log.size(); ++i) {
    const TraceRecord record = log.record(i);
    EXPECT_EQ(record.header().position, i);
    EXPECT_EQ(record.shape(), engine_->layout().trace_shape());
    if (i < tokens->size()) {
      EXPECT_EQ(record.token(), (*tokens)[i]);
    }
    if (static_cast<std::int64_t>(i) < result.reused_tokens) {
      const auto a = record.bytes(), b = first.trace->record(i).bytes();
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << i;
    }
    system += record.header().source == TokenSource::system;
  }
  EXPECT_GT(system, 20);
}

TEST_F(PrefixRecords, ATokenThatWasPickedThereIsReadHere) {
  const GenerateRequest first = request("the sea");
  const GenerateResult result = answer(first);
  ASSERT_GT(result.tokens.size(), 0u);
  // Another chat, whose first question is the other's question and answer.
  GenerateRequest second = request("the sea");
  second.messages.push_back({Role::assistant, result.text, result.tokens});
  second.messages.push_back({Role::user, "and"});
  const GenerateResult next = answer(second);
  EXPECT_GE(next.reused_tokens, result.prompt_tokens + 1);
  for (EventIndex i = 0; i < next.reply_first_event; ++i) {
    EXPECT_EQ(second.trace->record(i).header().sampled, 0) << i;
  }
}

TEST_F(PrefixRecords, WithoutATraceTheRecordsAreKeptToo) {
  GenerateRequest first = request("the sea");
  first.trace = nullptr;
  answer(first);
  const GenerateRequest second = request("the land");
  const GenerateResult result = answer(second);
  EXPECT_GT(result.reused_tokens, 30);
  EXPECT_EQ(second.trace->size(),
            static_cast<EventIndex>(result.prompt_tokens + result.generated_tokens));
}

TEST_F(PrefixRecords, SwitchingTheMemoryChangesTheRecordsShape) {
  answer(request("the sea"));
  GenerateRequest off = request("the land");
  off.memory_on = false;
  const GenerateResult result = answer(off);
  EXPECT_EQ(result.reused_tokens, 0);
  for (EventIndex i = 0; i < off.trace->size(); ++i) {
    EXPECT_EQ(off.trace->record(i).shape(), TraceShape{}) << i;
  }
}

// Each token of a chat is recorded once, whatever the template writes between two turns.
TEST_F(PrefixRecords, TheTurnsOfAChatFollowEachOtherWithoutAGap) {
  GenerateRequest chat = request("the sea");
  for (int turn = 0; turn < 3; ++turn) {
    const GenerateResult result = answer(chat);
    const TraceLog& log = *chat.trace;
    chat.recorded.clear();
    for (EventIndex i = 0; i < log.size(); ++i) {
      EXPECT_EQ(log.record(i).header().position, i);
      chat.recorded.push_back(log.record(i).token());
    }
    chat.messages.push_back({Role::assistant, result.text, result.tokens});
    chat.record_from_message = chat.messages.size();
    chat.messages.push_back({Role::user, "and the land"});
    engine_->forget();
  }
}

// The same where the reading of a question was stopped: the rest of it is recorded with the next.
TEST_F(PrefixRecords, AQuestionThatWasReadInPartIsRecordedToItsEnd) {
  GenerateRequest chat = request("the sea");
  answer(chat);
  TraceLog part;
  for (EventIndex i = 0; i < 20; ++i) part.append(chat.trace->record(i).bytes());
  GenerateRequest next = request("the sea");
  next.messages.push_back({Role::assistant, ""});
  next.messages.push_back({Role::user, "and the land"});
  for (EventIndex i = 0; i < 20; ++i) next.recorded.push_back(part.record(i).token());
  const GenerateResult result = answer(next);
  EXPECT_EQ(next.trace->record(0).header().position, 20u);
  EXPECT_EQ(result.reply_first_event, static_cast<EventIndex>(result.prompt_tokens) - 20);
}

}  // namespace
}  // namespace mneme

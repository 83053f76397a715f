// SPDX-License-Identifier: Apache-2.0
// The engine and the store together: what generate() makes is what the database gives back, while
// it is made, at its end, and after a kill -9 in between.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "inference/files/gguf.h"
#include "inference/run/answer_writer.h"
#include "inference/run/engine.h"
#include "inference/text/tokenizer.h"
#include "inference/text/utf8_stream.h"
#include "tests/support/killed_program.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

// A chat whose answers are made by a real engine.
class StoredChat {
 public:
  explicit StoredChat(const std::string& folder) {
    EngineOptions options;
    options.model_path = folder + "/tiny.gguf";
    options.threads = 1;
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    EXPECT_TRUE(engine_->layout().memory.has_value()) << engine_->layout().memory_absent_reason;
    auto store = ChatStore::open(folder + "/chats.db");
    EXPECT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    store_->set_listener([](const Error& error, bool) { ADD_FAILURE() << error.message; }, {});
    store_->run([&](Library& library) { chat_ = *library.create_chat("", {}); });
  }

  std::atomic<bool> cancel = false;

  // The user says `text`; the answer has at most `tokens` tokens. `each` runs after every progress.
  GenerateResult ask(const std::string& text, std::int64_t tokens,
                     const std::function<void(const GenerateProgress&)>& each) {
    MessageId question = 0;
    store_->run([&](Library& library) {
      question = *library.add_message(chat_, answer_, Role::user, text);
      answer_ = *library.begin_answer(chat_, question);
    });
    GenerateRequest request;
    request.record_from_message = messages_.size();
    messages_.push_back({Role::user, text});
    request.messages = messages_;
    request.max_tokens = tokens;
    request.sampling.seed = 11;
    request.sampling.temperature = 1.5f;
    request.trace = log_;
    request.cancel = &cancel;
    AnswerWriter writer(*store_, log_, question, answer_, log_->size(), interval);
    auto result = engine_->generate(request, [&](const GenerateProgress& progress) {
      writer.on_progress(progress);
      each(progress);
    });
    EXPECT_TRUE(result) << result.error().message;
    AnswerRecord record;
    record.model_digest = engine_->layout().digest;
    record.memory_on = true;
    writer.finish(*result, record);
    messages_.push_back({Role::assistant, result->text, result->tokens});
    return std::move(*result);
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
  Engine& engine() { return *engine_; }
  const TraceLog& log() const { return *log_; }

  std::chrono::milliseconds interval = AnswerWriter::kInterval;

 private:
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ChatStore> store_;
  std::shared_ptr<TraceLog> log_ = std::make_shared<TraceLog>();
  std::vector<ChatMessage> messages_;
  ChatId chat_ = 0;
  MessageId answer_ = 0;
};

// The text that a message's records stand for, half characters at the end left out.
std::string text_of(const Tokenizer& tokenizer, const TraceLog& log, const MessageRow& message,
                    bool ended) {
  Utf8Stream utf8;
  std::string text;
  for (EventIndex i = message.first_event; i < message.end_event; ++i) {
    const TokenId token = log.record(i).token();
    if (!tokenizer.is_end(token)) text += utf8.push(tokenizer.decode(token));
  }
  return ended ? text + utf8.finish() : text;
}

Tokenizer tokenizer_of(const std::string& folder) {
  auto file = GgufFile::open(folder + "/tiny.gguf");
  EXPECT_TRUE(file) << file.error().message;
  auto tokenizer = Tokenizer::from_gguf(file->metadata());
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return std::move(*tokenizer);
}

TEST(EngineStore, TextAndTracesAreThoseOfTheResult) {
  const TemporaryFolder folder;
  write_tiny_model(folder.path());
  std::vector<GenerateResult> results;
  std::vector<std::byte> whole;
  {
    StoredChat chat(folder.path());
    chat.interval = {};  // a write at every progress
    for (const char* text : {"the first and the last", "and then?"}) {
      std::string before;
      std::vector<std::string> while_running;
      results.push_back(chat.ask(text, 24, [&](const GenerateProgress&) {
        const auto messages = chat.stored();
        EXPECT_EQ(messages.back().state, MessageState::streaming);
        while_running.push_back(messages.back().text);
        EXPECT_EQ(chat.stored_trace(), chat.log().serialize(0, chat.log().size()));
      }));
      for (const std::string& part : while_running) {
        EXPECT_TRUE(results.back().text.starts_with(part)) << part;
        EXPECT_TRUE(part.starts_with(before));
        before = part;
      }
      EXPECT_FALSE(before.empty());
      EXPECT_GT(while_running.size(), 5u);
    }
    whole = chat.log().serialize(0, chat.log().size());
  }
  auto library = Library::open(folder.file("chats.db"));
  ASSERT_TRUE(library) << library.error().message;
  const ChatRow row = (*library)->chats()->front();
  EXPECT_EQ(row.title, "the first and the last");
  EXPECT_EQ(*(*library)->trace(row.id), whole);
  TraceLog log;
  ASSERT_TRUE(log.append_serialized(*(*library)->trace(row.id)));
  const auto messages = *(*library)->messages(row.id);
  ASSERT_EQ(messages.size(), 4u);
  const Tokenizer tokenizer = tokenizer_of(folder.path());
  for (std::size_t turn = 0; turn < 2; ++turn) {
    const GenerateResult& result = results[turn];
    const MessageRow& question = messages[2 * turn];
    const MessageRow& answer = messages[2 * turn + 1];
    EXPECT_EQ(answer.state, MessageState::complete);
    EXPECT_EQ(answer.text, result.text);
    EXPECT_EQ(text_of(tokenizer, log, answer, true), result.text);
    EXPECT_EQ(question.first_event, result.prompt_first_event);
    EXPECT_EQ(question.end_event, result.reply_first_event);
    EXPECT_EQ(answer.first_event, result.reply_first_event);
    EXPECT_EQ(answer.end_event, result.reply_end_event);
    EXPECT_EQ(answer.end_event - answer.first_event,
              static_cast<EventIndex>(result.generated_tokens));
    ASSERT_TRUE(answer.answer);
    EXPECT_EQ(answer.answer->result.generated_tokens, result.generated_tokens);
    EXPECT_EQ(answer.answer->result.seed, 11u);
    EXPECT_NE(answer.answer->model_digest, "");
  }
  EXPECT_EQ(messages[2].first_event, messages[1].end_event);
  EXPECT_EQ(messages[3].end_event, log.size());
}

TEST(EngineStore, AnAnswerThatTheUserStopsIsKept) {
  const TemporaryFolder folder;
  write_tiny_model(folder.path());
  StoredChat chat(folder.path());
  const GenerateResult result = chat.ask("the", 0, [&](const GenerateProgress& progress) {
    if (progress.generated == 3) chat.cancel = true;
  });
  EXPECT_EQ(result.stop_reason, StopReason::stopped);
  const auto messages = chat.stored();
  EXPECT_EQ(messages[1].state, MessageState::stopped);
  EXPECT_EQ(messages[1].text, result.text);
  EXPECT_EQ(chat.stored_trace(), chat.log().serialize(0, chat.log().size()));
}

// Not a test of its own: the program that is killed while it generates.
TEST(EngineStoreWriter, DISABLED_GeneratesUntilItIsKilled) {
  ASSERT_NE(KilledProgram::folder(), "");
  for (;;) {
    StoredChat chat(KilledProgram::folder());
    std::size_t stored = 0;
    static_cast<void>(chat.ask("the first and the last", 0, [&](const GenerateProgress&) {
      // One for each write of the answer.
      if (chat.stored_trace().size() > stored) KilledProgram::tell_token();
      stored = chat.stored_trace().size();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }));
  }
}

TEST(EngineStore, KillMinusNineDuringGenerationKeepsWhatWasWritten) {
  const TemporaryFolder folder;
  write_tiny_model(folder.path());
  const Tokenizer tokenizer = tokenizer_of(folder.path());
  for (const std::size_t writes : {4, 7}) {
    {
      KilledProgram child("EngineStoreWriter.*", folder.path());
      ASSERT_TRUE(child.wait_for_tokens(writes));
      child.kill_now();
    }
    auto library = Library::open(folder.file("chats.db"));
    ASSERT_TRUE(library) << library.error().message;
    std::size_t records = 0;
    const std::vector<ChatRow> chats = *(*library)->chats();
    for (const ChatRow& chat : chats) {
      TraceLog log;
      ASSERT_TRUE(log.append_serialized(*(*library)->trace(chat.id)));
      records += log.size();
      const auto messages = *(*library)->messages(chat.id);
      if (messages.size() < 2) continue;  // killed before the answer began
      EXPECT_EQ(messages[0].text, "the first and the last");
      const MessageRow& answer = messages[1];
      const bool ended = answer.state == MessageState::complete;
      EXPECT_TRUE(ended || answer.state == MessageState::interrupted);
      EXPECT_EQ(answer.text, text_of(tokenizer, log, answer, ended));
    }
    EXPECT_GT(records, 10u);  // the question's at least
  }
}

}  // namespace
}  // namespace mneme

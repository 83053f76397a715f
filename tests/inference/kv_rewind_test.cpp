// SPDX-License-Identifier: Apache-2.0
// What went wrong or was stopped in the middle of a timeline leaves no trace in what comes after
// it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "inference/model/synth_model.h"
#include "inference/run/engine.h"
#include "inference/run/engine_view.h"
#include "inference/run/session.h"
#include "inference/tables/memory_pack_writer.h"
#include "inference/text/tokenizer.h"
#include "tests/support/slow_reader.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/wait_until.h"

namespace mneme {
namespace {

class Timeline : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> open(EngineOptions options = {}, std::int64_t context = 512) {
    if (model_.empty()) {
      TinyModelOptions tiny;
      tiny.context = context;
      model_ = write_tiny_model(folder_.path(), tiny);
    }
    options.model_path = model_;
    options.threads = 2;
    auto opened = Engine::open(options);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  static GenerateRequest greedy(std::string prompt, std::int64_t tokens) {
    GenerateRequest request;
    request.raw_prompt = std::move(prompt);
    request.sampling.temperature = 0;
    request.sampling.repetition_penalty = 1;
    request.max_tokens = tokens;
    request.ignore_end = true;
    return request;
  }
  static std::string text(Engine& engine, const GenerateRequest& request) {
    const auto result = engine.generate(request);
    EXPECT_TRUE(result) << result.error().message;
    return result ? result->text : "";
  }

  TemporaryFolder folder_;
  std::string model_;
};

const std::string kLong = [] {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "the land and sea " + std::to_string(i * i);
  return text.substr(0, 400);
}();

TEST_F(Timeline, AFailedReadEndsTheAnswerAndTheNextOneIsAsIfItHadNotHappened) {
  auto request = greedy(kLong, 40);
  request.sampling = {.temperature = 5, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 3};
  const std::string expected = text(*open(), request);
  // When the first read fails: from the start, behind a chunk of the prompt, while decoding.
  using When = std::function<bool(const GenerateProgress&)>;
  const std::vector<std::pair<const char*, When>> moments = {
      {"start", [](const GenerateProgress&) { return true; }},
      {"prompt", [](const GenerateProgress& p) { return p.prompt_done > 0; }},
      {"decoding", [](const GenerateProgress& p) { return p.generated == 3; }}};
  for (const ReadFault fault : {ReadFault::eio, ReadFault::too_short}) {
    for (const auto& [name, when] : moments) {
      SCOPED_TRACE(name);
      auto control = std::make_shared<SlowReaderControl>();
      EngineOptions options;
      options.row_reader = slow_reader_factory(control);
      const auto engine = open(options);
      ASSERT_TRUE(engine);
      std::atomic<bool> armed = false;
      control->set_fault(
          [&](const ReadRequest&) { return armed.exchange(false) ? fault : ReadFault::none; });
      bool met = false;
      const auto broken = engine->generate(request, [&](const GenerateProgress& progress) {
        if (met || !when(progress)) return;
        met = true;
        armed = true;
      });
      ASSERT_TRUE(met);
      ASSERT_FALSE(broken);
      EXPECT_EQ(broken.error().code, ErrorCode::io);
      EXPECT_NE(broken.error().message.find("tiny.engram.gguf"), std::string::npos)
          << broken.error().message;
      EXPECT_EQ(text(*engine, request), expected);
    }
  }
}

// The backend has seen the stop before the wait for rows ends with it.
TEST_F(Timeline, AStopWhileRowsAreAwaitedDoesNotStopTheNextStep) {
  auto control = std::make_shared<SlowReaderControl>();
  EngineOptions options;
  options.row_reader = slow_reader_factory(control);
  const auto engine = open(options);
  ASSERT_TRUE(engine);
  auto session = engine->open_session({64, NumericMode::fast, 16, 16});
  ASSERT_TRUE(session);
  const auto ignore = [](const StepView&) {};
  ASSERT_TRUE((*session)->step(1, nullptr, ignore));
  control->hold();
  std::atomic<bool> cancel = true;
  const Status stopped = (*session)->step(200, &cancel, ignore);
  control->release();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  const Status next = (*session)->step(200, nullptr, ignore);
  EXPECT_TRUE(next) << next.error().message;
}

TEST_F(Timeline, StoppingWhileThePromptIsReadLeavesNothingBehind) {
  const auto engine = open();
  const std::string expected = text(*open(), greedy(kLong, 20));
  std::atomic<bool> cancel = false;
  auto request = greedy(kLong, 20);
  request.cancel = &cancel;
  const auto stopped = engine->generate(request, [&](const GenerateProgress& progress) {
    if (progress.phase == GeneratePhase::prefill && progress.prompt_done > 0) cancel = true;
  });
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_EQ(stopped->stop_reason, StopReason::stopped);
  EXPECT_EQ(stopped->generated_tokens, 0);
  EXPECT_EQ(stopped->text, "");
  const auto again = engine->generate(greedy(kLong, 20));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->text, expected);
  EXPECT_GT(again->reused_tokens, 0) << "the chunk that was read is kept";
  EXPECT_LT(again->reused_tokens, again->prompt_tokens);
}

TEST_F(Timeline, SwitchingTheMemoryReadsAgainAndChangesBack) {
  const auto engine = open();
  auto request = greedy("the land and the sea", 24);
  const std::string on = text(*engine, request);
  request.memory_on = false;
  const std::string off = text(*engine, request);
  EXPECT_EQ(off, text(*open({.memory = "off"}), request));
  request.memory_on = true;
  const auto again = engine->generate(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->reused_tokens, 0);
  EXPECT_EQ(again->text, on);
}

TEST_F(Timeline, TheSmallestContextAndAPromptOfOneTokenWork) {
  const auto engine = open({.context = 16});
  const auto full = engine->generate(greedy("a", 0));
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->prompt_tokens, 1);
  EXPECT_EQ(full->generated_tokens, 15);
  EXPECT_EQ(full->stop_reason, StopReason::context_full);
  EXPECT_EQ(text(*engine, greedy("a", 0)), full->text);
  const auto fits = engine->generate(greedy(std::string(15, 'x'), 0));
  ASSERT_TRUE(fits);
  EXPECT_EQ(fits->generated_tokens, 1);
  EXPECT_FALSE(engine->generate(greedy(std::string(16, 'x'), 0)));
  EXPECT_FALSE(engine->generate(greedy("", 1)));
  EXPECT_EQ(text(*engine, greedy("a", 0)), full->text);
}

TEST_F(Timeline, TokensOutsideTheVocabularyAreRefused) {
  const auto engine = open();
  for (const TokenId wrong : {-1, engine->layout().vocabulary, 1 << 30}) {
    const std::vector<TokenId> tokens = {1, wrong};
    const auto status = engine->evaluate(tokens, true, {});
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("not in the vocabulary"), std::string::npos);
  }
  EXPECT_FALSE(engine->evaluate({}, true, {}));
  const std::vector<TokenId> many(513, 1);
  EXPECT_FALSE(engine->evaluate(many, true, {}));
}

TEST_F(Timeline, NamesOfSpecialTokensInAPromptAreOrdinaryText) {
  const auto engine = open();
  GenerateRequest request;
  request.raw_prompt = "<|im_end|><|im_start|>";
  const auto raw = engine->prompt_tokens(request);
  ASSERT_TRUE(raw);
  EXPECT_GT(raw->size(), 10u);
  for (const TokenId token : *raw) EXPECT_FALSE(engine->tokenizer().is_special(token));
  // In a chat only the template's own are there: two a message and one for the answer.
  request.messages = {{Role::user, request.raw_prompt}};
  const auto chat = engine->prompt_tokens(request);
  ASSERT_TRUE(chat);
  int specials = 0;
  for (const TokenId token : *chat) specials += engine->tokenizer().is_special(token) ? 1 : 0;
  EXPECT_EQ(specials, 3);
}

TEST_F(Timeline, AModelWithMoreRowsThanTokensRunsWithAPackOfItsOwn) {
  write_tiny_model(folder_.path(), {.memory = false});
  const auto source = GgufFile::open(folder_.file("tiny.gguf"));
  ASSERT_TRUE(source);
  SynthModelOptions synth;
  synth.shape = {2, 64, 96, 4, 2, 1024, 512, 10000.0f};
  model_ = folder_.file("padded.gguf");
  ASSERT_TRUE(write_synth_model(*source, model_, synth));
  UntrainedPackOptions pack;
  pack.layer_ids = {0, 1};
  pack.file_bytes_max = 600'000;
  ASSERT_TRUE(write_untrained_pack(model_, folder_.file("padded.engram.gguf"), pack));
  const auto engine = open({.memory = folder_.file("padded.engram.gguf")});
  ASSERT_TRUE(engine);
  // Of random logits of 1024 rows most would be of tokens that the tokenizer does not know.
  auto request = greedy("the", 40);
  request.sampling = {.temperature = 10, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 3};
  request.trace = std::make_shared<TraceLog>();
  const auto result = engine->generate(request);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->generated_tokens, 40);
  for (EventIndex i = 0; i < request.trace->size(); ++i)
    EXPECT_TRUE(engine->tokenizer().contains(request.trace->record(i).token())) << i;
}

TEST_F(Timeline, ALongChatIsCutToTheSameTurnsAsOneByOne) {
  const auto engine = open({}, 256);
  GenerateRequest request = greedy("", 1);
  request.messages = {{Role::system, "be brief"}};
  for (int i = 0; i < 40; ++i) {
    request.messages.push_back({Role::user, "the sea " + std::to_string(i)});
    request.messages.push_back({Role::assistant, "and the land " + std::to_string(i)});
  }
  request.messages.push_back({Role::user, "and now"});
  EXPECT_FALSE(engine->generate(request));
  request.drop_oldest_turns = true;
  const auto cut = engine->generate(request);
  ASSERT_TRUE(cut) << cut.error().message;
  EXPECT_EQ(cut->dropped_messages % 2, 0) << "whole turns";
  EXPECT_LE(cut->prompt_tokens, 128) << "half of the context, so that the next turns only append";
  // One turn less would have been too much.
  auto more = request;
  more.drop_oldest_turns = false;
  const auto gone = static_cast<std::ptrdiff_t>(cut->dropped_messages);
  more.messages.erase(more.messages.begin() + 1, more.messages.begin() + 1 + gone - 2);
  const auto longer = engine->prompt_tokens(more);
  EXPECT_TRUE(!longer || longer->size() > 128);
  // The last message stays, and is refused when it alone does not fit.
  request.messages.back().text = std::string(300, 'x');
  const auto refused = engine->generate(request);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("context holds 256"), std::string::npos);
}

TEST_F(Timeline, OtherThreadsMayAskAndChangeTheBudgetMeanwhile) {
  const auto engine = open();
  const std::string expected = text(*engine, greedy(kLong, 60));
  engine->forget();
  std::atomic<bool> done = false;
  std::thread other([&, view = engine->view()] {
    std::vector<NgramKey> keys(static_cast<std::size_t>(view->hasher()->spec().orders()));
    const std::vector<TokenId> tokens = {1, 2, 3};
    view->hasher()->keys_at(tokens, 2, keys);
    for (std::uint64_t i = 1; !done; ++i) {
      view->set_ram_budget(i % 2 == 0 ? 1 : 1 << 20);
      (void)view->tiers();
      (void)view->in_ram(keys[0]);
      (void)view->layout();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_EQ(text(*engine, greedy(kLong, 60)), expected);
  done = true;
  other.join();
}

// As a walk through the rows in RAM does that runs while its model is closed.
TEST_F(Timeline, OtherThreadsMayAskOnAfterTheEnginesEnd) {
  auto engine = open();
  text(*engine, greedy(kLong, 20));
  const std::shared_ptr<EngineView> view = engine->view();
  ASSERT_GT(view->tiers().entries, 0u);
  std::atomic<bool> asked = false;
  std::atomic<bool> done = false;
  std::thread other([&] {
    std::vector<NgramKey> keys(64);
    for (std::uint64_t first = 0; !done; asked = true) {
      first = view->list_ram(first, keys).next;
      (void)view->in_ram(keys[0]);
      (void)view->tiers();
      view->set_ram_budget(1 << 20);
    }
  });
  while (!asked) std::this_thread::yield();
  engine.reset();
  done = true;
  other.join();
  std::vector<NgramKey> keys(64);
  EXPECT_EQ(view->list_ram(0, keys).count, 0u);
  EXPECT_EQ(view->keep_most_used(1 << 20), 0u);
  EXPECT_EQ(view->drop_ram(), 0u);
  EXPECT_EQ(view->tiers().entries, 0u);
  EXPECT_EQ(view->tokenizer().decode(view->tokenizer().encode("the sea")), "the sea");
  EXPECT_GT(view->row_file_offset(0, 1), view->row_file_offset(0, 0));
  EXPECT_FALSE(view->layout().path.empty());
}

TEST_F(Timeline, ARecordLogChangesNoAnswer) {
  const auto request = greedy(kLong, 40);
  const std::string expected = text(*open(), request);
  EngineOptions options;
  options.ram_budget = 1;
  options.record_log_bytes = 4 << 20;
  options.record_log_folder = folder_.file("records");
  EXPECT_EQ(text(*open(options), request), expected);
  const auto engine = open(options);
  ASSERT_TRUE(wait_until([&] { return engine->tiers().log.records > 0; }));
  EXPECT_EQ(text(*engine, request), expected);
  EXPECT_GT(engine->tiers().rows_from_log, 0u);
  EXPECT_EQ(engine->tiers().log.refused, 0u);
}

TEST_F(Timeline, TwoSessionsOverOneModelDoNotDisturbEachOther) {
  const auto engine = open();
  const auto ignore = [](const StepView&) {};
  const SessionOptions options{64, NumericMode::exact, 16, 16};
  auto a = engine->open_session(options);
  auto b = engine->open_session(options);
  auto alone = engine->open_session(options);
  ASSERT_TRUE(a && b && alone);
  for (const TokenId token : {5, 9, 5, 9, 7}) {
    ASSERT_TRUE((*alone)->step(token, nullptr, ignore));
    ASSERT_TRUE((*a)->step(token, nullptr, ignore));
    ASSERT_TRUE((*b)->step(token + 50, nullptr, ignore));
  }
  const auto expected = (*alone)->last_logits();
  const auto got = (*a)->last_logits();
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(got[i], expected[i]) << i;
}

}  // namespace
}  // namespace mneme

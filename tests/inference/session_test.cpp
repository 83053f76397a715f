// SPDX-License-Identifier: Apache-2.0
// One timeline through the engine: any split of a prefix gives the same logits, switches re-read,
// stops and refusals leave the engine usable.
#include "inference/run/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "inference/run/engine.h"
#include "inference/text/tokenizer.h"
#include "tests/support/file_text.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

class EngineTest : public ::testing::Test {
 protected:
  void open(EngineOptions options = {}, const TinyModelOptions& tiny = {}) {
    options.model_path = write_tiny_model(folder_.path(), tiny);
    options.threads = 2;
    auto opened = Engine::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    engine_ = std::move(*opened);
  }

  // Logits after the last of `tokens`, from an empty timeline.
  std::vector<float> logits_of(std::span<const TokenId> tokens, bool memory_on = true) {
    std::vector<float> last;
    const auto status =
        engine_->evaluate(tokens, memory_on, [&](std::int64_t, std::span<const float> logits) {
          last.assign(logits.begin(), logits.end());
        });
    EXPECT_TRUE(status) << status.error().message;
    return last;
  }

  static float distance(std::span<const float> a, std::span<const float> b) {
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(std::isfinite(a[i]) && std::isfinite(b[i])) << i;
      most = std::max(most, std::abs(a[i] - b[i]));
    }
    return most;
  }

  std::vector<TokenId> some_tokens(std::size_t count) {
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < count; ++i)
      tokens.push_back(static_cast<TokenId>((i * 37 + i * i * 11) % 256));
    return tokens;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_;
};

using SessionSplit = EngineTest;

TEST_F(SessionSplit, AnyPrefixReadRewoundAndReadOnGivesTheLogitsOfOneGo) {
  EngineOptions options;
  options.exact = true;
  open(options);
  const std::vector<TokenId> all = some_tokens(40);
  SessionOptions session_options;
  session_options.context = 64;
  session_options.mode = NumericMode::exact;
  session_options.chunk_tokens = 16;
  session_options.outputs_max = 16;
  // A session of its own, over the engine's model, so that it can be driven step by step.
  const std::vector<float> whole = logits_of(all);
  auto driven = engine_->open_session(session_options);
  ASSERT_TRUE(driven) << driven.error().message;
  Session& session = **driven;
  const auto ignore = [](const StepView&) {};
  for (std::int64_t split = 0; split <= 20; ++split) {
    // Read a part and something else behind it, go back to the part, read the rest.
    session.rewind(0);
    std::vector<TokenId> detour(all.begin(), all.begin() + split);
    for (const TokenId token : {3, 1, 4, 1, 5}) detour.push_back(token);
    ASSERT_TRUE(session.sync(detour, false, nullptr, ignore));
    session.rewind(split);
    ASSERT_TRUE(session.sync(all, false, nullptr, ignore));
    EXPECT_LE(distance(session.last_logits(), whole), 1e-4f) << "split " << split;
  }
}

// Sequences of several lengths, which read their prompts in turn and then go on side by side, also
// while one of them reads a prompt: each as though it were alone.
TEST_F(SessionSplit, SequencesOfOneStepAreEachWhatTheyAreAlone) {
  constexpr std::size_t kSequences = 8;
  open();
  for (const NumericMode mode : {NumericMode::exact, NumericMode::fast}) {
    auto opened = engine_->open_session({64, mode, 24, 16, kSequences});
    ASSERT_TRUE(opened) << opened.error().message;
    Session& together = **opened;
    std::vector<std::unique_ptr<Session>> alone;
    const auto ignore = [](const StepView&) {};
    const std::vector<TokenId> tokens = some_tokens(200);
    const auto prompt_of = [&](std::size_t s) {
      return std::span(tokens).subspan(7 * s, 1 + 3 * s);
    };
    for (std::size_t s = 0; s < kSequences; ++s) {
      auto session = engine_->open_session({64, mode, 24, 16});
      ASSERT_TRUE(session);
      alone.push_back(std::move(*session));
      ASSERT_TRUE(alone[s]->sync(prompt_of(s), false, nullptr, ignore));
      ASSERT_TRUE(together.sync(prompt_of(s), false, nullptr, ignore, s));
      EXPECT_TRUE(std::ranges::equal(together.last_logits(), alone[s]->last_logits())) << s;
    }
    for (std::size_t step = 0; step < 6; ++step) {
      std::vector<NextTokens> next;
      for (std::size_t i = 0; i < kSequences; ++i) {
        const std::size_t s = (i * 3 + step) % kSequences;  // in any order
        if (step == 3 && s % 2 == 0) continue;              // some only
        const std::size_t count = step == 4 && s == 5 ? 9 : 1;
        next.push_back({s, std::span(tokens).subspan(10 * step + s, count), count == 9 ? 2 : 1});
      }
      ASSERT_TRUE(together.step(next, nullptr, ignore));
      std::int64_t output = 0;
      std::int64_t token = 0;
      for (const NextTokens& added : next) {
        Session& one = *alone[added.sequence];
        const NextTokens own{0, added.tokens, added.outputs};
        ASSERT_TRUE(one.step({&own, 1}, nullptr, ignore));
        for (std::int64_t o = 0; o < added.outputs; ++o) {
          EXPECT_TRUE(std::ranges::equal(together.logits(output++), one.logits(o)))
              << "step " << step << " sequence " << added.sequence;
        }
        for (std::size_t t = 0; t < added.tokens.size(); ++t, ++token) {
          EXPECT_TRUE(std::ranges::equal(together.gates(0, token),
                                         one.gates(0, static_cast<std::int64_t>(t))));
          EXPECT_TRUE(std::ranges::equal(together.writes(1, token),
                                         one.writes(1, static_cast<std::int64_t>(t))));
        }
        EXPECT_EQ(together.length(added.sequence), one.length());
      }
    }
    together.rewind(2, 3);
    EXPECT_EQ(together.length(3), 2);
    EXPECT_EQ(together.length(4), alone[4]->length());
  }
}

TEST_F(SessionSplit, DecodingTokenByTokenGivesTheLogitsOfPrefill) {
  EngineOptions options;
  options.exact = true;
  open(options);
  const std::vector<TokenId> all = some_tokens(24);
  const std::vector<float> whole = logits_of(all);
  auto driven = engine_->open_session({64, NumericMode::exact, 16, 16});
  ASSERT_TRUE(driven);
  for (const TokenId token : all)
    ASSERT_TRUE((*driven)->step(token, nullptr, [](const StepView&) {}));
  EXPECT_LE(distance((*driven)->last_logits(), whole), 1e-4f);
}

TEST_F(EngineTest, TheMemoryChangesLogitsAndSwitchingItOffRestoresThem) {
  open();
  const std::vector<TokenId> tokens = some_tokens(20);
  const auto on = logits_of(tokens, true);
  const auto off = logits_of(tokens, false);
  EXPECT_GT(distance(on, off), 1e-3f);
  EXPECT_EQ(distance(on, logits_of(tokens, true)), 0.0f);
  open({.memory = "off"});
  EXPECT_EQ(distance(off, logits_of(tokens, false)), 0.0f);
}

TEST_F(EngineTest, GreedyTextIsTheSameTwiceAndReusesThePrefix) {
  open();
  GenerateRequest request;
  request.raw_prompt = "the land and the sea";
  request.sampling.temperature = 0;
  request.max_tokens = 20;
  request.ignore_end = true;
  const auto first = engine_->generate(request);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->generated_tokens, 20);
  EXPECT_EQ(first->stop_reason, StopReason::length);
  EXPECT_EQ(first->reused_tokens, 0);
  const auto second = engine_->generate(request);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, first->text);
  EXPECT_EQ(second->reused_tokens, second->prompt_tokens - 1);
}

TEST_F(EngineTest, ASeedFixesTheTextAndIsReported) {
  open();
  GenerateRequest request;
  request.raw_prompt = "and";
  request.sampling.temperature = 1;
  request.max_tokens = 24;
  request.ignore_end = true;
  const auto first = engine_->generate(request);
  ASSERT_TRUE(first);
  request.sampling.seed = first->seed;
  const auto second = engine_->generate(request);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, first->text);
}

TEST_F(EngineTest, EveryTokenOfAnAnswerHasItsRecord) {
  open();
  GenerateRequest request;
  request.messages = {{Role::system, "be short"}, {Role::user, "the sea"}};
  request.sampling.temperature = 0;
  request.max_tokens = 5;
  request.ignore_end = true;
  request.trace = std::make_shared<TraceLog>();
  const auto result = engine_->generate(request);
  ASSERT_TRUE(result) << result.error().message;
  const TraceLog& trace = *request.trace;
  ASSERT_EQ(trace.size(), static_cast<EventIndex>(result->prompt_tokens + 5));
  EXPECT_EQ(result->reply_first_event, static_cast<EventIndex>(result->prompt_tokens));
  EXPECT_EQ(result->reply_end_event, trace.size());
  std::string user, system;
  for (EventIndex i = 0; i < trace.size(); ++i) {
    const TraceRecord record = trace.record(i);
    EXPECT_EQ(record.header().position, i);
    ASSERT_EQ(record.shape(), (TraceShape{2, 1, 2}));
    for (int layer = 0; layer < 2; ++layer) {
      EXPECT_GT(record.gate(layer, 0), 0.0f) << i;
      EXPECT_LT(record.gate(layer, 0), 1.0f);
    }
    EXPECT_EQ(record.header().sampled, i >= result->reply_first_event ? 1 : 0);
    EXPECT_EQ(record.header().top_count, i >= result->reply_first_event ? kTraceTopTokens : 0);
    const std::string text = engine_->tokenizer().decode(record.token());
    if (record.header().source == TokenSource::user) user += text;
    if (record.header().source == TokenSource::system) system += text;
  }
  EXPECT_EQ(user, "the sea");
  EXPECT_EQ(system, "be short");
  // Greedy: the picked token is the most probable one.
  const TraceRecord last = trace.record(trace.size() - 1);
  EXPECT_EQ(last.header().top_tokens[0], last.token());
}

TEST_F(EngineTest, ASecondTurnRecordsOnlyWhatIsNew) {
  open();
  auto trace = std::make_shared<TraceLog>();
  GenerateRequest request;
  request.messages = {{Role::user, "the sea"}};
  request.sampling.temperature = 0;
  request.max_tokens = 4;
  request.trace = trace;
  const auto first = engine_->generate(request);
  ASSERT_TRUE(first);
  const EventIndex before = trace->size();
  request.messages.push_back({Role::assistant, first->text});
  request.messages.push_back({Role::user, "and the land"});
  request.record_from_message = 2;
  engine_->forget();  // as after a restart: everything is read again, old tokens are not recorded
  const auto second = engine_->generate(request);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->reused_tokens, 0);
  std::string user;
  for (EventIndex i = before; i < trace->size(); ++i) {
    const TraceRecord record = trace->record(i);
    if (record.header().source == TokenSource::user)
      user += engine_->tokenizer().decode(record.token());
  }
  EXPECT_EQ(user, "and the land");
}

TEST_F(EngineTest, PromptProbabilitiesAreThereOnRequest) {
  open();
  GenerateRequest request;
  request.raw_prompt = "the land and the sea";
  request.max_tokens = 1;
  request.prompt_probabilities = true;
  request.trace = std::make_shared<TraceLog>();
  ASSERT_TRUE(engine_->generate(request));
  EXPECT_EQ(request.trace->record(0).header().top_count, 0);  // nothing comes before it
  for (EventIndex i = 1; i < request.trace->size(); ++i) {
    EXPECT_EQ(request.trace->record(i).header().top_count, kTraceTopTokens) << i;
    EXPECT_LT(request.trace->record(i).header().log_prob, 0.0f);
  }
}

TEST_F(EngineTest, AFullContextStopsTheAnswerAndATooLongPromptIsRefusedOrCut) {
  TinyModelOptions tiny;
  tiny.context = 64;
  open({}, tiny);
  GenerateRequest request;
  request.messages = {{Role::user, "the sea"}};
  request.ignore_end = true;
  const auto full = engine_->generate(request);
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->stop_reason, StopReason::context_full);
  EXPECT_EQ(full->prompt_tokens + full->generated_tokens, 64);

  request.messages = {
      {Role::user, std::string(30, 'x')}, {Role::assistant, "y"}, {Role::user, "z"}};
  request.max_tokens = 2;
  const auto refused = engine_->generate(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid);
  EXPECT_NE(refused.error().message.find("context holds 64"), std::string::npos)
      << refused.error().message;
  request.drop_oldest_turns = true;
  const auto cut = engine_->generate(request);
  ASSERT_TRUE(cut) << cut.error().message;
  EXPECT_EQ(cut->dropped_messages, 2);
}

// Wherever they stand, megabytes are not cut into tokens only to be refused.
TEST_F(EngineTest, AnyTextOfMegabytesIsRefusedOnceItHasTooManyTokens) {
  TinyModelOptions tiny;
  tiny.context = 64;
  open({}, tiny);
  const auto expect_refused = [&](const GenerateRequest& request, const char* words) {
    const auto refused = engine_->generate(request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.find(words), 0u) << refused.error().message;
  };
  for (const char* text : {" ", "x", "the sea\n", "\t", "\u00e9"}) {
    std::string megabytes;
    while (megabytes.size() < 10'000'000) megabytes += text;
    const char* const words =
        "the prompt has at least 129 tokens, but the context holds 64: shorten it by at least 66";
    GenerateRequest raw;
    raw.raw_prompt = megabytes;
    expect_refused(raw, words);
    GenerateRequest chat;
    chat.drop_oldest_turns = true;
    chat.messages = {{Role::user, "a"}, {Role::assistant, "b"}, {Role::user, megabytes}};
    expect_refused(chat, words);
    chat.messages = {{Role::system, megabytes}, {Role::user, "a"}};
    expect_refused(chat, words);
    // What can be left out is.
    chat.messages = {{Role::user, megabytes}, {Role::assistant, "b"}, {Role::user, "a"}};
    chat.max_tokens = 1;
    const auto answer = engine_->generate(chat);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->dropped_messages, 2);
  }
  // What is not far from fitting is counted.
  GenerateRequest near;
  near.raw_prompt = std::string(100, 'x');
  expect_refused(near, "the prompt has 100 tokens, but the context holds 64: shorten it by 37 or");
  near.raw_prompt = std::string(128, 'x');
  expect_refused(near, "the prompt has 128 tokens");
}

TEST_F(EngineTest, StopFromAnotherThreadEndsTheAnswerAndKeepsTheEngine) {
  open();
  GenerateRequest request;
  request.raw_prompt = "the";
  request.ignore_end = true;
  std::atomic<bool> cancel = false;
  request.cancel = &cancel;
  const auto result = engine_->generate(request, [&](const GenerateProgress& progress) {
    if (progress.generated == 3) std::thread([&] { cancel = true; }).join();
  });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->stop_reason, StopReason::stopped);
  EXPECT_EQ(result->generated_tokens, 3);
  const auto at_once = engine_->generate(request);  // a stop before the start is not forgotten
  ASSERT_TRUE(at_once);
  EXPECT_EQ(at_once->stop_reason, StopReason::stopped);
  EXPECT_EQ(at_once->generated_tokens, 0);
  cancel = false;
  request.max_tokens = 2;
  const auto again = engine_->generate(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->stop_reason, StopReason::length);
}

TEST_F(EngineTest, RefusesWhatItCannotRunByName) {
  EngineOptions options;
  options.model_path = folder_.file("missing.gguf");
  auto missing = Engine::open(options);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("missing.gguf"), std::string::npos);

  options.model_path = write_tiny_model(folder_.path());
  options.context = 100000;
  EXPECT_FALSE(Engine::open(options));
  options.context = 0;
  options.memory = options.model_path;  // a model is not a pack
  auto wrong = Engine::open(options);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("not a memory pack"), std::string::npos)
      << wrong.error().message;
  options.memory = "";
  options.model_path = folder_.file("tiny.engram.gguf");  // and a pack is not a model
  auto pack = Engine::open(options);
  ASSERT_FALSE(pack);
  EXPECT_NE(pack.error().message.find("memory pack"), std::string::npos) << pack.error().message;
}

TEST_F(EngineTest, AModelThatIsCutAnywhereIsRefused) {
  const std::string path = write_tiny_model(folder_.path(), {.memory = false});
  const std::string bytes = file_text(path);
  EngineOptions options;
  options.model_path = folder_.file("cut.gguf");
  for (std::size_t part = 0; part < 40; ++part) {
    std::ofstream(options.model_path, std::ios::binary)
        << bytes.substr(0, bytes.size() * part / 40);
    const auto opened = Engine::open(options);
    ASSERT_FALSE(opened) << part;
    EXPECT_FALSE(opened.error().message.empty());
  }
}

TEST_F(EngineTest, TheEstimateCountsEveryPartAndGrowsWithTheContext) {
  EngineOptions options;
  options.model_path = write_tiny_model(folder_.path());
  options.ram_budget = 12345678;
  options.context = 128;
  const auto small = estimate_memory(options);
  ASSERT_TRUE(small) << small.error().message;
  const std::uint64_t file_bytes = std::filesystem::file_size(options.model_path);
  EXPECT_GT(small->weights_bytes, file_bytes);  // the pack's projections too
  EXPECT_GT(small->repacked_bytes, file_bytes / 4);
  EXPECT_LE(small->repacked_bytes, file_bytes);
  EXPECT_EQ(small->layers(), 2);
  for (std::int64_t layers = 1; layers <= 2; ++layers) {
    EXPECT_GT(small->device_bytes(layers), layers == 1 ? 0 : small->device_bytes(layers - 1));
  }
  EXPECT_EQ(small->row_cache_bytes, 12345678u);
  EXPECT_GT(small->free_bytes, 0u);
  EXPECT_EQ(small->needed(), small->weights_bytes + small->repacked_bytes + small->kv_bytes +
                                 small->scratch_bytes + small->row_cache_bytes);
  options.context = 256;
  const auto large = estimate_memory(options);
  ASSERT_TRUE(large);
  EXPECT_EQ(large->kv_bytes, 2 * small->kv_bytes);
  options.memory = "off";
  const auto off = estimate_memory(options);
  ASSERT_TRUE(off);
  EXPECT_EQ(off->weights_bytes, file_bytes);
  EXPECT_EQ(off->row_cache_bytes, 0u);
  EXPECT_LT(off->kv_bytes, large->kv_bytes);
  options.model_path = folder_.file("missing.gguf");
  EXPECT_FALSE(estimate_memory(options));
}

TEST_F(EngineTest, CancellingTheLoadSaysSo) {
  EngineOptions options;
  options.model_path = write_tiny_model(folder_.path());
  const std::atomic<bool> cancel = true;
  auto opened = Engine::open(options, {}, &cancel);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace mneme

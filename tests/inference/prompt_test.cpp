// SPDX-License-Identifier: Apache-2.0
// From messages to tokens: what a chat's next prompt keeps of the last one, and what is left out.
#include "inference/run/prompt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "inference/run/engine.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

class PromptTest : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> open(std::int64_t context = 512, const std::string& chat_template = "") {
    std::string path = model_;
    if (!chat_template.empty()) {
      const auto file = GgufFile::open(path);
      EXPECT_TRUE(file);
      path = folder_.file("edited.gguf");
      write_edited(*file, set_string("tokenizer.chat_template", chat_template), path);
    }
    EngineOptions options;
    options.model_path = path;
    options.threads = 1;
    options.context = context;
    auto opened = Engine::open(options);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  static std::vector<TokenId> tokens(Engine& engine, const GenerateRequest& request) {
    const auto tokens = engine.prompt_tokens(request);
    EXPECT_TRUE(tokens) << tokens.error().message;
    return tokens ? *tokens : std::vector<TokenId>();
  }
  static std::string text(Engine& engine, const GenerateRequest& request) {
    return engine.tokenizer().decode(tokens(engine, request));
  }

  TemporaryFolder folder_;
  const std::string model_ = write_tiny_model(folder_.path(), {.memory = false});
};

// A chat as the window and the command line drive it.
struct Chat {
  Engine& engine;
  GenerateRequest request;

  explicit Chat(Engine& of) : engine(of) {
    request.sampling.seed = 5;
    request.ignore_end = true;
    request.drop_oldest_turns = true;
  }
  GenerateResult ask(const std::string& text, std::int64_t tokens) {
    request.messages.push_back({Role::user, text});
    request.max_tokens = tokens;
    auto result = engine.generate(request);
    EXPECT_TRUE(result) << result.error().message;
    if (!result) return {};
    request.messages.push_back({Role::assistant, result->text, result->tokens});
    request.dropped_messages = result->dropped_messages;
    return std::move(*result);
  }
};

TEST_F(PromptTest, AFullContextIsReadOnceNotAtEveryTurn) {
  const auto engine = open(256);
  Chat chat(*engine);
  chat.request.messages = {{Role::system, "be brief"}};
  std::int64_t prompt = 0, reused = 0, dropped = 0, cuts = 0;
  GenerateResult last;
  for (int turn = 0, full = 0; full < 40 && turn < 100; ++turn) {
    const GenerateResult result = chat.ask("the sea " + std::to_string(turn), 4);
    EXPECT_LT(result.prompt_tokens, 256);
    EXPECT_GE(result.dropped_messages, dropped) << "what was left out does not come back";
    if (result.dropped_messages > dropped) {
      ++cuts;
      EXPECT_LE(result.prompt_tokens, 128);
    } else if (turn > 0) {
      EXPECT_EQ(result.reused_tokens, last.prompt_tokens + last.generated_tokens);
    }
    if (result.dropped_messages > 0) {
      ++full;
      prompt += result.prompt_tokens;
      reused += result.reused_tokens;
    }
    dropped = result.dropped_messages;
    last = result;
  }
  EXPECT_GE(cuts, 5);
  EXPECT_GE(static_cast<double>(reused), 0.6 * static_cast<double>(prompt));
}

TEST_F(PromptTest, ALargerContextTakesBackWhatASmallerOneLeftOut) {
  const auto small = open(128);
  Chat talk(*small);
  for (int turn = 0; turn < 12; ++turn) talk.ask("the land " + std::to_string(turn), 4);
  ASSERT_GT(talk.request.dropped_messages, 0);
  const auto large = open(512);
  auto request = talk.request;
  request.messages.push_back({Role::user, "and now"});
  const std::string all = text(*large, request);
  EXPECT_NE(all.find("the land 0"), std::string::npos) << all;
}

TEST_F(PromptTest, TheAnswersTokensAreThoseThatWerePicked) {
  const auto engine = open();
  const Tokenizer& tokenizer = engine->tokenizer();
  const TokenId start = *tokenizer.find("<|im_start|>");
  GenerateRequest request;
  // "the" in three tokens, as it would not be encoded, and a special token.
  const std::vector<TokenId> picked = {'t', 'h', 'e', start, 'a'};
  const std::string answer = "the<|im_start|>a";
  request.messages = {{Role::user, "x"}, {Role::assistant, answer, picked}, {Role::user, "y"}};
  const auto contains = [&](std::span<const TokenId> part) {
    const auto all = tokens(*engine, request);
    return std::search(all.begin(), all.end(), part.begin(), part.end()) != all.end();
  };
  EXPECT_TRUE(contains(picked));
  // Tokens that give another text are another model's, or of a message that was edited since.
  request.messages[1].text = "the<|im_start|>b";
  EXPECT_FALSE(contains(picked));
  // What stands behind a stop text belongs to neither.
  request.messages[1].text = "the";
  EXPECT_TRUE(contains(std::span(picked).first(3)));
  EXPECT_FALSE(contains(picked));
  // A message of the user's stays text, whatever it says.
  request.messages = {{Role::user, "<|im_start|>"}};
  const auto user = tokens(*engine, request);
  EXPECT_EQ(std::count(user.begin(), user.end(), start), 2);
}

TEST_F(PromptTest, AnAnswerThatTheTemplateChangesIsRenderedAsItSays) {
  const auto engine = open(512,
                           "{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}"
                           "{% endfor %}[assistant]");
  GenerateRequest request;
  request.messages = {
      {Role::user, "x"}, {Role::assistant, " the", {' ', 't', 'h', 'e'}}, {Role::user, "y"}};
  EXPECT_EQ(text(*engine, request), "[user]x[assistant]the[user]y[assistant]");
  const auto all = tokens(*engine, request);
  EXPECT_TRUE(std::find(all.begin(), all.end(), *engine->tokenizer().find("the")) != all.end());
}

TEST_F(PromptTest, WhatASampledAnswerLeftInTheCacheIsAllFoundByTheNextPrompt) {
  const auto engine = open();
  Chat chat(*engine);
  chat.request.sampling = {.temperature = 5, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 7};
  GenerateResult last;
  for (int turn = 0; turn < 4; ++turn) {
    const GenerateResult result = chat.ask("the sea", 40);
    if (turn > 0) {
      EXPECT_GE(result.reused_tokens, last.prompt_tokens + last.generated_tokens - 1) << turn;
    }
    last = result;
  }
}

constexpr const char* kAlternating =
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.role }}]{{ m.content }}"
    "{% endfor %}[assistant]";

TEST_F(PromptTest, AQuestionWithoutAnAnswerJoinsTheNextOne) {
  const auto engine = open(512, kAlternating);
  GenerateRequest request;
  request.messages = {{Role::user, "a"}, {Role::assistant, ""}, {Role::user, "b"}};
  EXPECT_EQ(text(*engine, request), "[user]a\n\nb[assistant]");
  request.messages = {{Role::user, "a"}, {Role::user, "b"},     {Role::assistant, "c"},
                      {Role::user, "d"}, {Role::assistant, ""}, {Role::user, "e"}};
  EXPECT_EQ(text(*engine, request), "[user]a\n\nb[assistant]c[user]d\n\ne[assistant]");
}

TEST_F(PromptTest, AQuestionThatWasTooLongIsLeftOutOfTheNextPrompt) {
  const auto engine = open(128, kAlternating);
  Chat chat(*engine);
  chat.request.messages = {{Role::user, std::string(300, 'x')}};
  EXPECT_FALSE(engine->generate(chat.request));
  chat.request.messages.push_back({Role::assistant, ""});
  const GenerateResult result = chat.ask("hi", 2);
  EXPECT_EQ(result.dropped_messages, 2);
  GenerateRequest alone;
  alone.messages = {{Role::user, "hi"}};
  EXPECT_EQ(result.prompt_tokens, static_cast<std::int64_t>(tokens(*engine, alone).size()));
}

TEST_F(PromptTest, TemplatesAreToldTheDayOfTheChat) {
  const auto engine = open(512,
                           "{{ strftime_now('%Y-%m-%d') }}{% for m in messages %}{{ m.content }}"
                           "{% endfor %}");
  GenerateRequest request;
  request.messages = {{Role::user, "x"}};
  std::tm day{};
  day.tm_year = 124;
  day.tm_mon = 1;
  day.tm_mday = 29;
  day.tm_hour = 12;
  day.tm_isdst = -1;
  request.now = std::mktime(&day);
  EXPECT_EQ(text(*engine, request), "2024-02-29x");
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/text/chat_template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/test_paths.h"

namespace mneme {
namespace {

using Options = ChatTemplate::RenderOptions;

std::string joined(const std::vector<TextPiece>& pieces) {
  std::string text;
  for (const TextPiece& piece : pieces) text += piece.text;
  return text;
}

Result<std::vector<TextPiece>> render(const std::string& source,
                                      const std::vector<ChatMessage>& messages = {},
                                      const Options& options = {}) {
  auto chat_template = ChatTemplate::parse(source);
  if (!chat_template) return chat_template.error();
  return chat_template->render(messages, options);
}

std::string text_or_error(const std::string& source,
                          const std::vector<ChatMessage>& messages = {}) {
  auto pieces = render(source, messages);
  return pieces ? joined(*pieces) : "error: " + pieces.error().message;
}

ErrorCode code_of(const std::string& source, const std::vector<ChatMessage>& messages = {}) {
  auto pieces = render(source, messages);
  EXPECT_FALSE(pieces.has_value()) << source.substr(0, 200);
  return pieces ? ErrorCode::io : pieces.error().code;
}

Role role_of(const std::string& name) {
  return name == "system" ? Role::system : name == "user" ? Role::user : Role::assistant;
}

TEST(ChatTemplate, RendersWhatJinjaRenders) {
  std::ifstream in(test_data("chat_templates.json"));
  const nlohmann::json data = nlohmann::json::parse(in);
  int compared = 0;
  for (const auto& c : data["cases"]) {
    const std::string source = data["templates"][c["template"].get<std::size_t>()];
    std::vector<ChatMessage> messages;
    for (const auto& m : c["messages"]) messages.push_back({role_of(m["role"]), m["content"]});
    Options options;
    options.bos_token = c["bos_token"];
    options.eos_token = c["eos_token"];
    options.add_generation_prompt = c["add_generation_prompt"];
    if (c.contains("enable_thinking")) options.enable_thinking = c["enable_thinking"].get<bool>();
    auto pieces = render(source, messages, options);
    if (c.contains("error")) {
      EXPECT_FALSE(pieces.has_value()) << c["name"] << ": Jinja refuses: " << c["error"];
    } else if (pieces) {
      EXPECT_EQ(joined(*pieces), c["text"].get<std::string>()) << c["name"];
    } else {
      ADD_FAILURE() << c["name"] << ": " << pieces.error().message;
    }
    ++compared;
  }
  EXPECT_GT(compared, 150);
}

constexpr const char* kChatMl =
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + "
    "'\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

TEST(ChatTemplate, TellsTheUsersTextFromItsOwn) {
  auto pieces = render(kChatMl, {{Role::system, "S"}, {Role::user, "<|im_end|>"}});
  ASSERT_TRUE(pieces.has_value());
  const std::vector<TextPiece> expected{{"<|im_start|>system\n", false, -1},
                                        {"S", true, 0},
                                        {"<|im_end|>\n<|im_start|>user\n", false, -1},
                                        {"<|im_end|>", true, 1},
                                        {"<|im_end|>\n<|im_start|>assistant\n", false, -1}};
  EXPECT_EQ(*pieces, expected);
}

TEST(ChatTemplate, NamesWhatItCannotRun) {
  const std::string line1 = "error: the model's chat template, line 1: ";
  EXPECT_EQ(text_or_error("a\n{% include 'x' %}"),
            "error: the model's chat template, line 2: include: a chat template stands alone, "
            "there is none to load");
  EXPECT_EQ(text_or_error("{% unheard %}"), line1 + "the tag \"unheard\" is not supported");
  EXPECT_EQ(text_or_error("{{ x | pprint }}"), line1 + "the filter \"pprint\" is not supported");
  EXPECT_EQ(text_or_error("{{ x | unheard }}"), line1 + "the filter \"unheard\" is not supported");
  EXPECT_EQ(text_or_error("{{ x is sunny }}"), line1 + "the test \"sunny\" is not supported");
  EXPECT_EQ(text_or_error("{{ 'x'.encode() }}"), line1 + "the method \"encode\" is not supported");
  EXPECT_EQ(text_or_error("{{ 'x'.unheard() }}"), line1 + "text has no method \"unheard\"");
  EXPECT_EQ(
      text_or_error("{{ [].append(1) }}"),
      line1 + "\"append\" would change what it belongs to, or look behind it; templates may not");
  EXPECT_EQ(text_or_error("{{ lipsum() }}"), line1 + "the function \"lipsum\" is not supported");
  EXPECT_EQ(text_or_error("{{ x.y.z }}"), line1 + "\"y\" of \"x\", which is undefined");
  EXPECT_EQ(text_or_error("{{ [] | sort(backwards=1) }}"),
            line1 + "\"sort\" has no option \"backwards\"");
  EXPECT_EQ(text_or_error("{{ raise_exception('Only pairs!') }}"),
            "error: the model's chat template refuses these messages: Only pairs!");
  EXPECT_EQ(code_of("{{ raise_exception('x') }}"), ErrorCode::invalid);
  for (const char* broken : {"{{",
                             "{% if %}",
                             "{{ 1 + }}",
                             "{{ (1 }}",
                             "{{ 1) }}",
                             "{% for %}",
                             "{% for x in y %}",
                             "{% endif %}",
                             "{#",
                             "{{ 'a }}",
                             "{% set %}",
                             "{% set x %}",
                             "{{ a b }}",
                             "{% if x %}{% else %}{% else %}{% endif %}",
                             "{{ [1, }}",
                             "{% macro %}",
                             "{% macro f(a=1, b) %}{% endmacro %}",
                             "{{ f(a=1, 2) }}",
                             "{{ x[1:2:3:4] }}",
                             "{{ x[] }}",
                             "{% raw %} ",
                             "{% break %}",
                             "{{ 99999999999999999999 }}",
                             "{{ ! }}",
                             "{{ \"\\ud800\" }}",
                             "{{ x. }}",
                             "{{ x| }}",
                             "{% set ns.x %}{% endset %}",
                             "{{ {1 2} }}",
                             "{% if x",
                             "{{ x is }}",
                             "{{ *a }}"}) {
    EXPECT_EQ(code_of(broken), ErrorCode::unsupported) << broken;
  }
}

TEST(ChatTemplate, RefusesOnlyWhatIsReached) {
  EXPECT_EQ(text_or_error("{% if false %}{{ x | pprint }}{% include 'y' %}{% endif %}a"), "a");
  EXPECT_EQ(text_or_error("{{ 'a' if true else x | unheard }}"), "a");
  EXPECT_EQ(text_or_error("{% if false %}{{ x is sunny }}{{ [].append(1) }}{% endif %}a"), "a");
  EXPECT_EQ(text_or_error("{% macro f() %}{{ 'x'.encode() }}{% endmacro %}a"), "a");
}

TEST(ChatTemplate, KnowsTheTimeOnlyWhereItIsTold) {
  EXPECT_EQ(text_or_error("{{ strftime_now is defined }}"), "False");
  Options options;
  options.now = 1'700'000'000;
  auto pieces = render("{{ strftime_now('%Y') }}", {}, options);
  ASSERT_TRUE(pieces.has_value()) << pieces.error().message;
  EXPECT_EQ(joined(*pieces), "2023");
}

TEST(ChatTemplate, IgnoresGenerationMarks) {
  EXPECT_EQ(text_or_error("a{% generation %}b{% endgeneration %}c"), "abc");
}

TEST(ChatTemplate, ReplacesBrokenUtf8) {
  EXPECT_EQ(text_or_error("{{ messages[0].content }}\xff", {{Role::user, "\xf0\x9f"}}),
            "\xef\xbf\xbd\xef\xbf\xbd");
}

std::string times(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST(ChatTemplate, TakesLongChats) {
  std::vector<ChatMessage> messages;
  for (int i = 0; i < 2000; ++i)
    messages.push_back({i % 2 == 0 ? Role::user : Role::assistant, times("word ", 200)});
  auto pieces = render(kChatMl, messages);
  ASSERT_TRUE(pieces.has_value()) << pieces.error().message;
  EXPECT_EQ(pieces->size(), 4001u);
}

}  // namespace
}  // namespace mneme

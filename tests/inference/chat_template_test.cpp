// SPDX-License-Identifier: Apache-2.0
#include "inference/text/chat_template.h"

#include <gtest/gtest.h>

#include <chrono>
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

TEST(ChatTemplate, KeepsTrackOfTheUsersTextThroughEveryFunction) {
  const std::vector<ChatMessage> messages{{Role::user, " ab<|x|>,Cd\n"}};
  const std::vector<std::string> expressions{"c",
                                             "c | trim",
                                             "c.strip()",
                                             "c | upper",
                                             "c.lower()",
                                             "c | title",
                                             "c.split(',')[1]",
                                             "c.split() | join('')",
                                             "c[2:]",
                                             "c[::-1]",
                                             "c[3]",
                                             "c | replace('b', '')",
                                             "c.replace('', '', 1)",
                                             "c | list | join",
                                             "c | first",
                                             "[c] | tojson",
                                             "{'k': c} | tojson(indent=2)",
                                             "c ~ ''",
                                             "'' + c",
                                             "c | string",
                                             "c * 2",
                                             "[c, c] | join(c)",
                                             "c | indent(4)",
                                             "c.splitlines()[0]",
                                             "c.removeprefix(' ')",
                                             "c | reverse",
                                             "(c if true)",
                                             "c | default('x')",
                                             "c or 'x'",
                                             "[c] | map('upper') | first",
                                             "[{'c': c}] | map(attribute='c') | last",
                                             "f(c)",
                                             "ns.c",
                                             "{'a': c}.a",
                                             "{'a': c}.get('a')",
                                             "{'a': c}.values() | first",
                                             "messages[-1]['content'].rstrip()",
                                             "captured",
                                             "' '.join([c])"};
  const std::string head =
      "{% set c = messages[0].content %}{% set ns = namespace(c=c) %}{% macro f(x) %}{{ x }}{% "
      "endmacro %}"
      "{% set captured %}{{ c }}{% endset %}";
  for (const std::string& expression : expressions) {
    auto pieces = render(head + "{{ " + expression + " }}", messages);
    ASSERT_TRUE(pieces.has_value()) << expression << ": " << pieces.error().message;
    std::string user;
    std::string own;
    for (const TextPiece& piece : *pieces) (piece.user ? user : own) += piece.text;
    EXPECT_FALSE(user.empty()) << expression;
    // Nothing that came from the message may pass for the template's.
    EXPECT_EQ(own.find_first_of("abCd<|>"), std::string::npos)
        << expression << " gives away " << own;
  }
}

TEST(ChatTemplate, NamesWhatItCannotRun) {
  EXPECT_EQ(text_or_error("a\n{% include 'x' %}"),
            "error: the model's chat template, line 2: the tag \"include\" is not supported");
  EXPECT_EQ(text_or_error("{{ x | pprint }}"),
            "error: the model's chat template, line 1: the filter \"pprint\" is not supported");
  EXPECT_EQ(text_or_error("{{ x is sunny }}"),
            "error: the model's chat template, line 1: the test \"sunny\" is not supported");
  EXPECT_EQ(text_or_error("{{ x.__class__() }}"),
            "error: the model's chat template, line 1: the method \"__class__\" is not supported");
  EXPECT_EQ(text_or_error("{{ lipsum() }}"),
            "error: the model's chat template, line 1: the function \"lipsum\" is not supported");
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
                             "{% raw %}",
                             "{% break %}",
                             "{{ 99999999999999999999 }}",
                             "{{ ! }}",
                             "{{ \"\\ud800\" }}",
                             "{{ x. }}",
                             "{{ x| }}",
                             "{% set ns.x %}{% endset %}",
                             "{{ a ** 2 }}",
                             "{{ {1 2} }}",
                             "{% if x",
                             "{{ x is }}",
                             "{{ *a }}"}) {
    EXPECT_EQ(code_of(broken), ErrorCode::unsupported) << broken;
  }
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

TEST(ChatTemplate, BoundsHostileTemplates) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> hostile{
      "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
      "{{ 'a' * 99999999999 }}",
      "{{ range(1000000000) }}",
      "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s=[]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(39) %}{% set ns.s = [ns.s, ns.s] %}{% "
      "endfor %}{{ ns.s == "
      "ns.s }}{{ ns.s | tojson }}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f(n) %}{% for i in range(99) %}{{ g(n) }}{% endfor %}{% endmacro %}{% macro g(n) "
      "%}{% for i in "
      "range(99) %}{{ f(n) }}{% endfor %}{% endmacro %}{{ f(1) }}",
      "{% set s = 'a' * 400000 %}{% for i in range(9999) %}{{ 'b' in s }}{% endfor %}",
      "{% set s = 'a' * 400000 %}{% for i in range(99) %}{% if (s ~ 'b') in (s ~ s) %}{% endif "
      "%}{% endfor %}",
      "{% set s = 'a' * 400000 %}{{ s.replace('', s) }}",
      "{% set s = 'a' * 4000000 %}{{ s | list | length }}",
      "{% set s = 'a' * 1000000 %}{% for i in range(999) %}{{ s.split('a') | length }}{% endfor %}",
      "{{ " + times("(", 5000) + "1" + times(")", 5000) + " }}",
      "{{ " + times("not ", 20000) + "1 }}",
      "{{ " + times("-", 20000) + "1 }}",
      "{{ 1" + times(" + 1", 20000) + " }}",
      "{{ a" + times(".b", 20000) + " }}",
      "{{ a" + times("|trim", 20000) + " }}",
      "{{ " + times("[", 20000) + times("]", 20000) + " }}",
      times("{% if 1 %}", 5000) + times("{% endif %}", 5000),
      times("{% for i in [1] %}", 5000) + times("{% endfor %}", 5000),
      times("{{ 1 if 1 else ", 20000),
      "{{ " + times("1 if 1 else ", 20000) + "1 }}",
      times("a", 600 * 1024),
  };
  for (const std::string& source : hostile) {
    auto pieces = render(source);
    EXPECT_FALSE(pieces.has_value()) << source.substr(0, 100);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_LT(elapsed.count(), 120.0);  // without bounds: never
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

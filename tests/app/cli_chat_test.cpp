// SPDX-License-Identifier: Apache-2.0
// mneme-cli chat line by line: what is sent, what is refused and goes on, where an answer stops.
#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/app/cli_fixture.h"

namespace mneme {
namespace {

class CliChat : public Cli {
 protected:
  void SetUp() override { model_ = write_tiny_model(folder_.path(), {.memory = false}); }

  ProgramEnd run(const std::string& command, const Arguments& more, const std::string& input) {
    Arguments all = {command, "-m", model_, "-t", "1", "--temp", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return Cli::run(std::move(all), input);
  }
  static std::vector<Json> lines(const std::string& text) {
    std::vector<Json> found;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) found.push_back(Json::parse(line));
    return found;
  }
};

TEST_F(CliChat, ALineMayEndAsOnAnotherSystemAndAnEmptyOneIsNotSent) {
  const ProgramEnd end = run("chat", {"-n", "1", "--json"}, "hello\r\n\r\n  \t\nagain\r\n");
  EXPECT_EQ(end.code, 0) << end.err;
  const auto answers = lines(end.out);
  ASSERT_EQ(answers.size(), 2u);
  const ProgramEnd plain = run("chat", {"-n", "1", "--json"}, "hello\nagain\n");
  EXPECT_EQ(answers[1]["prompt_tokens"], lines(plain.out)[1]["prompt_tokens"]);
}

TEST_F(CliChat, JsonHasTheTokensOfPromptAndReply) {
  const auto answers = lines(run("chat", {"-n", "4", "--json"}, "hello\nagain\n").out);
  ASSERT_EQ(answers.size(), 2u);
  for (const Json& answer : answers) {
    const std::size_t prompt = answer["prompt_tokens"], generated = answer["generated_tokens"];
    EXPECT_EQ(answer["tokens"].size(), prompt + generated);
  }
  // The second prompt has the first question and its answer.
  const auto first = answers[0]["tokens"].get<std::vector<int>>();
  const auto second = answers[1]["tokens"].get<std::vector<int>>();
  ASSERT_GT(second.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), second.begin()));
}

TEST_F(CliChat, ALineThatDoesNotFitIsSaidAndTheChatGoesOn) {
  const ProgramEnd end = run("chat", {"-n", "3", "--ctx", "128", "--json"},
                             "hello\n" + std::string(400, 'x') + "\nagain\n");
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(lines(end.out).size(), 2u);
  EXPECT_NE(end.err.find("context holds 128"), std::string::npos) << end.err;
  EXPECT_EQ(end.err.find('\n'), end.err.size() - 1) << "said once";
}

TEST_F(CliChat, ALineThatIsNoTextIsSaidAndTheChatGoesOn) {
  const ProgramEnd end = run("chat", {"-n", "1", "--json"}, "hello\nb\xff\nagain\n");
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(lines(end.out).size(), 2u);
  EXPECT_NE(end.err.find("its byte 2 is 0xff"), std::string::npos) << end.err;
}

TEST_F(CliChat, LinesOfMegabytesAreSaidAndTheChatGoesOn) {
  const ProgramEnd end = run(
      "chat", {"-n", "1", "--ctx", "128", "--json"},
      "hello\n" + std::string(3'000'000, 'x') + "\n" + std::string(70'000'000, 'y') + "\nagain");
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(lines(end.out).size(), 2u);
  EXPECT_NE(end.err.find("at least 257 tokens, but the context holds 128"), std::string::npos)
      << end.err;
  EXPECT_NE(end.err.find("the line is larger than 64 MiB"), std::string::npos) << end.err;
  EXPECT_EQ(std::ranges::count(end.err, '\n'), 2) << end.err;
}

TEST_F(CliChat, AFullContextKeepsWhatWasRead) {
  std::string input;
  for (int i = 10; i < 40; ++i) input += "Q" + std::to_string(i) + "\n";
  const ProgramEnd end = run("chat", {"-n", "2", "--ctx", "256", "--json"}, input);
  ASSERT_EQ(end.code, 0) << end.err;
  const auto answers = lines(end.out);
  ASSERT_EQ(answers.size(), 30u);
  double prompt = 0, reused = 0;
  int read_again = 0;
  for (std::size_t i = 10; i < 30; ++i) {
    const double all = answers[i]["prompt_tokens"], kept = answers[i]["reused_tokens"];
    prompt += all;
    reused += kept;
    read_again += kept < all / 2 ? 1 : 0;
  }
  EXPECT_GE(reused, 0.5 * prompt);  // turns are an eighth of this context
  EXPECT_GE(read_again, 1);
  EXPECT_LE(read_again, 7);
}

TEST_F(CliChat, AnAnswerEndsInFrontOfAStopText) {
  const Json whole = Json::parse(
      run("complete", {"-n", "24", "--repeat-penalty", "2", "-p", "the sea", "--json"}, "").out);
  const std::string text = whole["text"];
  std::size_t at = 1;  // of an ordinary character
  while (at < text.size() && (text[at] <= ' ' || text[at] > '~')) ++at;
  ASSERT_LT(at, text.size()) << text;
  const std::string stop(1, text[at]);
  const std::string expected = text.substr(0, text.find(stop));
  const Arguments more = {"-n",     "24",    "--repeat-penalty", "2", "-p", "the sea",
                          "--stop", "never", "--stop",           stop};
  const ProgramEnd shown = run("complete", more, "");
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out, expected + "\n");
  Arguments json = more;
  json.push_back("--json");
  const Json stopped = Json::parse(run("complete", json, "").out);
  EXPECT_EQ(stopped["text"], expected);
  EXPECT_EQ(stopped["stop_reason"], "stop_text");
  EXPECT_EQ(run("complete", {"-p", "x", "--stop", ""}, "").code, 2);
}

}  // namespace
}  // namespace mneme

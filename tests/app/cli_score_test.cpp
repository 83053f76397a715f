// SPDX-License-Identifier: Apache-2.0
// mneme-cli perplexity, compare and complete --ids, on a tiny model: figures against those computed
// here from the logits that `complete` writes, and one sentence for what cannot be scored.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/app/cli_fixture.h"
#include "tests/support/file_text.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/wait_until.h"

namespace mneme {
namespace {

class CliScore : public Cli {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name), std::ios::binary) << text;
    return folder_.file(name);
  }
  // As JSON; and whole, where it is no text.
  std::string write_ids(const std::vector<int>& ids) { return write("ids.json", Json(ids).dump()); }
  // [positions][vocabulary], of the tokens as they are.
  std::vector<std::vector<float>> logits_of(const std::vector<int>& ids, Arguments more) {
    const std::string path = folder_.file("logits");
    more.insert(more.end(), {"--ids", write_ids(ids), "-n", "0", "--exact", "--logits", path});
    const Json told = json("complete", std::move(more));
    EXPECT_EQ(told["tokens"], Json(ids));
    const auto bytes = std::filesystem::file_size(path);
    const std::size_t vocabulary = bytes / 4 / ids.size();
    std::vector<std::vector<float>> rows(ids.size(), std::vector<float>(vocabulary));
    std::ifstream file(path, std::ios::binary);
    for (auto& row : rows) {
      file.read(reinterpret_cast<char*>(row.data()),
                static_cast<std::streamsize>(row.size() * sizeof(float)));
    }
    EXPECT_TRUE(file);
    return rows;
  }
  static std::vector<double> log_probabilities(const std::vector<float>& logits) {
    double sum = 0;
    for (const float x : logits) sum += std::exp(double{x});
    std::vector<double> out;
    for (const float x : logits) out.push_back(x - std::log(sum));
    return out;
  }
  std::vector<int> tokens_of(const std::string& text, Arguments more = {}) {
    more.insert(more.end(), {"-p", text, "-n", "0"});
    return json("complete", std::move(more))["tokens"].get<std::vector<int>>();
  }
  // One sentence, whose text holds `why`; the exit code.
  void refuses(const Arguments& arguments, int code, const std::string& why) {
    const ProgramEnd end = run(arguments);
    EXPECT_EQ(end.code, code) << ::testing::PrintToString(arguments) << end.err;
    EXPECT_TRUE(end.err.starts_with("mneme-cli: ")) << end.err;
    EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
    EXPECT_NE(end.err.find(why), std::string::npos) << end.err << why;
    EXPECT_EQ(end.out, "");
  }

  std::string text_ = "the land and the sea and the ships that came from the north with salt";
};

TEST_F(CliScore, IdsAreReadAsTheyAre) {
  const std::vector<int> ids = {5, 257, 5, 104, 0, 259};
  const auto rows = logits_of(ids, {});
  EXPECT_EQ(rows.size(), ids.size());
  // The ids of a text give what the text gives, and go on as it does.
  const std::vector<int> tokens = tokens_of(text_);
  const Json whole = json("complete", {"-p", text_, "-n", "5", "--temp", "0"});
  const Json again = json("complete", {"--ids", write_ids(tokens), "-n", "5", "--temp", "0"});
  EXPECT_EQ(again["tokens"], whole["tokens"]);
  EXPECT_EQ(again["text"], whole["text"]);
  // The whole context may be filled.
  const std::vector<int> full(512, 7);
  EXPECT_EQ(logits_of(full, {"--memory", "off"}).size(), 512u);
}

TEST_F(CliScore, WhatIsNoListOfIdsIsOneSentence) {
  const auto refused = [&](const std::string& text, const std::string& why) {
    refuses({"complete", "-m", model_, "-n", "0", "--ids", write("ids.json", text)}, 1, why);
  };
  refused("", "it is no JSON from its byte");
  refused("[1, 2", "it is no JSON from its byte");
  refused("[1, 2] 3", "it is no JSON from its byte");
  refused(std::string("\0\1\2", 3), "it is no JSON from its byte");
  refused("[]", "it is empty");
  refused("12", "it is a number");
  refused("{\"ids\": [1]}", "it is an object");
  refused("[1, 2.5]", "its item 2 is 2.5, which is no token id");
  refused("[1, 1e2]", "its item 2 is 1e2");
  refused("[-1]", "its item 1 is -1");
  refused("[1, 4294967296]", "its item 2 is 4294967296");
  refused("[1, 99999999999999999999999]", "its item 2 is 99999999999999999999999");
  refused("[\"1\"]", "its item 1 is a text");
  refused("[1, null]", "its item 2 is null");
  refused("[true]", "its item 1 is true");
  refused("[1, [2]]", "its item 2 is a list");
  refused(std::string(1'000'000, '['), "its item 1 is a list");
  refused("[1, 100000]", "the token 100000 is not in the vocabulary");
  refused(Json(std::vector<int>(513, 1)).dump(), "513 tokens, the context only 512");
  refuses({"complete", "-m", model_, "--ids", folder_.file("none")}, 1, "none");
  refuses({"complete", "-m", model_, "--ids", folder_.path()}, 1, "not a regular file");
  refuses({"complete", "-m", model_, "--ids", write_ids({1}), "-p", "a"}, 2, "--prompt");
  refuses({"complete", "-m", model_, "--ids", ""}, 2, "--ids");
  const std::string large = write("large.json", "[1]");
  std::filesystem::resize_file(large, 200'000'000);
  refuses({"complete", "-m", model_, "--ids", large}, 1, "too large");
}

TEST_F(CliScore, PerplexityIsThatOfTheLogits) {
  const std::string file = write("text", text_);
  const std::vector<int> tokens = tokens_of(text_);
  for (const Arguments& memory : std::vector<Arguments>{{}, {"--memory", "off"}}) {
    const auto rows = logits_of(tokens, memory);
    double sum = 0, squares = 0;
    const auto n = static_cast<double>(tokens.size() - 1);
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const double loss = -log_probabilities(rows[i - 1])[static_cast<std::size_t>(tokens[i])];
      sum += loss;
      squares += loss * loss;
    }
    const double mean = sum / n;
    const double error = std::sqrt((squares / n - mean * mean) / (n - 1));
    Arguments arguments = {file, "--exact"};
    arguments.insert(arguments.end(), memory.begin(), memory.end());
    const Json told = json("perplexity", arguments);
    EXPECT_EQ(told["tokens"], tokens.size() - 1);
    EXPECT_EQ(told["text_tokens"], tokens.size());
    EXPECT_EQ(told["complete"], true);
    EXPECT_NEAR(told["perplexity"].get<double>() / std::exp(mean), 1, 1e-5);
    EXPECT_NEAR(told["perplexity_error"].get<double>() / (std::exp(mean) * error), 1, 1e-4);
    EXPECT_EQ(told["memory"].is_null(), !memory.empty());
    // Every byte of the text but those of the first token.
    const auto bytes = static_cast<double>(text_.size() - 1);
    EXPECT_NEAR(told["bits_per_byte"].get<double>(), sum / std::log(2) / bytes,
                0.1 * told["bits_per_byte"].get<double>());
    EXPECT_EQ(json("perplexity", arguments), told);  // always the same
    EXPECT_NE(out("perplexity", arguments).find("perplexity  "), std::string::npos);
  }
}

TEST_F(CliScore, WindowsCoverALongTextAndTheStartTokenStandsBeforeEach) {
  std::string text;
  for (int i = 0; i < 6; ++i) text += text_ + (i % 3 == 0 ? "\n" : " ") + std::to_string(i);
  const std::string file = write("text", text);
  const std::vector<int> tokens = tokens_of(text, {"--memory", "off"});
  const Json all = json("perplexity", {file, "--ctx", "64"});
  EXPECT_EQ(all["tokens"], tokens.size() - 1);
  EXPECT_EQ(all["window"], 64);
  const Json halves = json("perplexity", {file, "--ctx", "64", "--windows", "llama.cpp"});
  EXPECT_EQ(halves["tokens"], tokens.size() / 64 * 31);
  write_edited(*GgufFile::open(model_), set_bool("tokenizer.ggml.add_bos_token", true),
               folder_.file("bos.gguf"));
  const Json started = Json::parse(
      run({"perplexity", "-m", folder_.file("bos.gguf"), "--memory", "off", file, "--json"}).out);
  EXPECT_EQ(started["tokens"], tokens.size());  // also the first
}

TEST_F(CliScore, WhatIsNoTextToScoreIsOneSentence) {
  const auto refused = [&](const std::string& text, const std::string& why) {
    refuses({"perplexity", "-m", model_, write("text", text)}, 1, why);
  };
  refused("", "text: there is no text to score");
  refused("a", "text: one token is no text to score");
  refused(std::string("a\0b", 3), "is no text: its byte 2 is zero");
  refused("caf\xe9 au lait", "is not UTF-8 text: its byte 4 is 0xe9");
  refuses({"perplexity", "-m", model_, folder_.file("none")}, 1, "none");
  refuses({"perplexity", "-m", model_, folder_.path()}, 1, "not a regular file");
  refuses({"perplexity", "-m", folder_.file("none"), write("text", text_)}, 1, "none");
  refuses({"perplexity", "-m", model_, write("text", text_), "--windows", "llama.cpp"}, 1,
          "does not fill a window of 512");
  refuses({"perplexity", "-m", model_, write("text", text_), "--windows", "other"}, 2,
          "overlapping or llama.cpp");
  refuses({"perplexity", "-m", model_}, 2, "file");
  const std::string large = write("text", "");
  std::filesystem::resize_file(large, 70'000'000);
  refuses({"perplexity", "-m", model_, large}, 1, "too large");
}

TEST_F(CliScore, AStopTellsWhatWasCounted) {
  std::string text;
  while (text.size() < 1'000'000) text += text_ + "\n";  // minutes
  const std::string file = write("text", text);
  const std::string log = folder_.file("log");
  const std::string side = "-t 1 -m " + model_;
  for (const Arguments& command : std::vector<Arguments>{
           {"perplexity", "-m", model_, "-t", "1", file, "--json", "-v"},
           {"compare", "--a", side, "--b", side + " --memory off", file, "--json", "-v"}}) {
    std::filesystem::remove(log);
    const auto program = start(command, {.err = log});
    const std::size_t models = command.front() == "compare" ? 2 : 1;
    const auto opened = [&] {
      const std::string told = file_text(log);
      std::size_t count = 0;
      for (auto at = told.find("opened"); at != std::string::npos; at = told.find("opened", at + 1))
        ++count;
      return count >= models;
    };
    ASSERT_TRUE(wait_until(opened)) << file_text(log);
    program->send(SIGINT);
    const ProgramEnd end = program->wait();
    EXPECT_EQ(end.code, 130) << end.err;
    const Json told = Json::parse(end.out);
    EXPECT_EQ(told["complete"], false);
    EXPECT_LT(told["tokens"], told["text_tokens"]);
  }
}

TEST_F(CliScore, AModelIsTheSameAsItself) {
  const std::string file = write("text", text_);
  const std::string side = "-m '" + model_ + "' -t 1";
  const ProgramEnd end = run({"compare", "--a", side, "--b", side, file, "--json"});
  ASSERT_EQ(end.code, 0) << end.err;
  const Json told = Json::parse(end.out);
  EXPECT_EQ(told["mean_kl"], 0);
  EXPECT_EQ(told["largest_kl"], 0);
  EXPECT_EQ(told["top1_agreement"], 1);
  EXPECT_EQ(told["largest_logit_difference"], 0);
  EXPECT_EQ(told["perplexity_ratio"], 1);
  EXPECT_EQ(told["worst"], Json::array());
  EXPECT_EQ(told["a"], told["b"]);
  EXPECT_EQ(told["tokens"], tokens_of(text_).size() - 1);
  const ProgramEnd text = run({"compare", "--a", side, "--b", side, file});
  EXPECT_NE(text.out.find("the same at 100.000 %"), std::string::npos) << text.out;
}

TEST_F(CliScore, CompareTellsHowFarTwoAreApart) {
  const std::string file = write("text", text_);
  const std::string model = "-m \"" + model_ + "\" --exact";
  const ProgramEnd end = run(
      {"compare", "--a", model, "--b", model + " --memory off", file, "--json", "--worst", "3"});
  ASSERT_EQ(end.code, 0) << end.err;
  const Json told = Json::parse(end.out);
  const std::vector<int> tokens = tokens_of(text_);
  const auto on = logits_of(tokens, {});
  const auto off = logits_of(tokens, {"--memory", "off"});
  std::vector<double> kl;
  double same = 0;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto p = log_probabilities(on[i]);
    const auto q = log_probabilities(off[i]);
    double sum = 0;
    for (std::size_t j = 0; j < p.size(); ++j) sum += std::exp(p[j]) * (p[j] - q[j]);
    kl.push_back(sum);
    const auto best = [](const auto& row) { return std::ranges::max_element(row) - row.begin(); };
    same += best(p) == best(q) ? 1 : 0;
  }
  const auto n = static_cast<double>(kl.size());
  double mean = 0;
  for (const double value : kl) mean += value / n;
  EXPECT_GT(mean, 1e-4);
  EXPECT_NEAR(told["mean_kl"].get<double>(), mean, 1e-5 * mean + 1e-8);
  EXPECT_NEAR(told["top1_agreement"].get<double>(), same / n, 1e-9);
  const Json alone = json("perplexity", {file, "--exact"});
  EXPECT_NEAR(told["a"]["perplexity"].get<double>(), alone["perplexity"].get<double>(), 1e-3);
  EXPECT_NEAR(told["perplexity_ratio"].get<double>(),
              told["b"]["perplexity"].get<double>() / told["a"]["perplexity"].get<double>(), 1e-9);
  ASSERT_EQ(told["worst"].size(), 3u);
  std::vector<double> sorted = kl;
  std::ranges::sort(sorted, std::greater<>());
  for (std::size_t i = 0; i < 3; ++i) {
    const Json& place = told["worst"][i];
    EXPECT_NEAR(place["kl"].get<double>(), sorted[i], 1e-5 * sorted[i] + 1e-8);
    const auto position = place["position"].get<std::size_t>();
    EXPECT_NEAR(kl[position - 1], sorted[i], 1e-5 * sorted[i] + 1e-8);
    EXPECT_NE(text_.find(place["before"].get<std::string>() + place["next"].get<std::string>()),
              std::string::npos);
  }
}

TEST_F(CliScore, WhatCannotBeComparedIsOneSentence) {
  const std::string file = write("text", text_);
  const std::string side = "-m " + model_;
  const auto refused = [&](const std::string& b, int code, const std::string& why) {
    refuses({"compare", "--a", side, "--b", b, file}, code, why);
  };
  const auto source = GgufFile::open(model_);
  const auto types = source->metadata().require_array<std::int32_t>("tokenizer.ggml.token_type");
  std::vector<std::int32_t> other(types->begin(), types->end());
  other[40] = 4;
  write_edited(*source, set_i32s("tokenizer.ggml.token_type", other), folder_.file("other.gguf"));
  refused("-m " + folder_.file("other.gguf"), 1, "different tokenizers");
  refused("-m " + folder_.file("none"), 1, "none");
  refused("-m '" + model_, 2, "--b: the quote ' has no end");
  refused(side + " --exactly", 2, "--b: ");
  refused(side + " --temp 1", 2, "--temp");
  refused(side + " stray", 2, "stray");
  refused(side + " --ctx 1e9", 2, "--ctx");
  refused(side + " --ctx 500000", 1, "500000");
  refused(side + " --ram-budget 900T", 1, "of RAM beside each other");
  refuses({"compare", "--a", side, file}, 2, "--b");
  refuses({"compare", "--a", side, "--b", side}, 2, "file");
  refuses({"compare", "--a", side, "--b", side, write("empty", "")}, 1, "no text to score");
}

}  // namespace
}  // namespace mneme

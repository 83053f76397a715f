// SPDX-License-Identifier: Apache-2.0
// What options take: what is not exactly that is one sentence with the option's name, exit code 2.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/app/cli_fixture.h"

namespace mneme {
namespace {

const std::vector<std::string> kNoNumbers = {"",   " ",  "x",      "1x", "0x10",
                                             "+1", "1 ", "--json", "1,5"};

class CliValues : public Cli {
 protected:
  // The command, then the option with the value.
  void refuses(Arguments arguments, const std::string& option, const std::string& value) {
    arguments.push_back(option);
    arguments.push_back(value);
    const ProgramEnd end = run(arguments);
    const std::string what = ::testing::PrintToString(arguments) + " " + end.err;
    EXPECT_EQ(end.code, 2) << what;
    EXPECT_EQ(end.out, "") << what;
    EXPECT_TRUE(end.err.starts_with("mneme-cli: ")) << what;
    EXPECT_NE(end.err.find(option + ": "), std::string::npos) << what;
    EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << what;
  }
  void refuses_all(const Arguments& arguments, const std::string& option,
                   const std::vector<std::string>& values) {
    for (const std::string& value : values) refuses(arguments, option, value);
  }
  std::string seed_of(const std::string& seed) {
    return json("complete", {"-p", "the sea", "-n", "1", "--seed", seed})["seed"];
  }
};

TEST_F(CliValues, WholeNumbersAreOfTheirRangeOrRefused) {
  const std::vector<std::pair<std::string, std::string>> most = {
      {"--threads", "257"},      {"--ctx", "16777217"},    {"-n", "16777217"},
      {"--top-k", "3000000000"}, {"--gpu-layers", "1025"}, {"--repeat-window", "1000001"}};
  for (const auto& [option, above] : most) {
    refuses_all({"complete"}, option,
                {"-1", above, "1e3", "1e20", "1.5", "18446744073709551616", "nan"});
  }
  refuses_all({"complete"}, "--ctx", kNoNumbers);
  refuses_all({"complete"}, "--numa-node", {"-2", "1024", "all"});  // -1: the system chooses
  refuses_all({"bench"}, "--rounds", {"0", "1001", "-1", "many"});
  refuses_all({"bench", "tables"}, "--rounds", {"0", "1001"});
  refuses_all({"check", model_}, "--compare", {"0", "-5", "2000000000000"});
}

TEST_F(CliValues, ASeedHolds64BitsOrIsFresh) {
  refuses_all({"complete"}, "--seed",
              {"-2", "-5000000000000000000000", "18446744073709551616", "1e5", "x", ""});
  EXPECT_EQ(seed_of("0"), "0");
  EXPECT_EQ(seed_of("18446744073709551615"), "18446744073709551615");
  EXPECT_NE(seed_of("-1"), seed_of("-1"));
  EXPECT_NE(seed_of("-1"), "18446744073709551615");
}

TEST_F(CliValues, NumbersAreOfTheirRangeOrRefused) {
  for (const char* option : {"--temp", "--top-p", "--min-p", "--repeat-penalty"}) {
    refuses_all({"complete"}, option, kNoNumbers);
    refuses_all({"complete"}, option, {"nan", "inf", "-1", "99", "1e400"});
  }
  refuses({"complete"}, "--top-p", "0");
  refuses({"complete"}, "--min-p", "1.01");
  refuses({"complete"}, "--repeat-penalty", "0");
}

TEST_F(CliValues, SizesAreOfTheirRangeOrRefused) {
  const std::vector<std::string> no_sizes = {
      "12Q", "nan", "-1M", "many", "1.2.3", "16GG", "50%", "0x10M", "1e3", "99999999999999999999G",
      "M",   "1 M", "",    "2000T"};
  for (const char* option : {"--ram-budget", "--device-rows", "--record-log"}) {
    refuses_all({"complete"}, option, no_sizes);
  }
  refuses_all({"bench", "tables"}, "--size", no_sizes);
  out("complete", {"-p", "a", "-n", "1", "--ram-budget", "1.5MiB", "--device-rows", "0"});
  out("complete", {"-p", "a", "-n", "1", "--ram-budget", "0", "--record-log", "0"});  // as without
}

TEST_F(CliValues, NamesAreNotEmptyAndWordsAreKnown) {
  for (const char* option : {"--model", "--memory", "--device", "--logits", "--stop"}) {
    refuses({"complete"}, option, "");
  }
  refuses({"complete"}, "--instruction-set", "mmx");
  refuses({"complete"}, "--verify", "2");
  refuses_all({"tables", model_}, "--row", {"1", "1:", "1:-5", "1:5x", ":5", "", "-1:5"});
  refuses({"synth", "out.gguf"}, "--type", "Q3_K");
  refuses_all({"synth", "out.gguf", "--pack"}, "--rows",
              {"4x8", "4x8x", "4x8x256x1", "0x8x256", ""});
  EXPECT_EQ(run({"check", ""}).code, 2);
  EXPECT_EQ(run({"pack", model_, "", "-o", "out"}).code, 2);
}

TEST_F(CliValues, TextsAreUtf8) {
  const std::vector<std::string> no_texts = {"\xff", "caf\xe9", "cut \xc3"};
  refuses_all({"complete"}, "--prompt", no_texts);
  refuses_all({"chat"}, "--system", no_texts);
  refuses_all({"complete"}, "--stop", no_texts);
  const ProgramEnd end = run({"chat", "--system", "be \xe9"});
  EXPECT_NE(end.err.find("--system: its value is not UTF-8 text: its byte 4 is 0xe9"),
            std::string::npos)
      << end.err;
}

TEST_F(CliValues, AnOptionIsGivenOnceAndWithAValue) {
  ProgramEnd end = run({"complete", "--temp", "0", "--temp", "1"});
  EXPECT_EQ(end.code, 2);
  EXPECT_NE(end.err.find("--temp is given 2 times"), std::string::npos) << end.err;
  end = run({"complete", "--temp"});
  EXPECT_EQ(end.code, 2);
  EXPECT_NE(end.err.find("--temp: its value is missing"), std::string::npos) << end.err;
  end = run({"complete", "--temp", "1\n\033[31m\xc2\x9b"});
  EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
  EXPECT_EQ(end.err.find('\033'), std::string::npos);
  EXPECT_EQ(end.err.find('\x9b'), std::string::npos);
}

TEST_F(CliValues, TheHelpSaysRangesAndDefaults) {
  const std::string help = run({"complete", "--help"}).out;
  for (const char* text : {"-1 to 18446744073709551615", "0 to 256", "0 to 10; default: 0.7",
                           "off, sampled or always", "default: standard input"}) {
    EXPECT_NE(help.find(text), std::string::npos) << text << "\n" << help;
  }
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// mneme-cli as a user runs it: exit codes, outputs and their keys, on a tiny model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/app/cli_fixture.h"
#include "tests/support/gguf_edit.h"

namespace mneme {
namespace {

std::vector<std::string> keys_of(const Json& json) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

TEST_F(Cli, HelpAndVersionEndWith0AndUsageErrorsWith2) {
  EXPECT_EQ(run({"--help"}).code, 0);
  EXPECT_EQ(run({"complete", "--help"}).code, 0);
  EXPECT_NE(run({"--version"}).out.find("mneme-cli "), std::string::npos);
  const std::vector<Arguments> wrong = {
      {}, {"dance"}, {"complete", "--unknown"}, {"check"}, {"pack"},
  };
  for (const Arguments& arguments : wrong) {
    const ProgramEnd end = run(arguments);
    EXPECT_EQ(end.code, 2) << ::testing::PrintToString(arguments);
    EXPECT_TRUE(end.err.starts_with("mneme-cli: ")) << end.err;
    EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
    EXPECT_EQ(end.out, "");
  }
}

TEST_F(Cli, WhatCannotBeDoneEndsWith1AndOneLine) {
  const std::string garbage = folder_.file("garbage.gguf");
  std::ofstream(garbage) << "this is not a model";
  const std::vector<Arguments> wrong = {
      {"complete", "-m", folder_.file("missing.gguf"), "-p", "a"},
      {"complete", "-m", garbage, "-p", "a"},
      {"complete", "-m", model_, "-p", "a", "--memory", folder_.file("missing.gguf")},
      {"complete", "-m", model_, "-p", "a", "--memory", garbage},
      {"complete", "-m", model_, "-p", "a", "--ctx", "1"},
      {"complete", "-m", model_, "-p", "a", "--ctx", "1000000"},
      {"complete", "-m", model_, "-p", ""},
      {"complete", "-m", model_, "-p", std::string(2000, 'x')},
      {"complete", "-m", model_, "-p", "a", "--logits", folder_.file("no/such/folder")},
      {"inspect", "-m", model_, "-p", "a", "--memory", "off"},
      {"synth", folder_.file("out.gguf"), "--pack", "-m", garbage},
      {"synth", model_, "--tokenizer-from", model_},
      {"pack", model_, "-o", folder_.file("out.gguf")},
      {"pack", garbage, "-o", folder_.file("out.gguf")},
      {"tables", model_},
      {"tables", garbage},
      {"check", model_, "--full"},
      {"synth", folder_.file("out.gguf"), "--tokenizer-from", model_, "--shape", "135m", "--type",
       "Q4_K"},
  };
  for (const Arguments& arguments : wrong) {
    const ProgramEnd end = run(arguments);
    EXPECT_EQ(end.code, 1) << ::testing::PrintToString(arguments);
    EXPECT_TRUE(end.err.starts_with("mneme-cli: ")) << end.err;
    EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.file("out.gguf")));
}

TEST_F(Cli, WithoutTheDefaultModelItNamesTheCommandThatFetchesIt) {
  const std::string empty = folder_.file("empty");
  std::filesystem::create_directory(empty);
  for (const char* command : {"complete", "chat", "inspect"}) {
    const ProgramEnd end = run({command, "-p", "a"}, "", {"XDG_DATA_HOME=" + empty});
    EXPECT_EQ(end.code, 1);
    EXPECT_NE(end.err.find("./dev run"), std::string::npos) << end.err;
    EXPECT_NE(end.err.find("the package mneme-model-smollm2"), std::string::npos) << end.err;
    EXPECT_NE(end.err.find(empty), std::string::npos) << end.err;
  }
}

TEST_F(Cli, TheDefaultModelIsFoundWhereAPackagePutIt) {
  namespace fs = std::filesystem;
  const fs::path usr = folder_.file("usr");
  fs::create_directories(usr / "bin");
  fs::create_directories(usr / "share/mneme/models");
  fs::copy_file(MNEME_CLI, usr / "bin/mneme-cli");
  const fs::path installed = usr / "share/mneme/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  fs::copy_file(model_, installed);
  const auto run_installed = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), usr / "bin/mneme-cli");
    SpawnedProgram program(
        folder_.path(), arguments,
        {.environment = {"HOME=" + folder_.file("home"), "XDG_DATA_HOME=" + folder_.file("home"),
                         "XDG_STATE_HOME=" + folder_.path()}});
    return program.wait();
  };
  const std::vector<std::string> complete{"complete", "-p", "a", "-n", "1", "--json"};
  const ProgramEnd found = run_installed(complete);
  EXPECT_EQ(found.code, 0) << found.err;
  // It is named as a person would write it.
  const ProgramEnd listed = run_installed({"models", "--json"});
  EXPECT_NE(listed.out.find(installed.string()), std::string::npos) << listed.out << listed.err;
  fs::remove(installed);
  EXPECT_EQ(run_installed(complete).code, 1);
}

TEST_F(Cli, CompleteJsonHasItsKeys) {
  const Json result = json("complete", {"-p", "the sea", "-n", "5", "--temp", "0"});
  EXPECT_EQ(keys_of(result),
            (std::vector<std::string>{"model", "memory", "text", "tokens", "stop_reason", "seed",
                                      "prompt_tokens", "reused_tokens", "generated_tokens",
                                      "time_to_first_token_ms", "prefill_tok_s", "decode_tok_s",
                                      "ngrams", "stall_us"}));
  EXPECT_EQ(result["tokens"].size(), result["prompt_tokens"].get<std::size_t>() +
                                         result["generated_tokens"].get<std::size_t>());
  EXPECT_TRUE(result["seed"].is_string());
  EXPECT_EQ(keys_of(result["ngrams"]),
            (std::vector<std::string>{"device", "ram", "ssd_in_time", "ssd_late"}));
  const Json nothing = json("complete", {"-p", "the sea", "-n", "0"});
  EXPECT_EQ(nothing["generated_tokens"], 0);
  EXPECT_EQ(nothing["prompt_tokens"], result["prompt_tokens"]);
}

TEST_F(Cli, APromptOnStandardInputIsTheSameAsOneGivenWithP) {
  const std::string prompt = "the land\nand the \xc3\xa4 sea";
  const Json given = json("complete", {"-p", prompt, "-n", "6", "--temp", "0"});
  EXPECT_EQ(json("complete", {"-n", "6", "--temp", "0"}, prompt)["tokens"], given["tokens"]);
  EXPECT_EQ(out("complete", {"-n", "6", "--temp", "0", "-p", "the sea"}),
            out("complete", {"-n", "6", "--temp", "0"}, "the sea"));
}

TEST_F(Cli, TheSeedDecidesTheText) {
  const Arguments base = {"-p", "the sea", "-n", "24", "--temp", "2", "--top-k", "0"};
  const auto with = [&](const std::string& seed) {
    Arguments all = base;
    all.insert(all.end(), {"--seed", seed});
    return json("complete", all);
  };
  const Json one = with("18446744073709551615");
  EXPECT_EQ(one["seed"], "18446744073709551615");
  EXPECT_EQ(with("18446744073709551615")["tokens"], one["tokens"]);
  EXPECT_NE(with("2")["tokens"], one["tokens"]);
  const Json fresh = json("complete", base);
  EXPECT_EQ(with(fresh["seed"])["tokens"], fresh["tokens"]);
}

TEST_F(Cli, LogitsAreOneRowOfTheVocabularyForEachPosition) {
  const auto vocabulary =
      Json::parse(run({"check", model_, "--json"}).out)["vocabulary"].get<std::uintmax_t>();
  const std::string path = folder_.file("logits");
  const Json prompt = json("complete", {"-p", "the sea", "--logits", path});
  EXPECT_EQ(prompt["generated_tokens"], 0);
  EXPECT_EQ(std::filesystem::file_size(path), prompt["tokens"].size() * vocabulary * 4);
  const Json more = json("complete", {"-p", "the sea", "-n", "7", "--logits", path});
  EXPECT_EQ(std::filesystem::file_size(path), more["tokens"].size() * vocabulary * 4);
  // Greedy text follows from the logits in the file.
  const Json greedy = json("complete", {"-p", "the sea", "-n", "7", "--temp", "0",
                                        "--repeat-penalty", "1", "--exact", "--logits", path});
  std::vector<float> logits(greedy["tokens"].size() * vocabulary);
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(logits.data()),
            static_cast<std::streamsize>(logits.size() * 4));
  for (auto t = greedy["prompt_tokens"].get<std::size_t>(); t < greedy["tokens"].size(); ++t) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>((t - 1) * vocabulary);
    const auto best = std::max_element(row, row + static_cast<std::ptrdiff_t>(vocabulary)) - row;
    EXPECT_EQ(greedy["tokens"][t], best) << t;
  }
}

TEST_F(Cli, TheMemoryIsTheOneBesideTheModelAFileOrNone) {
  const std::string pack = folder_.file("tiny.engram.gguf");
  const Arguments base = {"-p", "the sea", "-n", "0"};
  const auto memory = [&](const std::string& choice) {
    Arguments all = base;
    if (!choice.empty()) all.insert(all.end(), {"--memory", choice});
    return json("complete", all)["memory"];
  };
  EXPECT_TRUE(memory("").is_string());
  EXPECT_TRUE(memory("off").is_null());
  std::filesystem::rename(pack, folder_.file("elsewhere"));
  EXPECT_TRUE(memory("").is_null());
  EXPECT_TRUE(memory(folder_.file("elsewhere")).is_string());
}

TEST_F(Cli, InspectPrintsOneRecordAPositionLayerOrderAndHead) {
  for (const Arguments& more : std::vector<Arguments>{{}, {"-n", "3", "--temp", "0"}, {"--chat"}}) {
    Arguments all = {"-p", "the land and the sea \xf0\x9f\x99\x82", "--json"};
    all.insert(all.end(), more.begin(), more.end());
    std::istringstream lines(out("inspect", all));
    std::set<std::vector<int>> seen;
    int positions = 0, records = 0;
    for (std::string line; std::getline(lines, line); ++records) {
      const Json record = Json::parse(line);
      ASSERT_EQ(keys_of(record),
                (std::vector<std::string>{"position", "token", "text", "layer", "order", "head",
                                          "row", "tier", "latency_us", "gate", "gates", "write"}));
      positions = std::max(positions, record["position"].get<int>() + 1);
      seen.insert({record["position"].get<int>(), record["layer"].get<int>(),
                   record["order"].get<int>(), record["head"].get<int>()});
      EXPECT_TRUE(record["layer"] == 0 || record["layer"] == 1);
      EXPECT_TRUE(record["order"] == 2 || record["order"] == 3);
      ASSERT_EQ(record["gates"].size(), 1u);
      EXPECT_EQ(record["gates"][0], record["gate"]);
      EXPECT_GT(record["gate"].get<double>(), 0);
      EXPECT_LT(record["gate"].get<double>(), 1);
      EXPECT_NE(record["tier"], "");
      EXPECT_TRUE(record["row"].is_number_unsigned());
    }
    EXPECT_GT(positions, 5);
    EXPECT_EQ(records, positions * 2 * 2 * 8);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(records));
  }
  EXPECT_NE(out("inspect", {"-p", "the sea"}).find("untrained"), std::string::npos);
}

TEST_F(Cli, BenchJsonHasItsKeys) {
  const Json bench = json("bench", {"--prefill", "32", "-n", "8", "--rounds", "1"});
  for (const char* key : {"model", "threads", "read_gb_s", "prefill_tok_s", "decode_tok_s",
                          "decode_gb_s", "bandwidth_share", "trace_cost"}) {
    ASSERT_TRUE(bench.contains(key)) << key;
  }
  EXPECT_EQ(bench["threads"], 1);
  for (const char* key : {"read_gb_s", "prefill_tok_s", "decode_tok_s", "decode_gb_s"})
    EXPECT_GT(bench[key].get<double>(), 0) << key;
}

TEST_F(Cli, DevicesListsTheCpuFirstAndSaysWhyOthersCannotBeUsed) {
  const ProgramEnd end = run({"devices", "--json"});
  EXPECT_EQ(end.code, 0) << end.err;
  const Json list = Json::parse(end.out);
  ASSERT_GE(list.size(), 2u);
  EXPECT_EQ(list[0]["id"], "cpu");
  EXPECT_TRUE(list[0]["unusable"].is_null());
  EXPECT_GT(list[0]["free_bytes"], 0);
  for (const Json& device : list) {
    if (device["id"] != "cuda") continue;  // without a number: there is no CUDA device
    EXPECT_FALSE(device["unusable"].is_null());
  }
  EXPECT_NE(run({"devices"}).out.find("cannot be used: "), std::string::npos);
}

TEST_F(Cli, ADeviceThatIsNotThereEndsWith1AndTheReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"cuda:99", "CUDA"}, {"tpu", "`mneme-cli devices`"}, {"vulkan:99", "Vulkan"}};
  for (const auto& [device, reason] : cases) {
    const ProgramEnd end = run({"complete", "-m", model_, "-p", "a", "--device", device});
    EXPECT_EQ(end.code, 1) << device;
    EXPECT_NE(end.err.find(reason), std::string::npos) << end.err;
  }
  EXPECT_EQ(out("complete", {"-p", "a", "-n", "3", "--temp", "0", "--device", "cpu"}),
            out("complete", {"-p", "a", "-n", "3", "--temp", "0", "--device", "auto"}));
}

TEST_F(Cli, BenchTablesMeasuresARowsCostAndWhatABudgetKeeps) {
  const std::string texts = folder_.file("texts");
  std::filesystem::create_directory(texts);
  std::ofstream(texts + "/sea.txt") << "the sea the sea the wide sea and the sea";
  const ProgramEnd end =
      run({"bench", "tables", "-m", model_, "--part", "replay", "--part", "hits", "--streams",
           texts, "--hit-budget", "16M", "--folder", folder_.path(), "--json"});
  EXPECT_EQ(end.code, 0) << end.err;
  const Json result = Json::parse(end.out);
  ASSERT_EQ(result["replay"].size(), 4u);
  for (const Json& row : result["replay"]) {
    EXPECT_GT(row["hit_rate"], 0) << "n-grams come again";
    EXPECT_LT(row["hit_rate"], 1);
  }
  EXPECT_GT(result["hit_path"]["row_ns"], 0);
  EXPECT_GT(result["hot_set"]["bytes"], 0);
}

TEST_F(Cli, BenchTablesSaysWhatItNeeds) {
  const ProgramEnd empty = run(
      {"bench", "tables", "-m", model_, "--part", "replay", "--streams", folder_.file("nothing")});
  EXPECT_EQ(empty.code, 1);
  EXPECT_NE(empty.err.find("there are no texts (*.txt)"), std::string::npos) << empty.err;
  EXPECT_EQ(run({"bench", "tables", "--part", "device"}).code, 2);
}

TEST_F(Cli, CheckSaysWhatAFileIs) {
  const std::string pack = folder_.file("tiny.engram.gguf");
  const Json model = Json::parse(run({"check", model_, "--json"}).out);
  EXPECT_EQ(model["kind"], "model");
  EXPECT_EQ(model["architecture"], "llama");
  EXPECT_EQ(model["layers"], 2);
  EXPECT_EQ(model["chat"], "yes");
  const Json memory = Json::parse(run({"check", pack, "-m", model_, "--json"}).out);
  EXPECT_EQ(memory["kind"], "memory pack");
  EXPECT_EQ(memory["trained"], false);
  EXPECT_TRUE(memory.contains("fits"));
  EXPECT_NE(run({"check", model_}).out.find("Q4_0"), std::string::npos);

  const std::string broken = folder_.file("broken");
  std::ofstream(broken) << "garbage";
  EXPECT_EQ(run({"check", broken}).code, 1);
  for (const std::string& whole : {model_, pack}) {
    std::filesystem::copy_file(whole, broken, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(broken, std::filesystem::file_size(whole) / 2);
    const ProgramEnd end = run({"check", broken});
    EXPECT_EQ(end.code, 1);
    EXPECT_NE(end.err.find("broken"), std::string::npos) << end.err;
  }
  EXPECT_EQ(run({"check", folder_.file("missing")}).code, 1);

  // Also what a header does not tell is looked at.
  const auto file = GgufFile::open(pack);
  ASSERT_TRUE(file);
  write_edited(*file, {{}, {"blk.1.engram_value.bias"}, {}}, broken);
  const ProgramEnd end = run({"check", broken});
  EXPECT_EQ(end.code, 1);
  EXPECT_NE(end.err.find("blk.1.engram_value.bias"), std::string::npos) << end.err;
}

TEST_F(Cli, TablesArePackedAndChecked) {
  const std::string plain = folder_.file("tiny.engram.gguf");
  const std::string packed = folder_.file("packed.gguf");
  const Json before = Json::parse(run({"tables", plain, "--json"}).out);
  EXPECT_EQ(before["dialect"], "Mneme");
  EXPECT_EQ(before["tables"].size(), 2u);
  EXPECT_EQ(run({"pack", plain, "-o", packed, "--estimate"}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(packed));
  ASSERT_EQ(run({"pack", plain, "-o", packed}).code, 0);
  EXPECT_EQ(run({"pack", plain, "-o", packed}).code, 1) << "it is never overwritten";
  const Json after = Json::parse(run({"tables", packed, "--json"}).out);
  EXPECT_EQ(after["dialect"], "Mneme, in pages");
  EXPECT_EQ(after["tables"][1]["rows"], before["tables"][1]["rows"]);
  EXPECT_EQ(run({"tables", packed, "--row", "1:5"}).out,
            run({"tables", plain, "--row", "1:5"}).out);
  for (const char* row : {"7:5", "1:99999999"}) {
    EXPECT_EQ(run({"tables", packed, "--row", row}).code, 1) << row;
  }

  const ProgramEnd end =
      run({"check", packed, "-m", model_, "--full", "--compare", "5000", "--json"});
  ASSERT_EQ(end.code, 0) << end.err;
  const Json check = Json::parse(end.out);
  EXPECT_EQ(check["row_checksums"], "compared");
  EXPECT_EQ(check["rows_damaged"], 0);
  ASSERT_GE(check["compared"].size(), 1u);
  EXPECT_EQ(check["compared"][0]["different"], 0);
  EXPECT_EQ(check["compared"][0]["straddling"], 0);

  // It answers as the plain one does.
  const Arguments ask = {"-p", "the sea",  "-n",     "8",       "--temp",
                         "0",  "--verify", "always", "--memory"};
  const auto answer = [&](const std::string& memory) {
    Arguments all = ask;
    all.push_back(memory);
    return json("complete", all)["tokens"];
  };
  EXPECT_EQ(answer(packed), answer(plain));

  std::fstream file(packed, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(-4096 + 10, std::ios::end);
  file.put('!').put('!');
  file.close();
  const ProgramEnd damaged = run({"check", packed, "--full"});
  EXPECT_EQ(damaged.code, 1);
  EXPECT_NE(damaged.err.find("1 of "), std::string::npos) << damaged.err;
}

TEST_F(Cli, SyntheticPacksRun) {
  const std::string big = folder_.file("big.gguf");
  // The default layers are 1 and 14; the tiny model has none such.
  EXPECT_EQ(run({"synth", big, "--pack", "-m", model_, "--rows", "v41"}).code, 1);
  EXPECT_EQ(run({"synth", big, "--rows", "v41"}).code, 2) << "rows belong to a pack";
}

TEST_F(Cli, PackNeedsABaseThatHasItsBlocks) {
  const ProgramEnd end = run({"synth", folder_.file("new.gguf"), "--pack", "-m", model_});
  EXPECT_EQ(end.code, 1);
  EXPECT_NE(end.err.find("2 blocks, so none with the number 14"), std::string::npos) << end.err;
}

TEST_F(Cli, ChatAnswersEachLine) {
  const std::string text = out("chat", {"-n", "4", "--temp", "0"}, "the sea\n\nand the land\n");
  EXPECT_GE(std::count(text.begin(), text.end(), '\n'), 2);
  std::istringstream lines(out("chat", {"-n", "4", "--json", "--system", "be brief"}, "a\nb\n"));
  int answers = 0;
  for (std::string line; std::getline(lines, line); ++answers)
    EXPECT_TRUE(Json::parse(line).contains("text"));
  EXPECT_EQ(answers, 2);
}

}  // namespace
}  // namespace mneme

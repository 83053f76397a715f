// SPDX-License-Identifier: Apache-2.0
// Output that cannot be written is an error, and no output destroys an input.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "tests/app/cli_fixture.h"
#include "tests/support/file_text.h"

namespace mneme {
namespace {

class CliOutput : public Cli {
 protected:
  // Of every kind: streamed, JSON, help, files beside it.
  std::vector<Arguments> commands() const {
    const std::string pack = folder_.file("tiny.engram.gguf");
    return {{"complete", "-m", model_, "-p", "the sea", "-n", "5"},
            {"complete", "-m", model_, "-p", "the sea", "-n", "5", "--json"},
            {"chat", "-m", model_, "-p", "the sea", "-n", "5"},
            {"inspect", "-m", model_, "-p", "the sea"},
            {"inspect", "-m", model_, "-p", "the sea", "--json"},
            {"check", model_},
            {"check", pack, "--full", "--json"},
            {"tables", pack},
            {"pack", pack, "-o", folder_.file("out"), "--estimate"},
            {"synth", folder_.file("out"), "--tokenizer-from", model_, "--estimate"},
            {"devices"},
            {"models"},
            {"bench", "-m", model_, "--prefill", "8", "-n", "2", "--rounds", "1"},
            {"--help"},
            {"complete", "--help"},
            {"--version"}};
  }
};

TEST_F(CliOutput, WhatIsLostIsAnErrorOfOneSentence) {
  for (const Arguments& arguments : commands()) {
    for (const bool closed : {false, true}) {
      const ProgramEnd end =
          run_with({.out = closed ? "" : "/dev/full", .out_closed = closed}, arguments);
      const std::string what = ::testing::PrintToString(arguments) + (closed ? " closed" : " full");
      EXPECT_EQ(end.code, 1) << what << " ended by signal " << end.signal;
      EXPECT_TRUE(end.err.starts_with("mneme-cli: cannot write to standard output: ")) << end.err;
      EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
    }
  }
}

TEST_F(CliOutput, AnErrorThatCannotBeToldStillEndsWithItsCode) {
  for (const bool closed : {false, true}) {
    const SpawnedProgram::Options lost{.err = closed ? "" : "/dev/full", .err_closed = closed};
    EXPECT_EQ(run_with(lost, {"check", folder_.file("missing")}).code, 1);
    EXPECT_EQ(run_with(lost, {"complete", "--temp", "x"}).code, 2);
    EXPECT_EQ(run_with(lost, {"complete", "-m", model_, "-p", "a", "-n", "1"}).code, 0);
  }
  EXPECT_EQ(run_with({.out_closed = true, .err_closed = true}, {"check", model_}).code, 1);
}

TEST_F(CliOutput, AFailureIsInTheLog) {
  const std::string missing = folder_.file("missing");
  run_with({.err_closed = true}, {"check", missing});
  const std::string log = folder_.file("mneme/mneme.log");
  EXPECT_NE(file_text(log).find("cannot open " + missing), std::string::npos) << file_text(log);
  struct stat info {};
  ASSERT_EQ(::stat(log.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// The first file that is opened must not become standard output.
TEST_F(CliOutput, AClosedStreamIsNoFile) {
  const std::string logits = folder_.file("logits");
  const ProgramEnd end = run_with({.out_closed = true}, {"complete", "-m", model_, "-p", "the sea",
                                                         "-n", "4", "--logits", logits, "--json"});
  EXPECT_EQ(end.code, 1);
  const std::string whole = folder_.file("whole");
  const Json result = json("complete", {"-p", "the sea", "--logits", whole});
  const std::uintmax_t row = std::filesystem::file_size(whole) / result["tokens"].size();
  EXPECT_TRUE(!std::filesystem::exists(logits) || std::filesystem::file_size(logits) % row == 0)
      << "text of the answer is in the file";
}

TEST_F(CliOutput, AReaderThatIsGoneEndsItQuietly) {
  const std::string pipe = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const char* format : {"--json", "--exact"}) {
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(reader, 0);
    const auto program =
        start({"complete", "-m", model_, "-p", "the sea", "-n", "30", format}, {.out = pipe});
    ::close(reader);
    const ProgramEnd end = program->wait();
    EXPECT_EQ(end.signal, SIGPIPE) << "code " << end.code;
    EXPECT_EQ(end.err, "");
  }
}

TEST_F(CliOutput, AnOutputIsNeverAnInput) {
  const std::string pack = folder_.file("tiny.engram.gguf");
  const std::string link = folder_.file("link");
  const std::string name = folder_.file("name");
  std::filesystem::create_symlink(model_, link);
  std::filesystem::create_hard_link(model_, name);
  const std::string model = file_text(model_), rows = file_text(pack);
  for (const std::string& out : {model_, link, name, pack, folder_.file("stdin")}) {
    const ProgramEnd end =
        run({"complete", "-m", model_, "--logits", out, "--memory", pack}, "the sea");
    EXPECT_EQ(end.code, 1) << out;
    EXPECT_NE(end.err.find("is read by this very command"), std::string::npos) << end.err;
    EXPECT_EQ(end.out, "") << "it is refused before the answer";
  }
  for (const Arguments& arguments :
       std::vector<Arguments>{{"pack", pack, "-o", pack},
                              {"pack", pack, "-o", link},
                              {"synth", model_, "--tokenizer-from", model_},
                              {"synth", link, "--pack", "-m", model_}}) {
    EXPECT_EQ(run(arguments).code, 1);
  }
  EXPECT_EQ(file_text(model_), model);
  EXPECT_EQ(file_text(pack), rows);
}

TEST_F(CliOutput, TwoDoNotWriteOneFile) {
  const std::string out = folder_.file("out");
  auto other = OutputFile::open(out, {.replace = false, .resumable = true});
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->append(std::as_bytes(std::span("begun", 5))));
  for (const Arguments& arguments :
       std::vector<Arguments>{{"pack", folder_.file("tiny.engram.gguf"), "-o", out},
                              {"synth", out, "--tokenizer-from", model_, "--shape", "135m"},
                              {"complete", "-m", model_, "-p", "a", "-n", "1", "--logits", out}}) {
    const ProgramEnd end = run(arguments);
    EXPECT_EQ(end.code, 1);
    EXPECT_NE(end.err.find("is being written by another program"), std::string::npos) << end.err;
  }
  EXPECT_EQ(file_text(OutputFile::part_path(out)), "begun");
}

TEST_F(CliOutput, APromptIsTextOrRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "empty"},
      {std::string("a\0b", 3), "its byte 2 is zero"},
      {"\xff\xfe h i", "byte 1 is 0xff"},
      {"caf\xe9", "byte 4 is 0xe9"},
      {"cut \xc3", "byte 5 is 0xc3"},
  };
  for (const auto& [text, reason] : cases) {
    const ProgramEnd end = run({"complete", "-m", model_, "-n", "1"}, text);
    EXPECT_EQ(end.code, 1);
    EXPECT_NE(end.err.find(reason), std::string::npos) << end.err;
    EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
  }
  EXPECT_EQ(json("complete", {"-n", "1"}, "\xef\xbb\xbfthe sea")["prompt_tokens"],
            json("complete", {"-n", "1"}, "the sea")["prompt_tokens"]);
}

}  // namespace
}  // namespace mneme

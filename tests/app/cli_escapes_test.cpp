// SPDX-License-Identifier: Apache-2.0
// Nothing of a file reaches the terminal as an escape sequence: models and packs with one in every
// string, through every command; and answers, which are a file's text too.
#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "tests/app/cli_fixture.h"
#include "tests/support/gguf_edit.h"

namespace mneme {
namespace {

// Clears a screen, turns the direction, sets a title, breaks UTF-8.
const std::string kHostile = "\x1b[2J\u202e\u009b31m\x07\r\xff";

// What a terminal would obey, or what is no text at all; line breaks and tabs are ours.
bool is_clean(std::string_view text) {
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const char32_t c = step.code;
    if (step.kind != Utf8Step::Kind::character) return false;
    if ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0x202e)
      return false;
    text.remove_prefix(step.size);
  }
  return true;
}

class CliEscapes : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    pack_ = folder_.file("tiny.engram.gguf");
  }

  // Every command that takes such a file, and none may pass the escapes on.
  void expect_clean(const std::vector<Arguments>& commands, const std::string& what) {
    for (const Arguments& command : commands) {
      const ProgramEnd end = run(command, "hello\n");
      EXPECT_EQ(end.signal, 0) << what << ": " << command[0];
      EXPECT_TRUE(is_clean(end.out)) << what << ": " << command[0] << " printed " << end.out;
      EXPECT_TRUE(is_clean(end.err)) << what << ": " << command[0] << " said " << end.err;
    }
  }

  // A copy with the escapes behind the text of `key`, or behind a tensor's name.
  static GgufEdit hostile_key(const GgufFile& file, const MetadataEntry& entry) {
    if (entry.type == MetadataType::string) {
      const auto text = *file.metadata().require<std::string_view>(entry.key);
      return replace_key(std::string(entry.key), [=](GgufWriter& w) {
        w.add_string(entry.key, std::string(text) + kHostile);
      });
    }
    return replace_key(std::string(entry.key), [=](GgufWriter& w) {
      w.add_string(std::string(entry.key) + kHostile, kHostile);
    });
  }
  static GgufEdit hostile_tensor(const GgufTensor& tensor) {
    return {{}, {std::string(tensor.name)}, [=](GgufWriter& w) {
              w.add_tensor(std::string(tensor.name) + kHostile, tensor.ggml_type,
                           {tensor.dims.begin(), tensor.dims.begin() + tensor.dim_count},
                           tensor.bytes);
            }};
  }

  void expect_clean_edits(const std::string& path, const std::vector<Arguments>& commands,
                          const std::string& edited) {
    const auto file = GgufFile::open(path);
    ASSERT_TRUE(file);
    for (const MetadataEntry& entry : file->metadata().entries()) {
      if (entry.key == "general.alignment") continue;
      write_edited(*file, hostile_key(*file, entry), edited);
      expect_clean(commands, std::string(entry.key));
    }
    for (std::size_t i = 0; i < file->tensors().size(); i += 5) {
      write_edited(*file, hostile_tensor(file->tensors()[i]), edited);
      expect_clean(commands, std::string(file->tensors()[i].name));
    }
  }

  std::string pack_;
};

TEST_F(CliEscapes, StringsOfAModelAreShownAsText) {
  const std::string edited = folder_.file("edited.gguf");
  expect_clean_edits(model_,
                     {{"check", edited},
                      {"check", edited, "--json"},
                      {"complete", "-m", edited, "--memory", "off", "-p", "a", "-n", "1", "--json"},
                      {"chat", "-m", edited, "--memory", "off", "-n", "1", "-v", "--json"}},
                     edited);
}

TEST_F(CliEscapes, StringsOfAPackAreShownAsText) {
  const std::string edited = folder_.file("edited.gguf");
  expect_clean_edits(
      pack_,
      {{"check", edited, "-m", model_},
       {"tables", edited},
       {"tables", edited, "--json"},
       {"inspect", "-m", model_, "--memory", edited, "-p", "a"},
       {"complete", "-m", model_, "--memory", edited, "-p", "a", "-n", "1", "--json"},
       {"pack", edited, "-o", folder_.file("out.gguf"), "--estimate"}},
      edited);
}

TEST_F(CliEscapes, RefusalsOfATemplateAreShownAsText) {
  const auto file = GgufFile::open(model_);
  ASSERT_TRUE(file);
  const std::string edited = folder_.file("edited.gguf");
  write_edited(*file,
               set_string("tokenizer.chat_template", "{{ raise_exception('no" + kHostile + "') }}"),
               edited);
  const ProgramEnd end = run({"chat", "-m", edited, "--memory", "off", "-p", "hello"});
  EXPECT_EQ(end.code, 1);
  EXPECT_NE(end.err.find("no\\x1b[2J"), std::string::npos) << end.err;
  EXPECT_TRUE(is_clean(end.err)) << end.err;
}

TEST_F(CliEscapes, NamesInAnIndexAreShownAsText) {
  const std::string index = folder_.file("model.safetensors.index.json");
  std::ofstream(index)
      << R"({"weight_map":{"layers.3.engram.table.weight":"a\u001b[2J\u202e.safetensors"}})";
  expect_clean({{"tables", index}, {"check", index, "--full"}}, "index");
}

// Runs the program with its output on a terminal.
std::string on_a_terminal(Arguments arguments) {
  arguments.insert(arguments.begin(), MNEME_CLI);
  std::vector<char*> argv;
  for (std::string& text : arguments) argv.push_back(text.data());
  argv.push_back(nullptr);
  termios raw{};
  ::cfmakeraw(&raw);
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, &raw, nullptr);
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);  // its progress is for a terminal
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  std::string out;
  std::array<char, 4096> block;
  for (ssize_t n = 0; (n = ::read(terminal, block.data(), block.size())) > 0;)
    out.append(block.data(), static_cast<std::size_t>(n));
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << out;
  return out;
}

TEST_F(CliEscapes, AnAnswerIsRawInAPipeAndTextOnATerminal) {
  // Random tokens: every eighth byte is a control character.
  const Arguments complete = {"complete", "-m",      model_, "--memory", "off", "-p",
                              "a",        "-n",      "300",  "--temp",   "5",   "--top-k",
                              "0",        "--top-p", "1",    "--min-p",  "0",   "--seed",
                              "1",        "--ctx",   "512",  "-t",       "1"};
  EXPECT_NE(run(complete).out.find('\x1b'), std::string::npos);
  const std::string shown = on_a_terminal(complete);
  EXPECT_NE(shown.find("\\x1b"), std::string::npos) << shown;
  EXPECT_TRUE(is_clean(shown)) << shown;
}

}  // namespace
}  // namespace mneme

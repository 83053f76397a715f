// SPDX-License-Identifier: Apache-2.0
// kill -9 while an answer is being written: what was committed is there, the answer is marked
// interrupted, and nothing older than about a second is lost. The writer is this test program
// again, started with the name of its disabled test.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "inference/run/answer_writer.h"
#include "inference/text/tokenizer.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_vocabulary.h"
#include "tests/support/trace_records.h"

extern char** environ;

namespace mneme {
namespace {

constexpr const char* kPathVariable = "MNEME_KILL_TEST_DATABASE";
constexpr const char* kPipeVariable = "MNEME_KILL_TEST_PIPE";
constexpr const char* kQuestion = "what the user typed";

// One byte to the parent for each token, after on_progress saw it.
void tell(int fd) {
  if (write(fd, "t", 1) != 1) _exit(3);
}

// Not a test of its own: the program that is killed. Writes an answer without end.
TEST(KillTestWriter, DISABLED_WritesUntilItIsKilled) {
  const char* path = std::getenv(kPathVariable);
  const char* pipe_number = std::getenv(kPipeVariable);
  ASSERT_TRUE(path != nullptr && pipe_number != nullptr);
  const int fd = std::atoi(pipe_number);
  const std::string gguf = TinyVocabulary().gguf();
  auto file = GgufFile::parse(std::as_bytes(std::span(gguf)), "tiny.gguf");
  ASSERT_TRUE(file);
  const auto tokenizer = Tokenizer::from_gguf(*file);
  ASSERT_TRUE(tokenizer);
  auto store = ChatStore::open(path);
  ASSERT_TRUE(store);
  MessageId answer = 0;
  (*store)->run([&](Library& library) {
    const ChatId chat = *library.create_chat("", {});
    answer = *library.begin_answer(chat, *library.add_message(chat, 0, Role::user, kQuestion));
  });
  const auto log = std::make_shared<TraceLog>();
  AnswerWriter writer(**store, *tokenizer, log, 0, answer, 0);
  GenerateProgress progress;
  progress.phase = GeneratePhase::decode;
  const auto tokens = tokenizer->encode("0123456789");
  for (std::size_t i = 0;; ++i) {
    log->append(test_record(tokens[i % tokens.size()]));
    writer.on_progress(progress);
    tell(fd);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

class Child {
 public:
  explicit Child(const std::string& path) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    std::vector<std::string> variables = {
        std::string(kPathVariable) + "=" + path,
        std::string(kPipeVariable) + "=" + std::to_string(ends[1])};
    for (char** variable = environ; *variable != nullptr; ++variable)
      variables.emplace_back(*variable);
    std::vector<std::string> arguments = {"/proc/self/exe", "--gtest_filter=KillTestWriter.*",
                                          "--gtest_also_run_disabled_tests"};
    std::vector<char*> argv, envp;
    for (std::string& text : arguments) argv.push_back(text.data());
    for (std::string& text : variables) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, argv.data(), envp.data()), 0);
    close(ends[1]);
    tokens_ = ends[0];
  }
  ~Child() {
    kill_now();
    close(tokens_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Tokens that were told within `time`, from the first token on.
  std::size_t count_tokens(std::chrono::milliseconds time) {
    char bytes[4096];
    std::size_t count = 0;
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < end) {
      pollfd wait{tokens_, POLLIN, 0};
      if (poll(&wait, 1, 20) <= 0) continue;
      const ssize_t n = read(tokens_, bytes, sizeof bytes);
      if (n <= 0) break;
      if (count == 0) end = std::chrono::steady_clock::now() + time;
      count += static_cast<std::size_t>(n);
    }
    return count;
  }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the writer ended by itself";
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  int tokens_ = -1;
};

TEST(KillMinusNine, LosesNothingOlderThanASecond) {
  const TempFolder folder;
  const std::string path = folder.file("chats.db");
  std::size_t chats_expected = 0;
  for (const int run_ms : {1100, 1700, 2300}) {
    std::size_t before = 0;
    {
      Child child(path);
      // Everything told by now is a second old, and one slow step more, when the program is killed.
      before = child.count_tokens(std::chrono::milliseconds(run_ms));
      static_cast<void>(child.count_tokens(std::chrono::milliseconds(1200)));
      child.kill_now();
    }
    ASSERT_GT(before, 10u);
    ++chats_expected;
    auto library = Library::open(path);
    ASSERT_TRUE(library) << library.error().message;
    const auto chats = (*library)->chats();
    ASSERT_TRUE(chats);
    ASSERT_EQ(chats->size(), chats_expected);
    const ChatRow& chat = chats->front();
    EXPECT_EQ(chat.title, kQuestion);
    const auto messages = (*library)->messages(chat.id);
    ASSERT_TRUE(messages) << messages.error().message;
    ASSERT_EQ(messages->size(), 2u);
    EXPECT_EQ((*messages)[0].text, kQuestion);
    const MessageRow& answer = (*messages)[1];
    EXPECT_EQ(answer.state, MessageState::interrupted);
    EXPECT_GE(answer.text.size(), before);
    for (std::size_t i = 0; i < answer.text.size(); ++i) {
      ASSERT_EQ(answer.text[i], static_cast<char>('0' + i % 10));
    }
    TraceLog log;
    ASSERT_TRUE(log.append_serialized(*(*library)->trace(chat.id)));
    EXPECT_EQ(log.size(), answer.text.size());
    EXPECT_EQ(answer.end_event, log.size());
  }
}

TEST(KillMinusNine, AtAnyMomentLeavesALibraryThatOpens) {
  const TempFolder folder;
  const std::string path = folder.file("chats.db");
  for (int round = 0; round < 8; ++round) {
    Child child(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + 17 * round));
    child.kill_now();
    auto library = Library::open(path);
    ASSERT_TRUE(library) << library.error().message;
    const auto chats = (*library)->chats();
    ASSERT_TRUE(chats);
    for (const ChatRow& chat : *chats) {
      const auto messages = (*library)->messages(chat.id);
      ASSERT_TRUE(messages) << messages.error().message;
      for (const MessageRow& message : *messages) EXPECT_NE(message.state, MessageState::streaming);
      EXPECT_TRUE((*library)->trace(chat.id));
    }
  }
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// mneme-cli chat: a conversation in the terminal; each line of standard input is a message. With
// -p, one message and its answer. On a terminal a line that cannot be answered is only reported; in
// a pipe the other lines are answered too, and the exit code is that of a failure.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/print_answer.h"
#include "app/cli/result_json.h"
#include "app/cli/stall_notice.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/printable.h"

namespace mneme::cli {
namespace {

// The conversation so far.
struct Talk {
  std::vector<ChatMessage> messages;
  std::int64_t dropped_messages = 0;             // the oldest ones, which the last prompt left out
  const std::time_t began = std::time(nullptr);  // GenerateRequest::now of every prompt
};

// Sends `text` and prints the answer, then appends both to `talk`; after Ctrl+C as much of the
// answer as there is. After an error `talk` is unchanged. Errors: invalid, where only this text
// cannot be answered, so that the next one may be; every other one ends the chat.
Status answer(Engine& engine, const CommonOptions& options, const std::string& text, Talk& talk) {
  GenerateRequest request;
  request.messages = talk.messages;
  request.messages.push_back({Role::user, text});
  request.now = talk.began;
  request.dropped_messages = talk.dropped_messages;
  request.sampling = options.settings.chat.sampling;
  request.max_tokens = options.settings.chat.max_tokens;
  request.drop_oldest_turns = true;
  request.cancel = interrupt_flag();
  std::vector<TokenId> tokens;  // of prompt and reply, where they are printed
  if (options.json) {
    auto prompt = engine.prompt_tokens(request);
    if (!prompt) return prompt.error();
    tokens = std::move(*prompt);
    request.trace = std::make_shared<TraceLog>();
  }
  std::optional<StallNotice> notice(std::in_place, engine);
  auto result = engine.generate(request, [&](const GenerateProgress& progress) {
    if (options.json || progress.new_text.empty()) return;
    print_answer(progress.new_text);
  });
  notice.reset();  // its thread prints too: not between the lines below
  if (!result) return result.error();
  if (options.json) {
    append_reply(tokens, *request.trace, *result);
    print_out("{}\n", to_json_line(engine.layout(), *result, tokens));
  } else {
    write_out("\n");
    if (result->dropped_messages > 0) {
      print_err("[the oldest {} messages no longer fit the context and were left out]\n",
                result->dropped_messages);
    }
    if (result->stop_reason == StopReason::context_full) print_err("[the context is full]\n");
  }
  flush_out();
  talk.messages = std::move(request.messages);
  talk.messages.push_back({Role::assistant, result->text, result->tokens});
  talk.dropped_messages = result->dropped_messages;
  return {};
}

// Reads the next line of standard input, without its LF or CRLF. Of a line of more than
// kTextBytesMax bytes only the first kTextBytesMax + 1 are stored, enough for text_of_line() to
// refuse it. False at the end of the input, and where Ctrl+C ended the read.
bool read_line(std::string& line) {
  using Traits = std::char_traits<char>;
  line.clear();
  std::streambuf& in = *std::cin.rdbuf();
  for (auto c = in.sbumpc(); c != '\n'; c = in.sbumpc()) {
    if (c == Traits::eof()) return !line.empty();
    if (line.size() <= kTextBytesMax) line.push_back(Traits::to_char_type(c));
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

// A line without text is not sent.
bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r\v\f") == std::string::npos;
}

// The line as a message. Errors: invalid (too large, not UTF-8, a zero byte).
Result<std::string> text_of_line(std::string line) {
  if (line.size() <= kTextBytesMax) return check_text(std::move(line), "the line");
  return Error{ErrorCode::invalid,
               fmt::format("the line is larger than {} MiB", kTextBytesMax >> 20)};
}

int run(const CommonOptions& options) {
  auto engine = open_engine(options);
  if (!engine) return fail(engine.error());
  if (!(*engine)->layout().chat_available) {
    return fail(Error{ErrorCode::unsupported, (*engine)->layout().chat_unavailable_reason});
  }
  Talk talk;
  if (const std::string& system = options.settings.system_prompt; !system.empty()) {
    talk.messages.push_back({Role::system, system});
  }
  if (options.prompt) {
    auto prompt = read_prompt(options);
    if (!prompt) return fail(prompt.error());
    const Status answered = answer(**engine, options, *prompt, talk);
    if (!answered) return fail(answered.error());
    return was_interrupted() ? kInterrupted : kDone;
  }
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (terminal) {
    print_out("{}\nCtrl+C stops an answer, Ctrl+D ends.\n", printable((*engine)->layout().name));
  }
  int exit_code = kDone;
  for (;;) {
    if (terminal) {
      print_out("> ");
      flush_out();
    }
    std::string line;
    if (!read_line(line)) return was_interrupted() ? kInterrupted : exit_code;
    if (is_blank(line)) continue;
    const auto text = text_of_line(std::move(line));
    const Status answered = text ? answer(**engine, options, *text, talk) : Status(text.error());
    if (!answered) {
      const int failed = fail(answered.error());
      if (answered.error().code != ErrorCode::invalid) return failed;
      if (!terminal) exit_code = failed;  // returned after the last line
    }
    if (was_interrupted()) {
      if (!terminal) return kInterrupted;
      clear_interrupt();
    }
  }
}

}  // namespace

Command add_chat(CLI::App& parent) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App* app = parent.add_subcommand("chat", "Chat in the terminal");
  add_model_options(*app, *options);
  add_prompt_options(*app, *options);
  add_chat_options(*app, *options);
  return [options] { return run(*options); };
}

}  // namespace mneme::cli

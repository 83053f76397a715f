// SPDX-License-Identifier: Apache-2.0
// mneme-cli chat: a conversation in the terminal; one line is one message. With -p, one answer.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/cli/print_answer.h"
#include "app/cli/result_json.h"
#include "app/cli/stall_notice.h"
#include "inference/base/printable.h"

namespace mneme::cli {
namespace {

struct ChatOptions : CommonOptions {
  std::string system;
};

// One turn: appends the answer to `messages`. Returns the exit code, kDone to go on.
int answer(Engine& engine, const ChatOptions& options, std::vector<ChatMessage>& messages) {
  GenerateRequest request;
  request.messages = messages;
  request.sampling = options.sampling();
  request.max_tokens = options.tokens_max;
  request.drop_oldest_turns = true;
  request.cancel = interrupt_flag();
  std::optional<StallNotice> notice(std::in_place, engine);
  auto result = engine.generate(request, [&](const GenerateProgress& progress) {
    if (options.json || progress.new_text.empty()) return;
    print_answer(progress.new_text);
  });
  notice.reset();
  if (!result) return fail(result.error());
  if (options.json) {
    fmt::print("{}\n", to_json_line(engine.layout(), *result, {}));
  } else {
    std::fputc('\n', stdout);
    if (result->dropped_messages > 0) {
      fmt::print(stderr, "[the oldest {} messages no longer fit the context and were left out]\n",
                 result->dropped_messages);
    }
    if (result->stop_reason == StopReason::context_full)
      fmt::print(stderr, "[the context is full]\n");
  }
  std::fflush(stdout);
  messages.push_back({Role::assistant, result->text});
  return kDone;
}

int run(const ChatOptions& options) {
  auto engine = open_engine(options);
  if (!engine) return fail(engine.error());
  if (!(*engine)->layout().chat_available) {
    return fail(Error{ErrorCode::unsupported, (*engine)->layout().chat_unavailable_reason});
  }
  std::vector<ChatMessage> messages;
  if (!options.system.empty()) messages.push_back({Role::system, options.system});
  if (options.prompt) {
    messages.push_back({Role::user, *options.prompt});
    const int code = answer(**engine, options, messages);
    return was_interrupted() ? kInterrupted : code;
  }
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (terminal)
    fmt::print("{}\nCtrl+C stops an answer, Ctrl+D ends.\n", printable((*engine)->layout().name));
  for (;;) {
    if (terminal) {
      fmt::print("> ");
      std::fflush(stdout);
    }
    std::string line;
    if (!std::getline(std::cin, line)) return was_interrupted() ? kInterrupted : kDone;
    if (line.empty()) continue;
    messages.push_back({Role::user, line});
    if (const int code = answer(**engine, options, messages); code != kDone) return code;
    if (was_interrupted()) {
      if (!terminal) return kInterrupted;
      clear_interrupt();
    }
  }
}

}  // namespace

Command add_chat(CLI::App& parent) {
  auto options = std::make_shared<ChatOptions>();
  CLI::App* app = parent.add_subcommand("chat", "Chat in the terminal");
  add_model_options(*app, *options);
  add_prompt_options(*app, *options);
  add_sampling_options(*app, *options);
  app->add_option("--system", options->system, "system prompt (default: the template's own)");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli

// SPDX-License-Identifier: Apache-2.0
// mneme-cli complete: continues a text.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/cli/print_answer.h"
#include "app/cli/result_json.h"
#include "app/cli/stall_notice.h"

namespace mneme::cli {
namespace {

struct CompleteOptions : CommonOptions {
  std::string logits_path;
};

// Evaluates prompt and reply once more, from scratch, and writes the logits of every position.
Status write_logits(Engine& engine, const std::string& path, const std::vector<TokenId>& tokens,
                    bool memory_on) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                             &std::fclose);
  if (!file)
    return Error{ErrorCode::io, fmt::format("cannot write {}: {}", path, std::strerror(errno))};
  bool written = true;
  RETURN_IF_ERROR(engine.evaluate(
      tokens, memory_on,
      [&](std::int64_t, std::span<const float> logits) {
        written =
            written && std::fwrite(logits.data(), 4, logits.size(), file.get()) == logits.size();
      },
      nullptr, false, interrupt_flag()));
  if (!written || std::fflush(file.get()) != 0) {
    return Error{ErrorCode::io, fmt::format("cannot write {}: {}", path, std::strerror(errno))};
  }
  return {};
}

int run(const CompleteOptions& options, bool tokens_given) {
  auto prompt = read_prompt(options);
  if (!prompt) return fail(prompt.error());
  auto engine = open_engine(options);
  if (!engine) return fail(engine.error());

  GenerateRequest request;
  request.raw_prompt = *prompt;
  request.sampling = options.sampling();
  request.max_tokens = options.tokens_max;
  request.trace = std::make_shared<TraceLog>();
  request.cancel = interrupt_flag();
  GenerateResult result;
  auto tokens = (*engine)->prompt_tokens(request);
  if (!tokens) return fail(tokens.error());
  result.prompt_tokens = static_cast<std::int64_t>(tokens->size());
  const bool generate = options.logits_path.empty() ? options.tokens_max > 0 || !tokens_given
                                                    : tokens_given && options.tokens_max > 0;
  if (generate) {
    std::optional<StallNotice> notice(std::in_place, **engine);
    auto answer = (*engine)->generate(request, [&](const GenerateProgress& progress) {
      if (options.json || progress.new_text.empty()) return;
      print_answer(progress.new_text);
    });
    notice.reset();
    if (!answer) return fail(answer.error());
    result = std::move(*answer);
    if (!options.json) std::fputc('\n', stdout);
    for (EventIndex i = result.reply_first_event; i < result.reply_end_event; ++i) {
      tokens->push_back(request.trace->record(i).token());
    }
  }
  if (!options.logits_path.empty() && !was_interrupted()) {
    if (const auto status = write_logits(**engine, options.logits_path, *tokens, true); !status) {
      return fail(status.error());
    }
  }
  if (options.json) fmt::print("{}\n", to_json_line((*engine)->layout(), result, *tokens));
  return was_interrupted() ? kInterrupted : kDone;
}

}  // namespace

Command add_complete(CLI::App& parent) {
  auto options = std::make_shared<CompleteOptions>();
  CLI::App* app = parent.add_subcommand("complete", "Continue a text");
  add_model_options(*app, *options);
  add_prompt_options(*app, *options);
  add_sampling_options(*app, *options);
  app->add_option("--logits", options->logits_path,
                  "write the logits of every evaluated position: float32, [positions, vocabulary]");
  return [options, app] { return run(*options, app->count("-n") > 0); };
}

}  // namespace mneme::cli

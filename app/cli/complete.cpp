// SPDX-License-Identifier: Apache-2.0
// mneme-cli complete: continues a text.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/print_answer.h"
#include "app/cli/read_tokens.h"
#include "app/cli/result_json.h"
#include "app/cli/stall_notice.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/output_file.h"

namespace mneme::cli {
namespace {

struct CompleteOptions : CommonOptions {
  std::string ids_path;
  std::string logits_path;
};

// Evaluates prompt and reply once more, from scratch, and writes the logits of every position.
Status write_logits(Engine& engine, OutputFile& file, const std::vector<TokenId>& tokens,
                    bool memory_on) {
  Status written;
  const Status evaluated = engine.evaluate(
      tokens, memory_on,
      [&](std::int64_t, std::span<const float> logits) {
        if (written) written = file.append(std::as_bytes(logits));
        if (!written) stop_command();
      },
      nullptr, false, interrupt_flag());
  RETURN_IF_ERROR(written);
  RETURN_IF_ERROR(evaluated);
  return file.finish();
}

// The prompt, as text or as ids.
Status read_prompt_into(const CompleteOptions& options, GenerateRequest& request) {
  if (!options.ids_path.empty()) {
    auto ids = read_token_ids(options.ids_path);
    if (!ids) return ids.error();
    request.prompt_tokens = std::move(*ids);
    return {};
  }
  auto prompt = read_prompt(options);
  if (!prompt) return prompt.error();
  request.raw_prompt = std::move(*prompt);
  return {};
}

int run(const CompleteOptions& options, bool tokens_given) {
  GenerateRequest request;
  if (const auto read = read_prompt_into(options, request); !read) return fail(read.error());
  auto engine = open_engine(options);
  if (!engine) return fail(engine.error());
  std::optional<OutputFile> logits;  // before the answer, whose time would be lost
  if (!options.logits_path.empty()) {
    auto file = OutputFile::open(options.logits_path);
    if (!file) return fail(file.error());
    logits.emplace(std::move(*file));
  }

  const std::int64_t max_tokens = options.settings.chat.max_tokens;
  request.sampling = options.settings.chat.sampling;
  request.max_tokens = max_tokens;
  request.trace = std::make_shared<TraceLog>();
  request.cancel = interrupt_flag();
  GenerateResult result;
  auto tokens = (*engine)->prompt_tokens(request);
  if (!tokens) return fail(tokens.error());
  result.prompt_tokens = static_cast<std::int64_t>(tokens->size());
  const bool generate = logits ? tokens_given && max_tokens > 0 : max_tokens > 0 || !tokens_given;
  if (generate) {
    std::optional<StallNotice> notice(std::in_place, **engine);
    auto answer = (*engine)->generate(request, [&](const GenerateProgress& progress) {
      if (options.json || progress.new_text.empty()) return;
      print_answer(progress.new_text);
    });
    notice.reset();
    if (!answer) return fail(answer.error());
    result = std::move(*answer);
    if (!options.json) write_out("\n");
    append_reply(*tokens, *request.trace, result);
  }
  if (logits && !was_interrupted()) {
    if (const auto status = write_logits(**engine, *logits, *tokens, true); !status) {
      return fail(status.error());
    }
  }
  if (options.json) print_out("{}\n", to_json_line((*engine)->layout(), result, *tokens));
  return was_interrupted() ? kInterrupted : kDone;
}

}  // namespace

Command add_complete(CLI::App& parent) {
  auto options = std::make_shared<CompleteOptions>();
  CLI::App* app = parent.add_subcommand("complete", "Continue a text");
  add_model_options(*app, *options);
  add_prompt_options(*app, *options);
  add_name(*app, "--ids", options->ids_path, "FILE",
           "the prompt as a JSON list of token ids, read as they are: nothing is put before them")
      ->excludes("--prompt");
  add_setting(*app, find_setting("new_chats/max_tokens"), options->settings);
  add_sampling_options(*app, *options);
  add_name(*app, "--logits", options->logits_path, "FILE",
           "write the logits of every evaluated position: float32, [positions, vocabulary]");
  return [options, app] { return run(*options, app->count("-n") > 0); };
}

}  // namespace mneme::cli

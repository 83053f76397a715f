// SPDX-License-Identifier: Apache-2.0
// mneme-cli inspect: what the memory did for each token. The command-line twin of the token card.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "base/printable.h"
#include "engram/ngram_hasher.h"
#include "engram/tier_stats.h"
#include "inference/text/tokenizer.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions : CommonOptions {
  bool chat = false;
  bool prompt_probs = false;
};

// Tokens of the whole sequence that the trace speaks of, in order of position.
std::vector<TokenId> tokens_of(const TraceLog& trace) {
  std::vector<TokenId> tokens;
  for (EventIndex i = 0; i < trace.size(); ++i) tokens.push_back(trace.record(i).token());
  return tokens;
}

// JSON Lines: one record a position, layer, order and head.
void print_json(const Engine& engine, const TraceLog& trace) {
  const NgramHasher& hasher = *engine.hasher();
  const HashSpec& spec = hasher.spec();
  const TierStats stats = engine.tiers();
  const std::vector<TokenId> tokens = tokens_of(trace);
  std::vector<NgramKey> keys(static_cast<std::size_t>(spec.orders()));
  std::vector<RowId> rows(static_cast<std::size_t>(spec.head_count));
  for (EventIndex i = 0; i < trace.size(); ++i) {
    const TraceRecord record = trace.record(i);
    hasher.keys_at(tokens, i, keys);
    for (int slot = 0; slot < record.shape().layers; ++slot) {
      Json gates = Json::array();
      for (int g = 0; g < record.shape().streams; ++g) gates.push_back(record.gate(slot, g));
      for (int order = 0; order < record.shape().orders; ++order) {
        hasher.rows(static_cast<std::size_t>(slot), keys[static_cast<std::size_t>(order)], rows);
        for (int head = 0; head < spec.head_count; ++head) {
          Json line;
          line["position"] = record.header().position;
          line["token"] = record.token();
          line["text"] = engine.tokenizer().decode(record.token());
          line["layer"] = spec.layers[static_cast<std::size_t>(slot)].layer_id;
          line["order"] = order + 2;
          line["head"] = head;
          line["row"] = rows[static_cast<std::size_t>(head)];
          line["tier"] = tier_label(record.tier(slot, order), stats);
          line["latency_us"] = record.latency_us(slot, order);
          line["gate"] = record.gate_max(slot);
          line["gates"] = gates;
          line["write"] = record.write_max(slot);
          print_out("{}\n", json_text(line));
        }
      }
    }
  }
}

// One line a token: position, probability, then gate, write and tiers of each layer.
void print_text(const Engine& engine, const TraceLog& trace) {
  const TierStats stats = engine.tiers();
  const MemoryLayout& memory = *engine.layout().memory;
  print_out("memory: {}{}\n", printable(memory.name),
            memory.trained ? "" : " (untrained: random rows, no knowledge)");
  print_out("{:>8}  {:>7}  {:>6}  {:20}", "position", "token", "prob", "text");
  for (const std::int32_t layer : memory.layer_ids) {
    print_out("  {:>10} {:>6}  {:16}", fmt::format("gate @{}", layer), "write", "2-, 3-, ..grams");
  }
  print_out("\n");
  for (EventIndex i = 0; i < trace.size(); ++i) {
    const TraceRecord record = trace.record(i);
    const TraceHeader& header = record.header();
    const std::string probability =
        header.top_count > 0 ? fmt::format("{:.1f}%", 100 * std::exp(header.log_prob)) : "-";
    print_out("{:>8}  {:>7}  {:>6}  {:20}", header.position, record.token(), probability,
              json_text(Json(engine.tokenizer().decode(record.token()))));
    for (int slot = 0; slot < record.shape().layers; ++slot) {
      std::string tiers;
      for (int order = 0; order < record.shape().orders; ++order) {
        tiers +=
            fmt::format("{}{}", order > 0 ? ", " : "", tier_label(record.tier(slot, order), stats));
      }
      print_out("  {:>10.3f} {:>6.3f}  {:16}", record.gate_max(slot), record.write_max(slot),
                tiers);
    }
    print_out("\n");
  }
}

int run(const InspectOptions& options) {
  auto prompt = read_prompt(options);
  if (!prompt) return fail(prompt.error());
  auto opened = open_engine(options);
  if (!opened) return fail(opened.error());
  Engine& engine = **opened;
  if (engine.hasher() == nullptr) {
    return fail(Error{ErrorCode::invalid,
                      "there is no memory to inspect: " + engine.layout().memory_absent_reason});
  }
  GenerateRequest request;
  if (options.chat) {
    request.messages = {{Role::user, *prompt}};
    request.now = std::time(nullptr);
  } else {
    request.raw_prompt = *prompt;
  }
  request.sampling = options.settings.chat.sampling;
  request.max_tokens = options.settings.chat.max_tokens;
  request.prompt_probabilities = options.prompt_probs;
  request.trace = std::make_shared<TraceLog>();
  request.cancel = interrupt_flag();
  if (options.settings.chat.max_tokens > 0) {
    auto result = engine.generate(request);
    if (!result) return fail(result.error());
  } else {
    auto tokens = engine.prompt_tokens(request);
    if (!tokens) return fail(tokens.error());
    const auto status = engine.evaluate(*tokens, true, {}, request.trace.get(),
                                        options.prompt_probs, interrupt_flag());
    if (!status) return fail(status.error());
  }
  if (options.json) {
    print_json(engine, *request.trace);
  } else {
    print_text(engine, *request.trace);
  }
  return was_interrupted() ? kInterrupted : kDone;
}

}  // namespace

Command add_inspect(CLI::App& parent) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* app =
      parent.add_subcommand("inspect", "Show gates, rows and tiers for each token of a text");
  add_model_options(*app, *options);
  add_prompt_options(*app, *options);
  add_setting(*app, find_setting("new_chats/max_tokens"), options->settings);
  add_sampling_options(*app, *options);
  app->add_flag("--chat", options->chat,
                "read the prompt as a user's message, through the chat template");
  app->add_flag("--prompt-probs", options->prompt_probs,
                "also the probabilities of prompt tokens (slower: logits for every position)");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli

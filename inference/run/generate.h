// SPDX-License-Identifier: Apache-2.0
// What an answer is asked with and what comes back: plain data, shared by the engine, the command
// line, the window and the database.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "inference/run/sampler_options.h"
#include "inference/trace/trace_log.h"

namespace mneme {

enum class Role : std::uint8_t { system = 0, user = 1, assistant = 2 };

// As templates know them: "system", "user", "assistant".
inline std::string_view role_name(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
  }
  return "?";
}

struct ChatMessage {
  Role role = Role::user;
  std::string text;
  // Of an answer: the tokens that were picked. The prompt has exactly these where they give `text`
  // and the template writes it unchanged; else, and without them, the text is encoded.
  std::vector<TokenId> tokens = {};
};

enum class StopReason : std::uint8_t {
  end_of_turn = 0,   // the model ended its turn or its text
  length = 1,        // max_tokens reached
  context_full = 2,  // no room for another token
  stopped = 3,       // the user
  stop_text = 4,     // one of SamplerOptions::stops
};

struct GenerateRequest {
  // A chat, rendered by the model's template; with no messages, plain text to continue; or, in
  // place of both, tokens that are read as they are, with nothing put before them.
  std::vector<ChatMessage> messages;
  std::string raw_prompt;
  std::vector<TokenId> prompt_tokens;
  // Unix time that templates are told: one value a chat, so that its prompts begin alike. Templates
  // that ask for it without one say that it is missing.
  std::optional<std::int64_t> now;
  // What was traced in earlier answers is not recorded again: all up to the last answer before this
  // message, and the prompt as far as it begins like `recorded`, the tokens that the chat's trace
  // ends with, by position.
  std::size_t record_from_message = 0;
  std::vector<TokenId> recorded;
  SamplerOptions sampling;
  std::int64_t max_tokens = 0;  // 0 = until the model ends or the context is full
  bool memory_on = true;
  bool ignore_end = false;            // go on past the end of the turn, for measurements
  bool prompt_probabilities = false;  // also the probabilities of prompt tokens: slower prefill
  // When the chat does not fit: leave out the oldest turns (counted in the result), or refuse.
  bool drop_oldest_turns = false;
  // As the last answer of this chat had it: what was left out stays out as long as the rest fits,
  // so that the prompt begins as it did and its beginning is found in the KV cache.
  std::int64_t dropped_messages = 0;
  std::shared_ptr<TraceLog> trace;  // where records go; null = none are kept
  // Set from any thread to end the answer within a step; must outlive the call. Null = never.
  const std::atomic<bool>* cancel = nullptr;
};

enum class GeneratePhase : std::uint8_t { prefill, decode };

struct GenerateProgress {
  GeneratePhase phase = GeneratePhase::prefill;
  std::int64_t prompt_done = 0;  // tokens of the prompt that are evaluated, reused ones included
  std::int64_t prompt_total = 0;
  std::int64_t generated = 0;  // tokens picked and evaluated
  EventIndex prompt_first_event = 0;
  EventIndex reply_first_event = 0;  // valid in phase decode
  // What was added to the reply since the last call: all of them make its text, also where the
  // answer ends with an error. Valid in the call.
  std::string_view new_text;
};

struct GenerateResult {
  StopReason stop_reason = StopReason::end_of_turn;
  std::string text;             // the reply, as ReplyText gives it
  std::vector<TokenId> tokens;  // of the reply, without those that end a turn
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;  // of the prompt, found in the KV cache
  std::int64_t generated_tokens = 0;
  std::int64_t dropped_messages = 0;
  double time_to_first_token_ms = 0;  // since generate() was called
  double prefill_tok_s = 0;           // of the tokens that were not reused
  double decode_tok_s = 0;
  std::uint64_t seed = 0;           // the one that was used
  std::uint64_t ngrams_device = 0;  // (n-gram, layer) pairs of this answer by tier
  std::uint64_t ngrams_ram = 0;
  std::uint64_t ngrams_ssd_in_time = 0;
  std::uint64_t ngrams_ssd_late = 0;
  std::uint64_t stall_us = 0;
  std::uint64_t trace_us = 0;  // spent on probabilities and records while decoding
  std::uint64_t decode_us = 0;
  EventIndex prompt_first_event = 0;  // records of this answer: prompt [prompt_first, reply_first),
  EventIndex reply_first_event = 0;   // reply [reply_first, reply_end)
  EventIndex reply_end_event = 0;
};

// Called on the engine's thread after every prefill chunk and every token.
using GenerateCallback = std::function<void(const GenerateProgress&)>;

}  // namespace mneme

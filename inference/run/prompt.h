// SPDX-License-Identifier: Apache-2.0
// From messages (or plain text) to the tokens that the model reads, with whose text each token is.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/run/generate.h"
#include "inference/text/chat_template.h"
#include "inference/text/tokenizer.h"

namespace mneme {

struct Prompt {
  std::vector<TokenId> tokens;
  std::vector<TokenSource> sources;  // of each token
  std::int64_t record_from = 0;      // tokens before this were traced in an earlier answer
  std::int64_t dropped_messages = 0;
};

// What a prompt leaves free for the answer before the oldest turns are left out: `max_tokens`, at
// most an eighth of the context.
std::int64_t answer_room(std::int64_t context, std::int64_t max_tokens);

// `chat_template` null = the model has none that runs. `context` bounds the tokens; one place is
// kept for an answer. Errors: unsupported (no template), invalid (empty, or does not fit: says by
// how much).
Result<Prompt> build_prompt(const Tokenizer& tokenizer, const ChatTemplate* chat_template,
                            const GenerateRequest& request, std::int64_t context);

}  // namespace mneme

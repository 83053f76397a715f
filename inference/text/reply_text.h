// SPDX-License-Identifier: Apache-2.0
// The text of a reply, from the tokens that were picked: the one place where they become text, so
// that what streams, what is stored and what is shown are the same. A token that ends a turn gives
// nothing, any other special token its name. What may still change is held back: half a character,
// and the beginning of a stop string. One reply, one thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "inference/text/utf8_stream.h"

namespace mneme {

class Tokenizer;

class ReplyText {
 public:
  // The reply ends in front of the first of `stops` that it contains; empty ones are ignored.
  explicit ReplyText(const Tokenizer& tokenizer, std::vector<std::string> stops = {});

  // The text that is certain with this token.
  std::string push(TokenId token);
  // At the end: what was held back; U+FFFD for half a character.
  std::string finish();

  bool holds_back() const { return utf8_.holds_back() || !held_.empty(); }
  bool stopped() const { return stopped_; }  // a stop string was met; more tokens give nothing

 private:
  std::string release(std::string_view more);

  const Tokenizer& tokenizer_;
  std::vector<std::string> stops_;
  Utf8Stream utf8_;
  std::string held_;  // a beginning of a stop string
  bool stopped_ = false;
};

// The first of `tokens` that give exactly `text`; none where no number of them does.
std::span<const TokenId> tokens_of_text(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                                        std::string_view text);

}  // namespace mneme

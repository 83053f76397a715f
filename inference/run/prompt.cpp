// SPDX-License-Identifier: Apache-2.0
#include "inference/run/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "inference/text/reply_text.h"

namespace mneme {
namespace {

TokenSource source_of(Role role) {
  switch (role) {
    case Role::system:
      return TokenSource::system;
    case Role::user:
      return TokenSource::user;
    case Role::assistant:
      return TokenSource::assistant;
  }
  return TokenSource::template_text;
}

// The messages as the template sees them: several of the user's that follow each other are joined.
// An answer that failed or was stopped before its first word says nothing to the model, and many
// templates refuse two messages of one role in a row.
struct Turns {
  std::vector<ChatMessage> messages;
  std::int32_t traced = -1;  // the last one that was traced whole
};

class TurnsWriter {
 public:
  explicit TurnsWriter(std::size_t traced_end) : traced_end_(traced_end) {}

  void add(const ChatMessage& message, std::size_t index) {
    std::vector<ChatMessage>& to = turns_.messages;
    const bool answer = message.role == Role::assistant;
    if (answer && message.text.empty()) return;
    if (message.role == Role::user && !to.empty() && to.back().role == Role::user) {
      to.back().text += "\n\n" + message.text;
    } else {
      to.push_back(message);
    }
    if (answer && index < traced_end_) turns_.traced = static_cast<std::int32_t>(to.size()) - 1;
  }
  Turns take() { return std::move(turns_); }

 private:
  const std::size_t traced_end_;
  Turns turns_;
};

// The tokens of a prompt, and the message that each is of: -1 = the template's own.
struct Encoded {
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> messages;
};

// Walks tokens along the pieces that they were made from; a token with any byte of a message
// belongs to it. False: there would be more than `most`.
bool append_encoded(const Tokenizer& tokenizer, std::span<const TextPiece> pieces, std::size_t most,
                    Encoded& to) {
  if (to.tokens.size() > most) return false;
  const auto tokens = tokenizer.encode(pieces, most - to.tokens.size());
  if (!tokens) return false;
  std::size_t at = 0;     // bytes of the pieces' text, which the next token begins with
  std::size_t piece = 0;  // that `at` lies in, and where it begins
  std::size_t begin = 0;
  for (const TokenId token : *tokens) {
    while (piece + 1 < pieces.size() && begin + pieces[piece].text.size() <= at) {
      begin += pieces[piece++].text.size();
    }
    const std::string decoded = tokenizer.decode(token);
    std::size_t end = at + decoded.size();
    // A space that the tokenizer put in front is in no piece.
    const std::string_view text = std::string_view(pieces[piece].text)
                                      .substr(std::min(at - begin, pieces[piece].text.size()));
    if (decoded.starts_with(' ') && !text.empty() && text[0] != ' ') --end;
    std::int32_t message = -1;
    std::size_t from = begin;
    for (std::size_t p = piece; p < pieces.size() && from < end; ++p) {
      if (pieces[p].user && from + pieces[p].text.size() > at) message = pieces[p].message;
      from += pieces[p].text.size();
    }
    to.tokens.push_back(token);
    to.messages.push_back(tokenizer.is_special(token) ? -1 : message);
    at = end;
  }
  return true;
}

// Answers keep the tokens that were picked: what stands before one was read on its own, too, when
// it was made. Nothing: there are more than `most`.
std::optional<Encoded> encode(const Tokenizer& tokenizer, std::span<const TextPiece> pieces,
                              std::span<const ChatMessage> messages, std::size_t most) {
  Encoded encoded;
  std::size_t done = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!pieces[i].user) continue;
    const ChatMessage& message = messages[static_cast<std::size_t>(pieces[i].message)];
    if (message.tokens.empty() || pieces[i].text != message.text) continue;
    const auto picked = tokens_of_text(tokenizer, message.tokens, message.text);
    if (picked.empty()) continue;
    if (!append_encoded(tokenizer, pieces.subspan(done, i - done), most, encoded))
      return std::nullopt;
    encoded.tokens.insert(encoded.tokens.end(), picked.begin(), picked.end());
    encoded.messages.insert(encoded.messages.end(), picked.size(), pieces[i].message);
    done = i + 1;
  }
  if (!append_encoded(tokenizer, pieces.subspan(done), most, encoded)) return std::nullopt;
  return encoded;
}

// Nothing: it has more tokens than are worth counting.
using CountedPrompt = std::optional<Prompt>;

class PromptBuilder {
 public:
  // `most`: tokens that are counted.
  PromptBuilder(const Tokenizer& tokenizer, const ChatTemplate* chat_template,
                const GenerateRequest& request, std::size_t most)
      : tokenizer_(tokenizer), template_(chat_template), request_(request), most_(most) {}

  // BOS only where the GGUF asks for it, and once: many templates write it themselves.
  void add_bos(Prompt& prompt) const {
    if (!tokenizer_.adds_bos() || !tokenizer_.bos()) return;
    if (!prompt.tokens.empty() && prompt.tokens.front() == *tokenizer_.bos()) return;
    prompt.tokens.insert(prompt.tokens.begin(), *tokenizer_.bos());
    prompt.sources.insert(prompt.sources.begin(), TokenSource::template_text);
  }

  CountedPrompt text() const {
    const TextPiece whole{request_.raw_prompt, true};
    auto tokens = tokenizer_.encode(std::span(&whole, 1), most_);
    if (!tokens) return std::nullopt;
    Prompt prompt;
    prompt.tokens = std::move(*tokens);
    prompt.sources.assign(prompt.tokens.size(), TokenSource::raw_prompt);
    add_bos(prompt);
    return prompt;
  }

  // The first `system` messages of the request and those from `start` on.
  Result<CountedPrompt> chat(std::size_t system, std::size_t start) const {
    TurnsWriter writer(request_.record_from_message);
    for (std::size_t i = 0; i < system; ++i) writer.add(request_.messages[i], i);
    for (std::size_t i = start; i < request_.messages.size(); ++i)
      writer.add(request_.messages[i], i);
    const Turns turns = writer.take();
    const std::vector<ChatMessage>& messages = turns.messages;
    ChatTemplate::RenderOptions options;
    if (const auto bos = tokenizer_.bos()) options.bos_token = tokenizer_.vocab_text(*bos);
    if (const auto eos = tokenizer_.eos()) options.eos_token = tokenizer_.vocab_text(*eos);
    options.now = request_.now;
    auto pieces = template_->render(messages, options);
    if (!pieces) return pieces.error();
    auto encoded = encode(tokenizer_, *pieces, messages, most_);
    if (!encoded) return CountedPrompt();

    Prompt prompt;
    std::int64_t traced_end = 0;
    for (std::size_t i = 0; i < encoded->tokens.size(); ++i) {
      const std::int32_t message = encoded->messages[i];
      prompt.sources.push_back(message < 0
                                   ? TokenSource::template_text
                                   : source_of(messages[static_cast<std::size_t>(message)].role));
      if (message >= 0 && message <= turns.traced) traced_end = static_cast<std::int64_t>(i) + 1;
    }
    prompt.tokens = std::move(encoded->tokens);
    const std::size_t before = prompt.tokens.size();
    add_bos(prompt);
    if (traced_end > 0) traced_end += static_cast<std::int64_t>(prompt.tokens.size() - before);
    prompt.record_from = record_from(prompt.tokens, traced_end);
    return CountedPrompt(std::move(prompt));
  }

 private:
  // `traced_end`: behind the last token of the messages that were traced.
  std::int64_t record_from(std::span<const TokenId> tokens, std::int64_t traced_end) const {
    const std::vector<TokenId>& recorded = request_.recorded;
    // The token that ended the answer was recorded with it.
    if (traced_end > 0 && traced_end < static_cast<std::int64_t>(tokens.size()) &&
        !recorded.empty() && tokenizer_.is_end(recorded.back()) &&
        tokens[static_cast<std::size_t>(traced_end)] == recorded.back()) {
      ++traced_end;
    }
    const auto same = std::mismatch(recorded.begin(), recorded.end(), tokens.begin(), tokens.end());
    return std::max<std::int64_t>(traced_end, same.first - recorded.begin());
  }

  const Tokenizer& tokenizer_;
  const ChatTemplate* template_;
  const GenerateRequest& request_;
  const std::size_t most_;
};

Error too_long(std::int64_t tokens, std::int64_t context, std::string_view bound = "") {
  return Error{
      ErrorCode::invalid,
      fmt::format("the prompt has {}{} tokens, but the context holds {}: shorten it by {}{} or "
                  "open the model with a larger context",
                  bound, tokens, context, bound, tokens - context + 1)};
}

// A chat whose turns do not fit loses the oldest ones, never the system prompt or the last message.
// It is cut to half the context, and that start is kept until the context is full again: each cut
// makes the model read all that is left, and a cut at every answer would do so every time.
class ChatFitter {
 public:
  ChatFitter(const PromptBuilder& builder, const GenerateRequest& request, std::int64_t context)
      : builder_(builder), request_(request), context_(context) {
    const std::vector<ChatMessage>& all = request.messages;
    system_ = all.front().role == Role::system ? 1 : 0;
    starts_.push_back(system_);
    for (std::size_t i = system_ + 1; i < all.size(); ++i) {
      if (all[i].role != Role::assistant || i + 1 == all.size()) starts_.push_back(i);
    }
  }

  Result<CountedPrompt> fit() const {
    const std::size_t kept = request_.drop_oldest_turns ? last_start() : 0;
    auto prompt = from(kept);
    if (!prompt) return prompt.error();
    if (!request_.drop_oldest_turns || starts_.size() == 1) return prompt;
    // The start is of a smaller context where so little is left: there is room for more turns now.
    const bool stale = kept > 0 && has_at_most(*prompt, context_ / 4 - 1);
    if (stale) prompt = from(0);
    if (!prompt) return prompt;
    const std::int64_t room = answer_room(context_, request_.max_tokens);
    if (has_at_most(*prompt, context_ - room)) return prompt;
    return cut(stale ? 1 : kept + 1);
  }

 private:
  static bool has_at_most(const CountedPrompt& prompt, std::int64_t tokens) {
    return prompt && static_cast<std::int64_t>(prompt->tokens.size()) <= tokens;
  }
  // Messages that a start leaves out.
  std::int64_t dropped(std::size_t index) const {
    return static_cast<std::int64_t>(starts_[index] - system_);
  }
  std::size_t last_start() const {
    std::size_t index = 0;
    while (index + 1 < starts_.size() && dropped(index) < request_.dropped_messages) ++index;
    return index;
  }
  Result<CountedPrompt> from(std::size_t index) const {
    auto prompt = builder_.chat(system_, starts_[index]);
    if (prompt && *prompt) (*prompt)->dropped_messages = dropped(index);
    return prompt;
  }
  // The first start from `low` on that leaves half the context, else the last; by halves: a long
  // chat has thousands of turns, and each try renders and encodes all that is left.
  Result<CountedPrompt> cut(std::size_t low) const {
    CountedPrompt found;
    low = std::min(low, starts_.size() - 1);
    for (std::size_t high = starts_.size(); low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      auto prompt = from(middle);
      if (!prompt) return prompt.error();
      const bool fits = has_at_most(*prompt, context_ / 2);
      if (fits || middle + 1 == starts_.size()) found = std::move(*prompt);
      (fits ? high : low) = fits ? middle : middle + 1;
    }
    return found;
  }

  const PromptBuilder& builder_;
  const GenerateRequest& request_;
  const std::int64_t context_;
  std::size_t system_ = 0;           // messages that always stay: the system prompt
  std::vector<std::size_t> starts_;  // messages that the rest may begin with: not answers
};

}  // namespace

std::int64_t answer_room(std::int64_t context, std::int64_t max_tokens) {
  const std::int64_t most = std::max<std::int64_t>(1, context / 8);
  return max_tokens > 0 ? std::min(max_tokens, most) : most;
}

Result<Prompt> build_prompt(const Tokenizer& tokenizer, const ChatTemplate* chat_template,
                            const GenerateRequest& request, std::int64_t context) {
  // Cutting megabytes into tokens takes seconds, only to refuse them: twice the context is enough
  // to say by how much a prompt is too long.
  const std::int64_t most = 2 * context;
  const PromptBuilder builder(tokenizer, chat_template, request, static_cast<std::size_t>(most));
  Result<CountedPrompt> counted = CountedPrompt();
  if (request.messages.empty()) {
    counted = builder.text();
  } else if (chat_template == nullptr) {
    return Error{ErrorCode::unsupported, "this model has no chat template that Mneme can run"};
  } else {
    counted = ChatFitter(builder, request, context).fit();
    if (!counted) return counted.error();
  }
  CountedPrompt& prompt = *counted;
  if (!prompt) return too_long(most + 1, context, "at least ");
  if (prompt->tokens.empty()) return Error{ErrorCode::invalid, "the prompt is empty"};
  const auto size = static_cast<std::int64_t>(prompt->tokens.size());
  if (size >= context) return too_long(size, context);
  return std::move(*prompt);
}

}  // namespace mneme

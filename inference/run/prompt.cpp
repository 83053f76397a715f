// SPDX-License-Identifier: Apache-2.0
#include "inference/run/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "inference/text/byte_alphabet.h"
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
// belongs to it.
void append_encoded(const Tokenizer& tokenizer, std::span<const TextPiece> pieces, Encoded& to) {
  std::size_t at = 0;     // bytes of the pieces' text, which the next token begins with
  std::size_t piece = 0;  // that `at` lies in, and where it begins
  std::size_t begin = 0;
  for (const TokenId token : tokenizer.encode(pieces)) {
    const std::size_t end = at + tokenizer.decode(token).size();
    while (piece + 1 < pieces.size() && begin + pieces[piece].text.size() <= at) {
      begin += pieces[piece++].text.size();
    }
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
}

// Answers keep the tokens that were picked: what stands before one was read on its own, too, when
// it was made.
Encoded encode(const Tokenizer& tokenizer, std::span<const TextPiece> pieces,
               std::span<const ChatMessage> messages) {
  Encoded encoded;
  std::size_t done = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!pieces[i].user) continue;
    const ChatMessage& message = messages[static_cast<std::size_t>(pieces[i].message)];
    if (message.tokens.empty() || pieces[i].text != message.text) continue;
    const auto picked = tokens_of_text(tokenizer, message.tokens, message.text);
    if (picked.empty()) continue;
    append_encoded(tokenizer, pieces.subspan(done, i - done), encoded);
    encoded.tokens.insert(encoded.tokens.end(), picked.begin(), picked.end());
    encoded.messages.insert(encoded.messages.end(), picked.size(), pieces[i].message);
    done = i + 1;
  }
  append_encoded(tokenizer, pieces.subspan(done), encoded);
  return encoded;
}

class PromptBuilder {
 public:
  PromptBuilder(const Tokenizer& tokenizer, const ChatTemplate* chat_template,
                const GenerateRequest& request)
      : tokenizer_(tokenizer), template_(chat_template), request_(request) {}

  // BOS only where the GGUF asks for it, and once: many templates write it themselves.
  void add_bos(Prompt& prompt) const {
    if (!tokenizer_.adds_bos() || !tokenizer_.bos()) return;
    if (!prompt.tokens.empty() && prompt.tokens.front() == *tokenizer_.bos()) return;
    prompt.tokens.insert(prompt.tokens.begin(), *tokenizer_.bos());
    prompt.sources.insert(prompt.sources.begin(), TokenSource::template_text);
  }

  Prompt text() const {
    Prompt prompt;
    prompt.tokens = tokenizer_.encode(request_.raw_prompt);
    prompt.sources.assign(prompt.tokens.size(), TokenSource::raw_prompt);
    add_bos(prompt);
    return prompt;
  }

  // The first `system` messages of the request and those from `start` on.
  Result<Prompt> chat(std::size_t system, std::size_t start) const {
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
    Encoded encoded = encode(tokenizer_, *pieces, messages);

    Prompt prompt;
    std::int64_t traced_end = 0;
    for (std::size_t i = 0; i < encoded.tokens.size(); ++i) {
      const std::int32_t message = encoded.messages[i];
      prompt.sources.push_back(message < 0
                                   ? TokenSource::template_text
                                   : source_of(messages[static_cast<std::size_t>(message)].role));
      if (message >= 0 && message <= turns.traced) traced_end = static_cast<std::int64_t>(i) + 1;
    }
    prompt.tokens = std::move(encoded.tokens);
    const std::size_t before = prompt.tokens.size();
    add_bos(prompt);
    if (traced_end > 0) traced_end += static_cast<std::int64_t>(prompt.tokens.size() - before);
    prompt.record_from = record_from(prompt.tokens, traced_end);
    return prompt;
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
};

// Tokens that the text has at the least. Cutting megabytes into tokens takes seconds, only to
// refuse them.
std::int64_t tokens_min(const Tokenizer& tokenizer, std::string_view text) {
  // Composed characters are shorter, by a factor that stays below this: three Hangul letters are
  // one.
  constexpr std::size_t kComposed = 4;
  std::array<bool, 256> known{};
  for (std::size_t byte = 0; byte < known.size(); ++byte) {
    const auto id = tokenizer.find(byte_character(static_cast<unsigned char>(byte)));
    known[byte] = id && !tokenizer.is_special(*id);
  }
  for (const char c : text) {  // a byte without a token is left out of the text
    if (!known[static_cast<unsigned char>(c)]) return 0;
  }
  std::size_t longest = 1;  // as stored, which is never shorter than the bytes it stands for
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    longest = std::max(longest, tokenizer.vocab_text(id).size());
  }
  return static_cast<std::int64_t>(text.size() / (longest * kComposed));
}

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

  Result<Prompt> fit() const {
    const std::size_t kept = request_.drop_oldest_turns ? last_start() : 0;
    auto prompt = from(kept);
    if (!prompt) return prompt.error();
    if (!request_.drop_oldest_turns || starts_.size() == 1) return prompt;
    // The start is of a smaller context where so little is left: there is room for more turns now.
    const bool stale = kept > 0 && size_of(*prompt) < context_ / 4;
    if (stale) prompt = from(0);
    if (!prompt || leaves_room(*prompt)) return prompt;
    return cut(stale ? 1 : kept + 1);
  }

 private:
  static std::int64_t size_of(const Prompt& prompt) {
    return static_cast<std::int64_t>(prompt.tokens.size());
  }
  bool leaves_room(const Prompt& prompt) const {
    return size_of(prompt) + answer_room(context_, request_.max_tokens) <= context_;
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
  Result<Prompt> from(std::size_t index) const {
    auto prompt = builder_.chat(system_, starts_[index]);
    if (prompt) prompt->dropped_messages = dropped(index);
    return prompt;
  }
  // The first start from `low` on that leaves half the context, else the last; by halves: a long
  // chat has thousands of turns, and each try renders and encodes all that is left.
  Result<Prompt> cut(std::size_t low) const {
    Prompt found;
    low = std::min(low, starts_.size() - 1);
    for (std::size_t high = starts_.size(); low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      auto prompt = from(middle);
      if (!prompt) return prompt.error();
      const bool fits = size_of(*prompt) <= context_ / 2;
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
  const PromptBuilder builder(tokenizer, chat_template, request);
  Result<Prompt> prompt = Prompt();
  if (request.messages.empty()) {
    const std::int64_t least = tokens_min(tokenizer, request.raw_prompt);
    if (least >= context) return too_long(least, context, "at least ");
    prompt = builder.text();
  } else if (chat_template == nullptr) {
    return Error{ErrorCode::unsupported, "this model has no chat template that Mneme can run"};
  } else {
    prompt = ChatFitter(builder, request, context).fit();
    if (!prompt) return prompt.error();
  }
  if (prompt->tokens.empty()) return Error{ErrorCode::invalid, "the prompt is empty"};
  const auto size = static_cast<std::int64_t>(prompt->tokens.size());
  if (size >= context) return too_long(size, context);
  return prompt;
}

}  // namespace mneme

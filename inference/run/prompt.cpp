// SPDX-License-Identifier: Apache-2.0
#include "inference/run/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

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

// A piece of rendered text with the message that it came from.
struct SourcedPiece {
  std::size_t end = 0;  // bytes of rendered text up to and including this piece
  TokenSource source = TokenSource::template_text;
};

std::vector<SourcedPiece> source_pieces(std::span<const TextPiece> pieces,
                                        std::span<const ChatMessage> messages) {
  std::vector<SourcedPiece> sourced;
  std::size_t end = 0;
  for (const TextPiece& piece : pieces) {
    end += piece.text.size();
    const bool known = piece.user && piece.message >= 0 &&
                       static_cast<std::size_t>(piece.message) < messages.size();
    sourced.push_back({end, known
                                ? source_of(messages[static_cast<std::size_t>(piece.message)].role)
                                : TokenSource::template_text});
  }
  return sourced;
}

// Walks tokens along the rendered text; a token with any byte of a message belongs to it.
std::vector<TokenSource> source_tokens(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                                       std::span<const SourcedPiece> pieces) {
  std::vector<TokenSource> sources;
  sources.reserve(tokens.size());
  std::size_t at = 0;
  std::size_t piece = 0;
  for (const TokenId token : tokens) {
    const std::size_t end = at + tokenizer.decode(token).size();
    while (piece + 1 < pieces.size() && pieces[piece].end <= at) ++piece;
    TokenSource source = TokenSource::template_text;
    for (std::size_t p = piece; p < pieces.size(); ++p) {
      const std::size_t begin = p == 0 ? 0 : pieces[p - 1].end;
      if (begin >= end) break;
      if (pieces[p].source != TokenSource::template_text && pieces[p].end > at)
        source = pieces[p].source;
    }
    if (tokenizer.is_special(token)) source = TokenSource::template_text;
    sources.push_back(source);
    at = end;
  }
  return sources;
}

class PromptBuilder {
 public:
  PromptBuilder(const Tokenizer& tokenizer, const ChatTemplate* chat_template)
      : tokenizer_(tokenizer), template_(chat_template) {}

  Result<std::vector<TextPiece>> render(std::span<const ChatMessage> messages,
                                        bool add_generation_prompt) const {
    ChatTemplate::RenderOptions options;
    options.add_generation_prompt = add_generation_prompt;
    if (const auto bos = tokenizer_.bos()) options.bos_token = tokenizer_.vocab_text(*bos);
    if (const auto eos = tokenizer_.eos()) options.eos_token = tokenizer_.vocab_text(*eos);
    return template_->render(messages, options);
  }

  std::vector<TokenId> encode(std::span<const TextPiece> pieces) const {
    std::vector<TokenId> tokens = tokenizer_.encode(pieces);
    add_bos(tokens);
    return tokens;
  }

  // BOS only where the GGUF asks for it, and once: many templates write it themselves.
  bool add_bos(std::vector<TokenId>& tokens) const {
    if (!tokenizer_.adds_bos() || !tokenizer_.bos()) return false;
    if (!tokens.empty() && tokens.front() == *tokenizer_.bos()) return false;
    tokens.insert(tokens.begin(), *tokenizer_.bos());
    return true;
  }

  Result<Prompt> chat(std::span<const ChatMessage> messages,
                      std::size_t record_from_message) const {
    auto pieces = render(messages, true);
    if (!pieces) return pieces.error();
    Prompt prompt;
    prompt.tokens = tokenizer_.encode(*pieces);
    prompt.sources = source_tokens(tokenizer_, prompt.tokens, source_pieces(*pieces, messages));
    if (add_bos(prompt.tokens))
      prompt.sources.insert(prompt.sources.begin(), TokenSource::template_text);
    if (record_from_message > 0) {
      auto before = render(messages.first(std::min(record_from_message, messages.size())), false);
      if (!before) return before.error();
      const std::vector<TokenId> earlier = encode(*before);
      const auto same =
          std::mismatch(earlier.begin(), earlier.end(), prompt.tokens.begin(), prompt.tokens.end());
      prompt.record_from = same.first - earlier.begin();
    }
    return prompt;
  }

 private:
  const Tokenizer& tokenizer_;
  const ChatTemplate* template_;
};

Error too_long(std::int64_t tokens, std::int64_t context) {
  return Error{
      ErrorCode::invalid,
      fmt::format("the prompt has {} tokens, but the context holds {}: shorten it by {} or "
                  "open the model with a larger context",
                  tokens, context, tokens - context + 1)};
}

}  // namespace

Result<Prompt> build_prompt(const Tokenizer& tokenizer, const ChatTemplate* chat_template,
                            const GenerateRequest& request, std::int64_t context) {
  const PromptBuilder builder(tokenizer, chat_template);
  const auto size = [](const Prompt& p) { return static_cast<std::int64_t>(p.tokens.size()); };
  if (request.messages.empty()) {
    Prompt prompt;
    prompt.tokens = tokenizer.encode(request.raw_prompt);
    prompt.sources.assign(prompt.tokens.size(), TokenSource::raw_prompt);
    if (builder.add_bos(prompt.tokens))
      prompt.sources.insert(prompt.sources.begin(), TokenSource::template_text);
    if (prompt.tokens.empty()) return Error{ErrorCode::invalid, "the prompt is empty"};
    if (size(prompt) >= context) return too_long(size(prompt), context);
    return prompt;
  }
  if (chat_template == nullptr) {
    return Error{ErrorCode::unsupported, "this model has no chat template that Mneme can run"};
  }
  auto prompt = builder.chat(request.messages, request.record_from_message);
  if (!prompt) return prompt.error();
  if (prompt->tokens.empty()) return Error{ErrorCode::invalid, "the prompt is empty"};
  if (size(*prompt) < context) return prompt;
  if (!request.drop_oldest_turns) return too_long(size(*prompt), context);

  // Leave out the oldest turns, never the system prompt or the last message, until an eighth of the
  // context is free: cutting one turn at every answer would re-read the whole chat each time.
  const std::vector<ChatMessage>& all = request.messages;
  const std::size_t first = all.front().role == Role::system ? 1 : 0;
  std::vector<std::size_t> starts;  // where the rest may begin: not with an answer
  for (std::size_t i = first + 1; i < all.size(); ++i) {
    if (all[i].role != Role::assistant || i + 1 == all.size()) starts.push_back(i);
  }
  if (starts.empty()) return too_long(size(*prompt), context);
  const std::int64_t room = context - std::max<std::int64_t>(1, context / 8);
  std::size_t dropped = 0;
  // The first start that leaves room, by halves: a long chat has thousands of turns, and each try
  // renders and encodes all that is left.
  for (std::size_t low = 0, high = starts.size(); low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    const std::size_t start = starts[middle];
    std::vector<ChatMessage> kept(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first));
    kept.insert(kept.end(), all.begin() + static_cast<std::ptrdiff_t>(start), all.end());
    const std::size_t gone = start - first;
    auto shorter = builder.chat(
        kept, request.record_from_message > gone ? request.record_from_message - gone : 0);
    if (!shorter) return shorter.error();
    const bool fits = size(*shorter) <= room;
    if (fits || middle + 1 == starts.size()) {
      prompt = std::move(shorter);
      dropped = gone;
    }
    (fits ? high : low) = fits ? middle : middle + 1;
  }
  if (size(*prompt) >= context) return too_long(size(*prompt), context);
  prompt->dropped_messages = static_cast<std::int64_t>(dropped);
  return prompt;
}

}  // namespace mneme

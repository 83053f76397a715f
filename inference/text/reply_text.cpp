// SPDX-License-Identifier: Apache-2.0
#include "inference/text/reply_text.h"

#include <algorithm>
#include <utility>

#include "inference/text/tokenizer.h"

namespace mneme {

ReplyText::ReplyText(const Tokenizer& tokenizer, std::vector<std::string> stops)
    : tokenizer_(tokenizer), stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string ReplyText::push(TokenId token) {
  if (stopped_ || tokenizer_.is_end(token)) return {};
  return release(utf8_.push(tokenizer_.decode(token)));
}

std::string ReplyText::finish() {
  if (stopped_) return {};
  std::string rest = release(utf8_.finish());
  rest += std::exchange(held_, {});
  return rest;
}

std::string ReplyText::release(std::string_view more) {
  if (stops_.empty()) return std::string(more);
  held_ += more;
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    stopped_ = true;
    held_.resize(first);
    return std::exchange(held_, {});
  }
  std::size_t keep = 0;  // bytes at the end that a stop string may begin with
  for (const std::string& stop : stops_) {
    for (std::size_t size = std::min(stop.size() - 1, held_.size()); size > keep; --size) {
      if (held_.ends_with(std::string_view(stop).substr(0, size))) keep = size;
    }
  }
  std::string out = held_.substr(0, held_.size() - keep);
  held_.erase(0, out.size());
  return out;
}

std::span<const TokenId> tokens_of_text(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                                        std::string_view text) {
  ReplyText reply(tokenizer);
  std::size_t done = 0;  // bytes of `text` that the tokens so far gave
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string more = reply.push(tokens[i]);
    if (!text.substr(done).starts_with(more)) return {};
    done += more.size();
    if (done == text.size() && !reply.holds_back()) return tokens.first(i + 1);
  }
  return text.substr(done) == reply.finish() ? tokens : std::span<const TokenId>();
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/merged_by_hand.h"

#include <map>
#include <optional>
#include <string>

#include "base/utf8.h"
#include "inference/text/byte_alphabet.h"

namespace mneme {

std::vector<TokenId> merged_by_hand(const Vocabulary& vocabulary, std::string_view text) {
  std::map<std::string, TokenId, std::less<>> pieces;  // of a text given twice the first counts
  std::map<unsigned char, TokenId> bytes;
  for (std::size_t i = 0; i < vocabulary.texts.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    pieces.emplace(vocabulary.texts[i], id);
    if (vocabulary.types[i] != TokenType::byte) continue;
    if (const auto byte = byte_of_name(vocabulary.texts[i])) bytes.emplace(*byte, id);
  }
  std::erase_if(pieces, [&vocabulary](const auto& piece) {
    return vocabulary.types[static_cast<std::size_t>(piece.second)] != TokenType::normal;
  });
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t size = utf8_step(text).size;
    parts.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  while (true) {
    std::optional<float> best;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = pieces.find(parts[i] + parts[i + 1]);
      if (found == pieces.end()) continue;
      const float score = vocabulary.scores[static_cast<std::size_t>(found->second)];
      if (best && *best >= score) continue;
      best = score;
      at = i;
    }
    if (!best) break;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  std::vector<TokenId> out;
  for (const std::string& part : parts) {
    const auto found = pieces.find(part);
    if (found != pieces.end()) {
      out.push_back(found->second);
      continue;
    }
    for (const char c : part) out.push_back(bytes.at(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace mneme

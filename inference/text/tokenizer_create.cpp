// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/printable.h"
#include "base/sha256.h"
#include "inference/files/file_error.h"
#include "inference/text/byte_alphabet.h"
#include "inference/text/tokenizer_impl.h"

namespace mneme {
namespace {

constexpr auto kEndNames = std::to_array<std::string_view>(
    {"<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<EOT>",
     "<|end_of_text|>", "</s>"});

void put_u32(Sha256& sha, std::size_t value) {
  const auto v = static_cast<std::uint32_t>(value);
  sha.update(std::as_bytes(std::span(&v, 1)));
}

void put_text(Sha256& sha, std::string_view text) {
  put_u32(sha, text.size());
  sha.update(std::as_bytes(std::span(text.data(), text.size())));
}

std::string digest(const Vocabulary& vocab) {
  constexpr std::string_view kTag = "mneme-tokenizer-1";
  Sha256 sha;
  sha.update(std::as_bytes(std::span(kTag.data(), kTag.size())));
  put_u32(sha, vocab.texts.size());
  for (std::size_t i = 0; i < vocab.texts.size(); ++i) {
    put_text(sha, vocab.texts[i]);
    sha.update(std::as_bytes(std::span(&vocab.types[i], 1)));
  }
  put_u32(sha, vocab.left.size());
  std::string merge;
  for (std::size_t i = 0; i < vocab.left.size(); ++i) {
    merge.assign(vocab.left[i]);
    merge += ' ';
    merge += vocab.right[i];
    put_text(sha, merge);
  }
  if (!vocab.scores.empty()) {
    put_u32(sha, vocab.scores.size());
    sha.update(std::as_bytes(std::span(vocab.scores)));
  }
  return sha.finish_hex();
}

void sort_once(std::vector<TokenId>& ids) {
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    if (text.starts_with(Vocabulary::kSpace)) {
      text.remove_prefix(Vocabulary::kSpace.size());
    } else if (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r') {
      text.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

Status Tokenizer::Impl::check_ids() const {
  if (size() == 0 || size() > Vocabulary::kMaxTokens) {
    return corrupt(vocab.source, fmt::format("a vocabulary of {} tokens", size()));
  }
  if (vocab.types.size() != size()) {
    return corrupt(vocab.source, fmt::format("there are {} tokens but {} token types", size(),
                                             vocab.types.size()));
  }
  if (!vocab.scores.empty() && vocab.scores.size() != size()) {
    return corrupt(vocab.source,
                   fmt::format("there are {} tokens but {} scores", size(), vocab.scores.size()));
  }
  const auto outside = [this](TokenId id) {
    return id < 0 || static_cast<std::size_t>(id) >= size();
  };
  for (const auto* ids_of : {&vocab.ends, &vocab.suppressed}) {
    const auto found = std::ranges::find_if(*ids_of, outside);
    if (found == ids_of->end()) continue;
    return corrupt(vocab.source,
                   fmt::format("{} has {}, beyond the vocabulary",
                               ids_of == &vocab.ends ? "the list of tokens that end an answer"
                                                     : "the list of suppressed tokens",
                               *found));
  }
  for (const auto& [id, name] : {std::pair(vocab.bos, "BOS"), std::pair(vocab.eos, "EOS"),
                                 std::pair(vocab.unknown, "the unknown token")}) {
    if (id && outside(*id)) {
      return corrupt(vocab.source, fmt::format("{} is {}, beyond the vocabulary", name, *id));
    }
  }
  return {};
}

void Tokenizer::Impl::find_bytes() {
  for (std::size_t i = 0; i < size(); ++i) {
    const TokenType type = vocab.types[i];
    // As stored: never shorter than the bytes it stands for.
    token_bytes_max = std::max(token_bytes_max, vocab.texts[i].size());
    ordinary.push_back(vocab.symbols == Vocabulary::Symbols::bytes
                           ? !is_special_type(type)
                           : type == TokenType::normal ||
                                 (type == TokenType::user_defined && is_blank(vocab.texts[i])));
  }
  byte_ids.fill(-1);
  if (vocab.symbols == Vocabulary::Symbols::characters) {
    for (std::size_t i = size(); i-- > 0;) {
      if (vocab.types[i] != TokenType::byte) continue;
      const auto byte = byte_of_name(vocab.texts[i]);
      if (byte) byte_ids[*byte] = static_cast<TokenId>(i);
    }
  } else {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const TokenId id = ids.find(byte_character(static_cast<unsigned char>(byte)));
      if (id >= 0 && is_ordinary(id)) byte_ids[byte] = id;
    }
  }
  has_all_bytes = std::ranges::all_of(byte_ids, [](TokenId id) { return id >= 0; });
}

Status Tokenizer::Impl::load_pairs() {
  std::string merged;
  for (std::size_t rank = 0; rank < vocab.left.size(); ++rank) {
    const std::string_view left = vocab.left[rank];
    const std::string_view right = vocab.right[rank];
    // It would make of a token the same token, again and again.
    if (left.empty() || right.empty()) {
      return corrupt(vocab.source, fmt::format("merge {} has an empty part", rank));
    }
    merged.assign(left);
    merged += right;
    const TokenId left_id = ids.find(left);
    const TokenId right_id = ids.find(right);
    const TokenId whole = ids.find(merged);
    if (left_id < 0 || right_id < 0 || whole < 0) {
      return corrupt(vocab.source,
                     fmt::format("merge {} names a token that is not in the vocabulary", rank));
    }
    // Text a person wrote must not merge into a special token, whatever the file says.
    if (!is_ordinary(whole)) continue;
    merges.add(left_id, right_id, {static_cast<std::uint32_t>(rank), whole});
    if (vocab.symbols == Vocabulary::Symbols::characters) joints.add(merged);
  }
  return {};
}

Status Tokenizer::Impl::load_scores() {
  std::vector<TokenId> by_score;
  for (std::size_t i = 0; i < size(); ++i) {
    if (std::isnan(vocab.scores[i])) {
      return corrupt(vocab.source, fmt::format("the score of token {} is not a number", i));
    }
    if (!ordinary[i]) continue;
    by_score.push_back(static_cast<TokenId>(i));
    joints.add(vocab.texts[i]);
  }
  const auto score = [this](TokenId id) { return vocab.scores[static_cast<std::size_t>(id)]; };
  std::ranges::sort(by_score, std::ranges::greater(), score);
  ranks.assign(size(), kNeverMerges);
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < by_score.size(); ++i) {
    if (i > 0 && score(by_score[i]) != score(by_score[i - 1])) ++rank;
    ranks[static_cast<std::size_t>(by_score[i])] = rank;
  }
  return {};
}

Status Tokenizer::Impl::load_specials() {
  std::vector<SpecialTokens::Entry> all;
  std::vector<SpecialTokens::Entry> blank;
  sort_once(vocab.strips_left);
  sort_once(vocab.strips_right);
  const auto strips = [](const std::vector<TokenId>& list, TokenId id) {
    return std::ranges::binary_search(list, id);
  };
  for (std::size_t i = 0; i < size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = vocab.texts[i];
    if (!is_special_type(type(id)) || text.empty()) continue;
    if (text.size() > SpecialTokens::kMaxNameBytes) {
      return corrupt(vocab.source,
                     fmt::format("the special token {} has a name of {} bytes; 256 are allowed", i,
                                 text.size()));
    }
    all.push_back(
        {std::string(text), id, strips(vocab.strips_left, id), strips(vocab.strips_right, id)});
    if (type(id) == TokenType::user_defined && is_blank(text)) blank.push_back(all.back());
    if (std::ranges::find(kEndNames, text) != kEndNames.end()) vocab.ends.push_back(id);
  }
  specials = SpecialTokens(std::move(all));
  blanks = SpecialTokens(std::move(blank));
  if (vocab.eos) vocab.ends.push_back(*vocab.eos);
  sort_once(vocab.ends);
  sort_once(vocab.suppressed);
  if (vocab.suppressed.size() == size()) {
    return corrupt(vocab.source, "the suppressed tokens leave none to answer with");
  }
  vocab.adds_bos = vocab.adds_bos && vocab.bos.has_value();
  return {};
}

Result<Tokenizer> Tokenizer::create(Vocabulary vocabulary) {
  CHECK(vocabulary.pre.has_value() == (vocabulary.symbols == Vocabulary::Symbols::bytes));
  CHECK(vocabulary.left.size() == vocabulary.right.size());
  auto impl = std::make_unique<Impl>(std::move(vocabulary));
  RETURN_IF_ERROR(impl->check_ids());
  impl->sha256 = digest(impl->vocab);
  impl->find_bytes();
  RETURN_IF_ERROR(impl->load_pairs());
  if (!impl->vocab.scores.empty()) RETURN_IF_ERROR(impl->load_scores());
  RETURN_IF_ERROR(impl->load_specials());
  return Tokenizer(std::unique_ptr<const Impl>(std::move(impl)));
}

}  // namespace mneme

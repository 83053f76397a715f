// SPDX-License-Identifier: Apache-2.0
// What a Tokenizer holds. Shared by tokenizer.cpp (use), tokenizer_encode.cpp and
// tokenizer_create.cpp (making) only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inference/text/merge_table.h"
#include "inference/text/piece_cache.h"
#include "inference/text/special_tokens.h"
#include "inference/text/token_table.h"
#include "inference/text/tokenizer.h"
#include "inference/text/vocabulary.h"

namespace mneme {

// Types whose tokens ordinary text never yields.
inline bool is_special_type(TokenType type) {
  return type == TokenType::control || type == TokenType::unknown ||
         type == TokenType::user_defined;
}

// Which neighbours can lie in one token, by classes of characters: where two cannot, a text may be
// cut without changing what its symbols merge to.
class Joints {
 public:
  void add(std::string_view token);
  // Where the part of `text` ends that begins at `begin`.
  std::size_t part_end(std::string_view text, std::size_t begin) const;

 private:
  std::array<std::array<bool, 128>, 128> joined_{};
};

struct Tokenizer::Impl {
  explicit Impl(Vocabulary vocabulary)
      : vocab(std::move(vocabulary)), ids(vocab.texts), merges(vocab.left.size()) {}

  // tokenizer_create.cpp
  Status check_ids() const;
  void find_bytes();
  Status load_pairs();
  Status load_scores();
  Status load_specials();

  // tokenizer_encode.cpp. False: `out` would have more than `most` tokens, and is of no use.
  bool encode_plain(std::string_view text, bool at_start, std::size_t most, PieceCache& cache,
                    std::vector<TokenId>& out) const;
  bool encode_piece(std::string_view piece, std::size_t most, PieceCache& cache,
                    std::vector<TokenId>& out) const;
  bool encode_bytes(std::string_view piece, std::size_t most, std::vector<TokenId>& out) const;
  bool encode_characters(std::string_view part, std::size_t most, std::vector<TokenId>& out) const;
  void add_unknown(std::string_view text, std::vector<TokenId>& out) const;
  TokenId find_whole(std::string_view piece) const;

  TokenType type(TokenId id) const { return vocab.types[static_cast<std::size_t>(id)]; }
  // Made of ordinary text: no special one, but for runs of white space.
  bool is_ordinary(TokenId id) const { return ordinary[static_cast<std::size_t>(id)]; }
  std::size_t size() const { return vocab.texts.size(); }

  Vocabulary vocab;
  TokenTable ids;
  MergeTable merges;                    // where pairs are listed
  std::vector<std::uint32_t> ranks;     // by id, where there are scores: the highest has 0
  std::vector<bool> ordinary;           // by id
  std::array<TokenId, 256> byte_ids{};  // -1 = not in the vocabulary
  bool has_all_bytes = false;
  std::size_t token_bytes_max = 1;  // that one token stands for, or more
  Joints joints;                    // of characters
  SpecialTokens specials;
  SpecialTokens blanks;  // user-defined runs of white space, which ordinary text yields too
  std::string sha256;
};

}  // namespace mneme

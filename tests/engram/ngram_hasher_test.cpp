// SPDX-License-Identifier: Apache-2.0
#include "engram/ngram_hasher.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <unordered_set>

namespace mneme {
namespace {

// Small enough to follow by hand: 40 tokens in 25 classes, N = 4, 3 heads, 2 layers.
HashSpec small_spec(ContextRule context) {
  HashSpec spec;
  spec.max_ngram_size = 4;
  spec.head_count = 3;
  spec.context = context;
  spec.pad_class = 2;
  spec.token_map.resize(40);
  for (int i = 0; i < 40; ++i) spec.token_map[i] = (i * 7) % 25;
  for (int l = 0; l < 2; ++l) {
    LayerHash layer;
    layer.layer_id = l == 0 ? 1 : 14;
    layer.multipliers = {151872553228292665u - 2u * l, 75872553228292661u, 350655053309u, 9u + l};
    layer.primes = {11, 13, 17, 19, 23, 29, 31, 37, 41};
    layer.offsets = {0, 11, 24, 41, 60, 83, 112, 143, 180};
    layer.rows = 221;
    spec.layers.push_back(layer);
  }
  return spec;
}

// Section 4 again, written the slow way with 128-bit integers.
std::vector<RowId> rows_by_the_book(const HashSpec& spec, std::size_t layer_slot,
                                    const std::vector<TokenId>& tokens, std::size_t position) {
  std::vector<std::int64_t> x;
  bool dead = false;
  for (int k = 0; k < spec.max_ngram_size; ++k) {
    std::int64_t c = spec.pad_class;
    if (static_cast<int>(position) - k < 0) {
      dead = true;
    } else {
      const TokenId t = tokens[position - k];
      const bool known = t >= 0 && t < static_cast<TokenId>(spec.token_map.size());
      c = known ? spec.token_map[t] : -1;
      if (c == -1 && spec.context == ContextRule::sticky) dead = true;
    }
    x.push_back(dead ? spec.pad_class : c);
  }
  const LayerHash& layer = spec.layers[layer_slot];
  std::vector<RowId> rows;
  std::int64_t mix = 0;
  for (int k = 0; k < spec.max_ngram_size; ++k) {
    __int128 product = static_cast<__int128>(x[k]) * static_cast<__int128>(layer.multipliers[k]);
    mix ^= static_cast<std::int64_t>(static_cast<std::uint64_t>(product));
    if (k == 0) continue;
    for (int h = 0; h < spec.head_count; ++h) {
      const int column = (k - 1) * spec.head_count + h;
      const __int128 size = layer.primes[column];
      rows.push_back(static_cast<RowId>(((mix % size) + size) % size) + layer.offsets[column]);
    }
  }
  return rows;
}

std::vector<RowId> rows_of(const NgramHasher& hasher, std::size_t layer_slot,
                           std::span<const TokenId> tokens, std::size_t position) {
  std::vector<NgramKey> keys(hasher.spec().orders());
  hasher.keys_at(tokens, position, keys);
  std::vector<RowId> rows(hasher.spec().columns());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hasher.rows(layer_slot, keys[i],
                std::span(rows).subspan(i * hasher.spec().head_count, hasher.spec().head_count));
  }
  return rows;
}

TEST(NgramHasher, EqualsTheDefinitionOnRandomSequences) {
  std::mt19937 random(7);
  for (const ContextRule context : {ContextRule::plain, ContextRule::sticky}) {
    const HashSpec spec = small_spec(context);
    const auto hasher = NgramHasher::create(spec);
    ASSERT_TRUE(hasher);
    for (int round = 0; round < 50; ++round) {
      std::vector<TokenId> tokens(1 + random() % 20);
      for (TokenId& t : tokens)
        t = static_cast<TokenId>(random() % 48) - 4;  // some outside the map
      for (std::size_t p = 0; p < tokens.size(); ++p) {
        for (std::size_t slot = 0; slot < 2; ++slot) {
          ASSERT_EQ(rows_of(*hasher, slot, tokens, p), rows_by_the_book(spec, slot, tokens, p));
        }
      }
    }
  }
}

TEST(NgramHasher, OnlyTheLastNTokensMatter) {
  const auto hasher = NgramHasher::create(small_spec(ContextRule::sticky));
  ASSERT_TRUE(hasher);
  const std::vector<TokenId> tokens = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(rows_of(*hasher, 0, tokens, 8), rows_of(*hasher, 0, std::span(tokens).last(4), 3));
  EXPECT_NE(rows_of(*hasher, 0, tokens, 8), rows_of(*hasher, 0, std::span(tokens).last(3), 2));
}

TEST(NgramHasher, IdsOutsideTheMapAreDead) {
  const auto hasher = NgramHasher::create(small_spec(ContextRule::sticky));
  ASSERT_TRUE(hasher);
  EXPECT_EQ(hasher->class_of(-1), -1);
  EXPECT_EQ(hasher->class_of(40), -1);
  EXPECT_EQ(hasher->class_of(39), (39 * 7) % 25);
  std::vector<NgramKey> keys(3);
  const std::vector<TokenId> tokens = {5, 1000000, 6};
  hasher->keys_at(tokens, 2, keys);
  EXPECT_EQ(keys[2], (NgramKey{4, {17, 2, 2, 2}}));  // 6 -> class 42 % 25, then the pad class
  hasher->keys_at(tokens, 1, keys);
  EXPECT_EQ(keys[0], (NgramKey{2, {2, 2}}));
}

TEST(NgramHasher, RefusesASpecThatDoesNotFit) {
  const std::vector<std::pair<const char*, std::function<void(HashSpec&)>>> damages = {
      {"max_ngram_size", [](HashSpec& s) { s.max_ngram_size = 1; }},
      {"max_ngram_size", [](HashSpec& s) { s.max_ngram_size = kMaxNgramSize + 1; }},
      {"max_ngram_size", [](HashSpec& s) { s.max_ngram_size = -2147483647; }},
      {"head_count", [](HashSpec& s) { s.head_count = 0; }},
      {"head_count", [](HashSpec& s) { s.head_count = 2147483647; }},
      {"token map", [](HashSpec& s) { s.token_map.clear(); }},
      {"token 3", [](HashSpec& s) { s.token_map[3] = -1; }},
      {"token 3", [](HashSpec& s) { s.token_map[3] = 40; }},
      {"pad class", [](HashSpec& s) { s.pad_class = -1; }},
      {"pad class", [](HashSpec& s) { s.pad_class = 1 << 30; }},
      {"no Engram layer", [](HashSpec& s) { s.layers.clear(); }},
      {"listed twice", [](HashSpec& s) { s.layers[1].layer_id = 1; }},
      {"negative", [](HashSpec& s) { s.layers[1].layer_id = -1; }},
      {"multipliers", [](HashSpec& s) { s.layers[0].multipliers.pop_back(); }},
      {"multiplier", [](HashSpec& s) { s.layers[0].multipliers[0] = ~std::uint64_t{0}; }},
      {"primes", [](HashSpec& s) { s.layers[0].primes.pop_back(); }},
      {"offsets", [](HashSpec& s) { s.layers[0].offsets.push_back(221); }},
      {"is zero", [](HashSpec& s) { s.layers[1].primes[4] = 0; }},
      {"offset 4", [](HashSpec& s) { s.layers[1].offsets[4] = 61; }},
      {"too large", [](HashSpec& s) { s.layers[1].primes[8] = ~std::uint64_t{0}; }},
      {"rows", [](HashSpec& s) { s.layers[1].rows = 222; }},
  };
  for (const auto& [word, damage] : damages) {
    HashSpec spec = small_spec(ContextRule::plain);
    damage(spec);
    const auto hasher = NgramHasher::create(spec);
    ASSERT_FALSE(hasher) << word;
    EXPECT_EQ(hasher.error().code, ErrorCode::corrupt);
    EXPECT_NE(hasher.error().message.find(word), std::string::npos) << hasher.error().message;
  }
}

TEST(NgramKey, HashSpreadsAndAgreesWithEquality) {
  std::unordered_set<std::size_t> hashes;
  NgramKey key{3, {}};
  for (ClassId a = 0; a < 30; ++a) {
    for (ClassId b = 0; b < 30; ++b) {
      for (ClassId c = 0; c < 30; ++c) {
        key.classes = {a, b, c};
        hashes.insert(NgramKeyHash{}(key));
      }
    }
  }
  EXPECT_EQ(hashes.size(), 27000u);
  EXPECT_EQ(NgramKeyHash{}(NgramKey{2, {4, 5}}), NgramKeyHash{}(NgramKey{2, {4, 5}}));
  EXPECT_NE(NgramKeyHash{}(NgramKey{2, {4, 5}}), NgramKeyHash{}(NgramKey{3, {4, 5, 0}}));
}

}  // namespace
}  // namespace mneme

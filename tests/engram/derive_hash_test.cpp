// SPDX-License-Identifier: Apache-2.0
#include "engram/derive_hash.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "engram/ngram_hasher.h"
#include "engram/pcg64.h"
#include "engram/primes.h"

namespace mneme {
namespace {

std::vector<std::uint64_t> draw(Pcg64& random, std::uint64_t bound, int count) {
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(random.below(bound));
  return numbers;
}

// Numbers from numpy 2.4's default_rng(12345).integers(0, bound, 5, int64), both of its paths.
TEST(Pcg64, BoundsUpToTheThirtyTwoBitPath) {
  const auto five = [](std::uint64_t bound) {
    Pcg64 random(12345);
    return draw(random, bound, 5);
  };
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(five(1), (Numbers{0, 0, 0, 0, 0}));
  EXPECT_EQ(five(2), (Numbers{1, 0, 1, 0, 0}));
  EXPECT_EQ(five(1000), (Numbers{699, 227, 788, 316, 204}));
  EXPECT_EQ(five(0xffffffffu), (Numbers{3003105692, 976400780, 3387213021, 1360466708, 876933080}));
  EXPECT_EQ(five(std::uint64_t{1} << 32),
            (Numbers{3003105693, 976400781, 3387213022, 1360466709, 876933081}));
  EXPECT_EQ(five((std::uint64_t{1} << 32) + 1),
            (Numbers{976400781, 1360466710, 3424658563, 2904491695, 1679802729}));
  EXPECT_EQ(five(~std::uint64_t{0} >> 1),
            (Numbers{2096804712593481934, 2921580012919480942, 7354398262316660715,
                     6237348419996972167, 3607348892368485766}));
}

TEST(Pcg64, KeepsTheHalfDrawBetweenCalls) {
  Pcg64 random(99);
  EXPECT_EQ(draw(random, 10, 3), (std::vector<std::uint64_t>{9, 5, 7}));
  EXPECT_EQ(draw(random, std::uint64_t{1} << 40, 2),
            (std::vector<std::uint64_t>{562857550125, 1068930220529}));
  EXPECT_EQ(draw(random, 1000, 2), (std::vector<std::uint64_t>{565, 965}));
  EXPECT_EQ(Pcg64(~std::uint64_t{0}).next64(), 12544278110101001871u);
}

TEST(Primes, AgreeWithASieve) {
  constexpr std::size_t kLimit = 200000;
  std::vector<bool> composite(kLimit);
  std::uint64_t previous = 0;
  for (std::size_t n = 2; n < kLimit; ++n) {
    ASSERT_EQ(is_prime(n), !composite[n]) << n;
    if (composite[n]) continue;
    ASSERT_EQ(next_prime(previous), n);
    previous = n;
    for (std::size_t m = n * n; m < kLimit; m += n) composite[m] = true;
  }
  EXPECT_FALSE(is_prime(0));
  EXPECT_FALSE(is_prime(1));
}

TEST(Primes, AreProvenUpToSixtyFourBits) {
  EXPECT_TRUE(is_prime(18446744073709551557u));  // the largest below 2^64
  EXPECT_FALSE(is_prime(18446744073709551556u));
  EXPECT_FALSE(is_prime(3825123056546413051u));  // strong pseudoprime to the bases 2 to 31
  EXPECT_FALSE(is_prime(4294967291u * 4294967279u));
  EXPECT_EQ(next_prime((std::uint64_t{1} << 61) - 2), (std::uint64_t{1} << 61) - 1);
}

// The definition, with one set searched from the base for every head.
std::vector<std::uint64_t> primes_by_the_book(const HashConfig& config) {
  std::set<std::uint64_t> taken;
  std::vector<std::uint64_t> primes;
  for (std::size_t layer = 0; layer < config.layer_ids.size(); ++layer) {
    for (const std::uint64_t base : config.bases) {
      std::uint64_t cursor = base - 1;
      for (std::int32_t head = 0; head < config.head_count; ++head) {
        do {
          ++cursor;
        } while (!is_prime(cursor) || taken.contains(cursor));
        taken.insert(cursor);
        primes.push_back(cursor);
      }
    }
  }
  return primes;
}

TEST(DeriveHash, NoPrimeIsGivenTwiceWhateverTheBases) {
  for (const std::vector<std::uint64_t>& bases :
       {std::vector<std::uint64_t>{11, 11, 11}, {97, 101, 89}, {89, 97, 89, 1}, {1000, 2, 990}}) {
    const HashConfig config{500, {7, 0, 3}, bases, 5, 42};
    const auto layers = derive_hash(config);
    ASSERT_TRUE(layers);
    std::vector<std::uint64_t> primes;
    for (const LayerHash& layer : *layers) {
      primes.insert(primes.end(), layer.primes.begin(), layer.primes.end());
    }
    EXPECT_EQ(primes, primes_by_the_book(config));
  }
}

TEST(DeriveHash, ProductsNeverLeaveSixtyThreeBits) {
  for (const ClassId classes : {1, 2, 49152, 1 << 30, 2147483647}) {
    for (const std::uint64_t multiplier : derive_multipliers(classes, 8, 3, 0)) {
      EXPECT_EQ(multiplier % 2, 1u);
      __extension__ using Word = unsigned __int128;
      EXPECT_EQ(static_cast<std::uint64_t>(static_cast<Word>(multiplier) * (classes - 1) >> 63),
                0u);
    }
  }
}

TEST(DeriveHash, RefusesWhatCannotBeMade) {
  const HashConfig good{50, {1, 14}, {11, 11}, 8, 0};
  ASSERT_TRUE(derive_hash(good));
  const std::vector<std::function<void(HashConfig&)>> damages = {
      [](HashConfig& c) { c.class_count = 0; },
      [](HashConfig& c) { c.class_count = -5; },
      [](HashConfig& c) { c.layer_ids.clear(); },
      [](HashConfig& c) {
        c.layer_ids = {1, 1};
      },
      [](HashConfig& c) { c.layer_ids = {-1}; },
      [](HashConfig& c) { c.layer_ids.assign(100000, 1); },
      [](HashConfig& c) { c.bases.clear(); },
      [](HashConfig& c) { c.bases.assign(8, 11); },
      [](HashConfig& c) { c.bases = {0}; },
      [](HashConfig& c) { c.bases = {~std::uint64_t{0}}; },
      [](HashConfig& c) { c.head_count = 0; },
      [](HashConfig& c) { c.head_count = 2147483647; },
      [](HashConfig& c) { c.seed = ~std::uint64_t{0}; },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    HashConfig config = good;
    damages[i](config);
    const auto layers = derive_hash(config);
    ASSERT_FALSE(layers) << i;
    EXPECT_EQ(layers.error().code, ErrorCode::invalid);
  }
}

}  // namespace
}  // namespace mneme

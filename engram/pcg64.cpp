// SPDX-License-Identifier: Apache-2.0
#include "engram/pcg64.h"

#include <array>
#include <bit>

#include "base/check.h"

namespace mneme {
namespace {

constexpr int kPoolWords = 4;
using Pool = std::array<std::uint32_t, kPoolWords>;

// SeedSequence's running hash: the constant advances with every word.
struct HashMix {
  std::uint32_t constant = 0x43b0d7e5u;

  std::uint32_t operator()(std::uint32_t value) {
    value ^= constant;
    constant *= 0x931e8875u;
    value *= constant;
    return value ^ (value >> 16);
  }
};

std::uint32_t mix(std::uint32_t x, std::uint32_t y) {
  const std::uint32_t result = 0xca01f9ddu * x - 0x4973f715u * y;
  return result ^ (result >> 16);
}

// The entropy is the seed's 32-bit words; a 64-bit seed never has more words than the pool.
Pool mix_entropy(std::uint64_t seed) {
  HashMix hash;
  Pool pool{};
  pool[0] = hash(static_cast<std::uint32_t>(seed));
  pool[1] = hash(static_cast<std::uint32_t>(seed >> 32));
  pool[2] = hash(0);
  pool[3] = hash(0);
  for (int source = 0; source < kPoolWords; ++source) {
    for (int target = 0; target < kPoolWords; ++target) {
      if (source != target) pool[target] = mix(pool[target], hash(pool[source]));
    }
  }
  return pool;
}

// generate_state(4, uint64): pairs of 32-bit words, low word first.
std::array<std::uint64_t, 4> generate_state(const Pool& pool) {
  std::array<std::uint64_t, 4> words{};
  std::uint32_t constant = 0x8b51f9ddu;
  for (int i = 0; i < 8; ++i) {
    std::uint32_t value = pool[i % kPoolWords] ^ constant;
    constant *= 0x58f38dedu;
    value *= constant;
    value ^= value >> 16;
    words[i / 2] |= static_cast<std::uint64_t>(value) << (i % 2 * 32);
  }
  return words;
}

}  // namespace

Pcg64::Pcg64(std::uint64_t seed) {
  const auto words = generate_state(mix_entropy(seed));
  const Word initial = static_cast<Word>(words[0]) << 64 | words[1];
  const Word stream = static_cast<Word>(words[2]) << 64 | words[3];
  increment_ = stream << 1 | 1;
  step();
  state_ += initial;
  step();
}

void Pcg64::step() {
  constexpr Word kMultiplier = static_cast<Word>(0x2360ed051fc65da4u) << 64 | 0x4385df649fccf645u;
  state_ = state_ * kMultiplier + increment_;
}

std::uint64_t Pcg64::next64() {
  step();
  const auto high = static_cast<std::uint64_t>(state_ >> 64);
  const auto low = static_cast<std::uint64_t>(state_);
  return std::rotr(high ^ low, static_cast<int>(high >> 58));
}

std::uint32_t Pcg64::next32() {
  if (has_kept_) {
    has_kept_ = false;
    return kept_;
  }
  const std::uint64_t both = next64();
  kept_ = static_cast<std::uint32_t>(both >> 32);
  has_kept_ = true;
  return static_cast<std::uint32_t>(both);
}

std::uint64_t Pcg64::below(std::uint64_t bound) {
  CHECK(bound >= 1);
  if (bound == 1) return 0;  // numpy draws nothing
  if (bound == std::uint64_t{1} << 32) return next32();
  if (bound < std::uint64_t{1} << 32) {
    const auto small = static_cast<std::uint32_t>(bound);
    std::uint64_t product = static_cast<std::uint64_t>(next32()) * small;
    const std::uint32_t threshold = (0u - small) % small;
    while (static_cast<std::uint32_t>(product) < threshold) {
      product = static_cast<std::uint64_t>(next32()) * small;
    }
    return product >> 32;
  }
  // Lemire's method: the rejected low parts are those below 2^64 mod bound.
  Word product = static_cast<Word>(next64()) * bound;
  const std::uint64_t threshold = (0u - bound) % bound;
  while (static_cast<std::uint64_t>(product) < threshold) {
    product = static_cast<Word>(next64()) * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace mneme

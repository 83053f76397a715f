// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mneme {

// Drawn once a process, so that no file can be made whose keys all meet in one slot of a table.
std::uint64_t hash_seed();

inline std::uint64_t hash_text(std::uint64_t seed, std::string_view text) {
  std::uint64_t hash = seed ^ text.size() * 0x9e3779b97f4a7c15u;
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * 0xd6e8feb86659fd93u;
    hash ^= hash >> 32;
  };
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    mix(word);
    text.remove_prefix(sizeof word);
  }
  if (text.size() >= 4) {  // the last four overlap the first: the length is in the hash
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, text.data(), sizeof first);
    std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
    mix(static_cast<std::uint64_t>(first) << 32 | last);
  } else if (!text.empty()) {
    const auto byte = [text](std::size_t i) {
      return static_cast<std::uint64_t>(static_cast<unsigned char>(text[i]));
    };
    mix(byte(0) << 16 | byte(text.size() / 2) << 8 | byte(text.size() - 1));
  }
  hash *= 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 29;
}

}  // namespace mneme

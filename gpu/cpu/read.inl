// SPDX-License-Identifier: Apache-2.0
// Reads memory with the vectors of this instruction set and does nothing else that takes time: what
// a product can reach at most.

constexpr std::int64_t kReadBytes = kLanes == 1 ? 16 : 4 * kLanes;  // SSE2 is part of x86-64
using ReadWords = std::uint64_t __attribute__((vector_size(kReadBytes)));

std::uint64_t read_memory(const unsigned char* p, std::int64_t bytes) {
  ReadWords sums[4] = {};
  for (std::int64_t at = 0; at < bytes; at += 4 * kReadBytes) {
    prefetch(p + at, 4 * kReadBytes);
    for (int k = 0; k < 4; ++k) {
      ReadWords words;
      std::memcpy(&words, p + at + k * kReadBytes, sizeof words);
      sums[k] += words;
    }
  }
  sums[0] += sums[1] + sums[2] + sums[3];
  std::uint64_t words[kReadBytes / 8];
  std::memcpy(words, sums, sizeof words);
  std::uint64_t sum = 0;
  for (const std::uint64_t word : words) sum += word;
  return sum;
}

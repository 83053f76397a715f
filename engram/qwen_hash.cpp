// SPDX-License-Identifier: Apache-2.0
#include "engram/qwen_hash.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "engram/primes.h"

namespace mneme {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;

std::uint64_t splitmix64(std::uint64_t v) {
  v += kGolden;
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
  return v ^ (v >> 31);
}

}  // namespace

std::vector<std::uint64_t> qwen_multipliers(std::int32_t vocab_size, std::int32_t max_ngram_size,
                                            std::int32_t ple_index, std::uint64_t seed) {
  CHECK(max_ngram_size >= 1 && ple_index >= 0);
  const auto vocab = static_cast<std::uint64_t>(std::max(vocab_size, 1));
  const std::uint64_t half = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / vocab / 2);
  const std::uint64_t base = seed + 10007u * static_cast<std::uint64_t>(ple_index);
  std::vector<std::uint64_t> multipliers(static_cast<std::size_t>(max_ngram_size));
  for (std::size_t i = 0; i < multipliers.size(); ++i) {
    multipliers[i] = 2 * (splitmix64(base + kGolden * (i + 1)) % half) + 1;
  }
  return multipliers;
}

std::vector<std::uint64_t> qwen_bucket_sizes(std::uint64_t base, std::size_t columns,
                                             std::int32_t ple_index) {
  CHECK(base >= 1 && base <= std::uint64_t{1} << 44 && ple_index >= 0);
  std::uint64_t cursor = base - 1;
  const std::size_t skipped = columns * static_cast<std::size_t>(ple_index);
  for (std::size_t i = 0; i < skipped; ++i) cursor = next_prime(cursor);
  std::vector<std::uint64_t> sizes(columns);
  for (std::uint64_t& size : sizes) size = cursor = next_prime(cursor);
  return sizes;
}

void qwen_rows_at(const QwenHash& hash, std::span<const TokenId> tokens, std::size_t position,
                  std::span<RowId> out) {
  const std::size_t n = hash.multipliers.size();
  CHECK(position < tokens.size() && n >= 2);
  CHECK(out.size() == hash.bucket_sizes.size() && out.size() % (n - 1) == 0);
  const std::size_t heads = out.size() / (n - 1);
  const auto product = [&](TokenId token, std::size_t back) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(token)) * hash.multipliers[back];
  };
  std::uint64_t mix = product(tokens[position], 0);
  std::uint64_t offset = 0;
  bool ended = false;
  for (std::size_t back = 1; back < n; ++back) {
    ended = ended || back > position || tokens[position - back] == hash.eos;
    mix ^= product(ended ? hash.eos : tokens[position - back], back);
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t column = (back - 1) * heads + h;
      out[column] = mix % hash.bucket_sizes[column] + offset;
      offset += hash.bucket_sizes[column];
    }
  }
}

}  // namespace mneme

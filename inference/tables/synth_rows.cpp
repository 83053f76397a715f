// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/synth_rows.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace mneme {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;
// Uniform e4m3 codes have a root mean square near 100; 2^-11 and 2^-10 bring it to about 1/16.
constexpr unsigned kScaleCode = 116;

// The finisher of splitmix64.
std::uint64_t mix(std::uint64_t v) {
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
  return v ^ (v >> 31);
}

// Codes 0x7f and 0xff, which are NaN, become 0x7e and 0xfe, in all eight bytes.
std::uint64_t without_nan(std::uint64_t word) {
  constexpr std::uint64_t kLow7 = 0x7f7f7f7f7f7f7f7fu;
  constexpr std::uint64_t kOnes = 0x0101010101010101u;
  const std::uint64_t all_set =
      (((word & kLow7) + kOnes) >> 7) & kOnes;  // 1 where low bits are 0x7f
  return word ^ all_set;
}

}  // namespace

void synth_row(std::uint64_t seed, std::int32_t layer, RowId row, std::uint32_t width,
               std::span<std::byte> out) {
  CHECK(out.size() == width || out.size() == width + width / 32);
  const std::uint64_t start =
      mix(mix(seed + kGolden) ^ mix((static_cast<std::uint64_t>(layer) << 48) + row + 1));
  std::uint64_t counter = start;
  std::size_t at = 0;
  for (; at < width; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = without_nan(mix(counter += kGolden));
    std::memcpy(out.data() + at, &word, std::min(sizeof word, width - at));
  }
  for (at = width; at < out.size(); ++at) {
    out[at] = static_cast<std::byte>(kScaleCode + (start >> ((at - width) % 64) & 1));
  }
}

}  // namespace mneme

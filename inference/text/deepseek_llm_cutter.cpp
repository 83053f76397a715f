// SPDX-License-Identifier: Apache-2.0
#include "inference/text/deepseek_llm_cutter.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/utf8.h"
#include "inference/text/characters.h"

namespace mneme {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Letters with case of the Latin, Greek, Cyrillic and some smaller scripts, as the published
// expression lists them: those that are not in it (Georgian, mathematical alphabets) count as other
// characters.
constexpr auto kLetters = std::to_array<Range>({
    {0x41, 0x5a},       {0x61, 0x7a},       {0xb5, 0xb5},       {0xc0, 0xd6},
    {0xd8, 0xf6},       {0xf8, 0x1ba},      {0x1bc, 0x1bf},     {0x1c4, 0x293},
    {0x295, 0x2af},     {0x370, 0x373},     {0x376, 0x377},     {0x37b, 0x37d},
    {0x37f, 0x37f},     {0x386, 0x386},     {0x388, 0x38a},     {0x38c, 0x38c},
    {0x38e, 0x3a1},     {0x3a3, 0x3f5},     {0x3f7, 0x481},     {0x48a, 0x52f},
    {0x531, 0x556},     {0x10a0, 0x10c5},   {0x13a0, 0x13f5},   {0x13f8, 0x13fd},
    {0x1c90, 0x1cba},   {0x1cbd, 0x1cbf},   {0x1d00, 0x1d2b},   {0x1d6b, 0x1d77},
    {0x1d79, 0x1d9a},   {0x1e00, 0x1f15},   {0x1f18, 0x1f1d},   {0x1f20, 0x1f45},
    {0x1f48, 0x1f4d},   {0x1f50, 0x1f57},   {0x1f59, 0x1f59},   {0x1f5b, 0x1f5b},
    {0x1f5d, 0x1f5d},   {0x1f5f, 0x1f7d},   {0x1f80, 0x1fb4},   {0x1fb6, 0x1fbc},
    {0x1fbe, 0x1fbe},   {0x1fc2, 0x1fc4},   {0x1fc6, 0x1fcc},   {0x1fd0, 0x1fd3},
    {0x1fd6, 0x1fdb},   {0x1fe0, 0x1fec},   {0x1ff2, 0x1ff4},   {0x1ff6, 0x1ffc},
    {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210a, 0x2113},   {0x2115, 0x2115},
    {0x2119, 0x211d},   {0x2124, 0x2124},   {0x2126, 0x2126},   {0x2128, 0x2128},
    {0x212a, 0x212d},   {0x212f, 0x2134},   {0x2139, 0x2139},   {0x213c, 0x213f},
    {0x2145, 0x2149},   {0x214e, 0x214e},   {0x2183, 0x2184},   {0x2c00, 0x2c7b},
    {0x2c7e, 0x2ce4},   {0x2ceb, 0x2cee},   {0x2cf2, 0x2cf3},   {0xa640, 0xa66d},
    {0xa680, 0xa69b},   {0xa722, 0xa76f},   {0xa771, 0xa787},   {0xa78b, 0xa78e},
    {0xab70, 0xabbf},   {0xfb00, 0xfb06},   {0xfb13, 0xfb17},   {0xff21, 0xff3a},
    {0xff41, 0xff5a},   {0x10400, 0x1044f}, {0x104b0, 0x104d3}, {0x104d8, 0x104fb},
    {0x10c80, 0x10cb2}, {0x10cc0, 0x10cf2}, {0x118a0, 0x118df}, {0x1e900, 0x1e943},
});
constexpr auto kPunctuationMarks = std::to_array<Range>({
    {'!', '/'},
    {':', '~'},
    {0x2018, 0x201f},
    {0x3000, 0x3002},
    {0xff01, 0xff0f},
    {0xff1a, 0xff5e},
});
constexpr auto kChineseAndKorean = std::to_array<Range>({{0x800, 0x9fa5}, {0xac00, 0xd7ff}});

struct Character {
  char32_t code = 0;
  std::size_t end = 0;

  bool is_white() const { return (category_bits(code) & kWhiteSpace) != 0; }
  bool in(std::span<const Range> ranges) const {
    const auto after = std::ranges::upper_bound(ranges, code, {}, &Range::first);
    return after != ranges.begin() && code <= std::prev(after)->last;
  }
};

Character at(std::string_view text, std::size_t place) {
  const Utf8Step step = utf8_step(text.substr(place));
  return {step.code, place + step.size};
}

struct Stretch {
  std::size_t begin = 0;
  std::size_t end = 0;  // of none: begin
};

// [...]+, or with `space` \s?[...]+
Stretch find_run(std::string_view text, std::size_t from, std::span<const Range> ranges,
                 bool space) {
  std::size_t space_begin = text.size();  // of the character before, where it is white space
  for (std::size_t begin = from; begin < text.size();) {
    Character c = at(text, begin);
    if (!c.in(ranges)) {
      space_begin = space && c.is_white() ? begin : text.size();
      begin = c.end;
      continue;
    }
    std::size_t end = c.end;
    while (end < text.size() && (c = at(text, end)).in(ranges)) end = c.end;
    return {std::min(space_begin, begin), end};
  }
  return {};
}

// A single character that is `wanted`.
template <class Wanted>
Stretch find_one(std::string_view text, std::size_t from, const Wanted& wanted) {
  while (from < text.size()) {
    const Character c = at(text, from);
    if (wanted(c.code)) return {from, c.end};
    from = c.end;
  }
  return {};
}

// \s+$
Stretch find_blank_end(std::string_view text, std::size_t from) {
  std::size_t begin = text.size();
  while (from < text.size()) {
    const Character c = at(text, from);
    if (!c.is_white()) begin = text.size();
    if (c.is_white() && begin == text.size()) begin = from;
    from = c.end;
  }
  return {begin, text.size()};
}

constexpr int kStages = 6;

Stretch find(std::string_view text, std::size_t from, int stage) {
  switch (stage) {
    case 0:
      return find_one(text, from, [](char32_t c) { return c == '\r' || c == '\n'; });
    case 1:
      return find_run(text, from, kLetters, true);
    case 2:
      return find_run(text, from, kPunctuationMarks, true);
    case 3:
      return find_blank_end(text, from);
    case 4:
      return find_run(text, from, kChineseAndKorean, false);
    default:
      return find_one(text, from, [](char32_t c) { return (category_bits(c) & kNumber) != 0; });
  }
}

}  // namespace

bool cut_deepseek_llm(std::string_view text, const std::function<bool(std::string_view)>& take,
                      int stage) {
  if (stage == kStages) return take(text);
  std::size_t done = 0;
  const auto pass_on = [&](std::size_t end) {
    const std::string_view piece = text.substr(done, end - done);
    done = end;
    return piece.empty() || cut_deepseek_llm(piece, take, stage + 1);
  };
  while (done < text.size()) {
    const Stretch found = find(text, done, stage);
    if (found.end == found.begin) break;
    if (!pass_on(found.begin) || !pass_on(found.end)) return false;
  }
  return pass_on(text.size());
}

}  // namespace mneme

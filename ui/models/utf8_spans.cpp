// SPDX-License-Identifier: Apache-2.0
#include "ui/models/utf8_spans.h"

#include <algorithm>
#include <cstdint>

namespace mneme {
namespace {

struct Decoded {
  char32_t character = 0xfffd;
  int bytes = 1;
  bool cut = false;  // the bytes end before the character does
};

// One character, or the longest broken start of one (Unicode's "maximal subpart").
Decoded decodeAt(const std::string& bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::uint8_t lead = byte(at);
  if (lead < 0x80) return {lead, 1, false};
  int length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return {};
  }
  char32_t character = lead & (0x7f >> length);
  for (int i = 1; i < length; ++i) {
    const std::size_t next = at + static_cast<std::size_t>(i);
    if (next >= bytes.size()) return {0xfffd, i, true};
    if (byte(next) < low || byte(next) > high) return {0xfffd, i, false};
    character = character << 6 | (byte(next) & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return {character, length, false};
}

}  // namespace

TokenSpans spellTokens(const std::vector<std::string>& tokens, bool growing) {
  std::string bytes;
  std::vector<std::size_t> ends;  // first byte after each token
  for (const std::string& token : tokens) {
    bytes += token;
    ends.push_back(bytes.size());
  }
  const auto tokenOf = [&](std::size_t byte) {
    return static_cast<int>(std::upper_bound(ends.begin(), ends.end(), byte) - ends.begin());
  };

  TokenSpans spans;
  spans.text.reserve(static_cast<qsizetype>(bytes.size()));
  for (std::size_t at = 0; at < bytes.size();) {
    const Decoded decoded = decodeAt(bytes, at);
    if (decoded.cut && growing) break;
    const int first = tokenOf(at);
    const int end = tokenOf(at + static_cast<std::size_t>(decoded.bytes) - 1) + 1;
    const int start = static_cast<int>(spans.text.size());
    spans.text += QStringView(QChar::fromUcs4(decoded.character));
    const int length = static_cast<int>(spans.text.size()) - start;
    if (!spans.cells.empty() && spans.cells.back().endToken > first) {
      // The cell before has a token in common: one cell.
      spans.cells.back().length += length;
      spans.cells.back().endToken = std::max(spans.cells.back().endToken, end);
    } else {
      spans.cells.push_back({start, length, first, end});
    }
    at += static_cast<std::size_t>(decoded.bytes);
  }
  return spans;
}

std::optional<int> placeSpans(const QString& spelled, const QString& text) {
  // Templates trim: the tokens may lack white space that the text begins with, or the reverse.
  const auto leading = [](const QString& s) {
    qsizetype n = 0;
    while (n < s.size() && s[n].isSpace()) ++n;
    return n;
  };
  const auto agrees = [&](qsizetype textFrom, qsizetype spelledFrom) {
    const QStringView a = QStringView(text).mid(textFrom);
    const QStringView b = QStringView(spelled).mid(spelledFrom);
    const qsizetype common = std::min(a.size(), b.size());
    return common > 0 && a.left(common) == b.left(common);
  };
  if (agrees(0, 0)) return 0;
  const qsizetype a = leading(text);
  const qsizetype b = leading(spelled);
  if (!agrees(a, b)) return std::nullopt;
  return static_cast<int>(a - b);
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/text_estimate.h"

#include <QFontMetricsF>
#include <QHash>
#include <algorithm>
#include <cmath>

namespace mneme {
namespace {

constexpr int kFontsKept = 16;      // more than there are at one zoom
constexpr char16_t kWide = 0x1100;  // from here on scripts whose characters fill squares
constexpr char16_t kWideEnd = 0xFFDC;
constexpr qreal kLostAtWords = 2.5;  // average characters by which a line is short of its width

bool isWide(QChar c) {
  switch (c.script()) {
    case QChar::Script_Han:
    case QChar::Script_Hiragana:
    case QChar::Script_Katakana:
    case QChar::Script_Hangul:
    case QChar::Script_Bopomofo:
      return true;
    default:
      return c.category() == QChar::Punctuation_Open && c.unicode() > 0x3000;
  }
}

}  // namespace

const TextEstimate& TextEstimate::of(const QFont& font) {
  static QHash<QFont, TextEstimate> known;
  const auto found = known.constFind(font);
  if (found != known.constEnd()) return *found;
  if (known.size() >= kFontsKept) known.clear();
  return *known.insert(font, TextEstimate(font));
}

TextEstimate::TextEstimate(const QFont& font) {
  const QFontMetricsF metrics(font);
  m_average = metrics.averageCharWidth();
  m_square = metrics.height() * 0.85;
  m_lineHeight = std::ceil(metrics.height());
  for (std::size_t c = 0x20; c < 0x7F; ++c) {
    m_ascii[c] = metrics.horizontalAdvance(QChar(static_cast<char16_t>(c)));
  }
  m_ascii['\t'] = 4 * m_ascii[' '];
}

qreal TextEstimate::advance(QChar c) const {
  if (c.unicode() < m_ascii.size()) return m_ascii[c.unicode()];
  if (c.isHighSurrogate()) return m_square;  // the pair
  if (c.isLowSurrogate()) return 0;
  switch (c.category()) {
    case QChar::Mark_NonSpacing:
    case QChar::Mark_Enclosing:
    case QChar::Other_Format:
    case QChar::Other_Control:
      return 0;
    default:
      return c.unicode() >= kWide && c.unicode() < kWideEnd && isWide(c) ? m_square : m_average;
  }
}

int TextEstimate::lines(QStringView text, qreal width, bool anywhere) const {
  const qreal room = std::max(width - (anywhere ? 0 : kLostAtWords * m_average), m_square);
  int lines = 0;
  qreal used = 0;
  bool open = true;
  for (const QChar c : text) {
    open = c != QLatin1Char('\n') && c != QChar::LineSeparator;
    if (!open) {
      ++lines;
      used = 0;
      continue;
    }
    const qreal own = advance(c);
    if (used + own > room && used > 0) {
      ++lines;
      used = 0;
    }
    used += own;
  }
  return std::max(lines + (open ? 1 : 0), 1);
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// How many lines a text will take, from what its characters take on their own: a small share of the
// work of laying it out, and right for most texts of one font. UI thread.
#pragma once

#include <QFont>
#include <QStringView>
#include <array>

namespace mneme {

class TextEstimate {
 public:
  // Of this font; kept for the next text in it.
  static const TextEstimate& of(const QFont& font);

  qreal lineHeight() const { return m_lineHeight; }  // without leading
  // `anywhere`: lines are full, else they end with a word. A break at the end begins no line.
  int lines(QStringView text, qreal width, bool anywhere) const;

 private:
  explicit TextEstimate(const QFont& font);
  qreal advance(QChar c) const;

  std::array<qreal, 128> m_ascii{};
  qreal m_average = 0;
  qreal m_square = 0;  // ideographs and emoji
  qreal m_lineHeight = 0;
};

}  // namespace mneme

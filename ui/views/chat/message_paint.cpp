// SPDX-License-Identifier: Apache-2.0
// How a message's body looks.
#include <QFontMetricsF>
#include <algorithm>
#include <array>
#include <cmath>

#include "ui/theme.h"
#include "ui/views/chat/message_fonts.h"
#include "ui/views/chat/message_layout.h"

namespace mneme {
namespace {

constexpr double kBodyScale = 1.08;
constexpr qreal kFrameRadius = 7;
constexpr double kLeading = 0.26;  // space between lines, of the font's height

}  // namespace

QFont bodyFont() {
  return Theme::current().uiFont(kBodyScale);
}

QFont codeFont() {
  return Theme::current().monoFont(kBodyScale * 0.98);
}

QFont smallFont() {
  return Theme::current().uiFont(0.9);
}

QFont headingFont(int level) {
  constexpr std::array<double, 6> kScale{1.45, 1.28, 1.16, 1.08, 1.08, 1.08};
  QFont font =
      Theme::current().uiFont(kScale[static_cast<std::size_t>(std::clamp(level, 1, 6) - 1)]);
  font.setWeight(QFont::DemiBold);
  return font;
}

qreal leadingOf(const QFont& font) {
  return std::round(QFontMetricsF(font).height() * kLeading);
}

QString copyText(bool copied) {
  return copied ? MessageLayout::tr("Copied") : MessageLayout::tr("Copy");
}

void MessageLayout::paintCode(QPainter& painter, const Block& block, int index) const {
  const Theme& t = Theme::current();
  const QRectF frame = block.frame.translated(block.x, block.y);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(t.border, 1));
  painter.setBrush(t.codeBackground);
  painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), kFrameRadius, kFrameRadius);
  painter.setRenderHint(QPainter::Antialiasing, false);
  const qreal rule = block.y + block.copy.bottom() + 2;
  painter.drawLine(QPointF(frame.left() + 1, rule), QPointF(frame.right() - 2, rule));
  painter.setFont(smallFont());
  painter.setPen(t.textMuted);
  const QRectF copy = block.copy.translated(block.x, block.y);
  const QRectF label(frame.left() + kPadding, copy.top(), frame.width() / 2, copy.height());
  painter.drawText(label, Qt::AlignLeft | Qt::AlignVCenter,
                   block.content.language.isEmpty() ? tr("code") : block.content.language.left(40));
  painter.drawText(copy, Qt::AlignCenter, copyText(m_copiedBlock == index));
}

void MessageLayout::paintFrames(QPainter& painter, QPointF origin, const QRectF& clip) const {
  const Theme& t = Theme::current();
  painter.save();
  painter.translate(origin);
  const QRectF area = clip.translated(-origin);
  for (std::size_t i = blockAt(area.top()); i < m_blocks.size(); ++i) {
    const Block& block = m_blocks[i];
    if (block.y > area.bottom()) break;
    for (int q = 0; q < block.content.quoteDepth; ++q) {
      const qreal bar = q * kIndent * 0.8 + 2;
      const qreal x = block.rightToLeft ? m_laidWidth - bar - 3 : bar;
      painter.fillRect(QRectF(x, block.y, 3, block.height), t.border);
    }
    if (block.content.kind == MarkdownBlock::Kind::rule) {
      painter.fillRect(QRectF(block.x, block.y + 4, block.naturalWidth, 1), t.border);
    }
    if (block.content.kind == MarkdownBlock::Kind::code) {
      paintCode(painter, block, static_cast<int>(i));
    }
    for (const qreal y : block.lines) {
      painter.fillRect(QRectF(block.x, block.y + y, block.frame.width(), 1), t.border);
    }
    if (block.content.marker.isEmpty()) continue;
    painter.setPen(block.content.quoteDepth > 0 && !m_inked ? t.textMuted : t.text);
    painter.setFont(bodyFont());
    const qreal height = QFontMetricsF(bodyFont()).height();
    if (block.rightToLeft) {
      const QRectF mark(block.width + 7, block.y, kIndent * 2 - 7, height);
      painter.drawText(mark, Qt::AlignLeft | Qt::AlignVCenter, block.content.marker);
    } else {
      const QRectF mark(block.indent - kIndent * 2, block.y, kIndent * 2 - 7, height);
      painter.drawText(mark, Qt::AlignRight | Qt::AlignVCenter, block.content.marker);
    }
  }
  painter.restore();
}

void MessageLayout::paintText(QPainter& painter, QPointF origin, const QRectF& clip,
                              Range selection) const {
  const Theme& t = Theme::current();
  painter.save();
  painter.translate(origin);
  const QRectF area = clip.translated(-origin);
  QTextCharFormat selected;
  selected.setBackground(t.accent);
  selected.setForeground(t.accentText);
  for (std::size_t i = blockAt(area.top()); i < m_blocks.size(); ++i) {
    const Block& block = m_blocks[i];
    if (block.y > area.bottom()) break;
    painter.setPen(block.content.quoteDepth > 0 && !m_inked ? t.textMuted : t.text);
    for (const Piece& piece : block.pieces) {
      const QPointF at = QPointF(block.x, block.y) + piece.origin;
      if (!piece.layout || at.y() > area.bottom() || at.y() + piece.height < area.top()) continue;
      QList<QTextLayout::FormatRange> marks;
      const int offset = positionOf(block, piece);
      const int from = std::max(selection.from - offset, 0);
      const int to = std::min(selection.to - offset, piece.length);
      if (from < to) marks.append({from, to - from, selected});
      piece.layout->draw(&painter, at, marks, area);
    }
  }
  painter.restore();
}

}  // namespace mneme

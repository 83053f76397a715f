// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/match_paint.h"

#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>

#include "ui/theme.h"

namespace mneme {

namespace {

QColor matchColour() {
  return Theme::current().dark ? QColor(0xF0, 0xB4, 0x29, 0x60) : QColor(0xFF, 0xC8, 0x2E, 0x70);
}

}  // namespace

void markMatch(QPainter& painter, const QRectF& place) {
  const bool dark = Theme::current().dark;
  painter.setCompositionMode(dark ? QPainter::CompositionMode_Screen
                                  : QPainter::CompositionMode_Multiply);
  painter.fillRect(place, dark ? QColor(0x5C, 0x45, 0x10) : QColor(0xFF, 0xDD, 0x6B));
  painter.setCompositionMode(QPainter::CompositionMode_SourceOver);
}

void drawMatch(QPainter& painter, const QRectF& room, const QString& text, QPoint match) {
  const QFontMetricsF metrics(painter.font());
  const qsizetype from = std::clamp<qsizetype>(match.x(), 0, text.size());
  const QString found = text.mid(from, match.y());
  QString shown = text;
  if (!found.isEmpty()) {
    const QString after = text.mid(from + found.size());
    const qreal width = std::min(metrics.horizontalAdvance(found), room.width());
    const qreal left = room.width() - width;
    const qreal most = std::max(left / 2, left - metrics.horizontalAdvance(after));
    const QString before = metrics.elidedText(text.left(from), Qt::ElideLeft, most);
    const qreal x = room.left() + metrics.horizontalAdvance(before);
    painter.fillRect(QRectF(x, room.center().y() - metrics.height() / 2,
                            std::min(width, room.right() - x), metrics.height()),
                     matchColour());
    shown = before + found + after;
  }
  painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter,
                   metrics.elidedText(shown, Qt::ElideRight, room.width()));
}

}  // namespace mneme

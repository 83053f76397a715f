// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/tier_cell.h"

#include <QPainter>
#include <algorithm>

#include "ui/theme.h"

namespace mneme {
namespace {

constexpr double kHatchMin = 5;  // pixels; below it a hatch is only noise

}  // namespace

void paintTierCell(QPainter* painter, const QRectF& rect, Tier tier, double radius) {
  const QColor fill = Theme::current().tier(tier);
  painter->save();
  painter->setPen(Qt::NoPen);
  painter->setBrush(fill);
  painter->setRenderHint(QPainter::Antialiasing, radius > 0);
  painter->drawRoundedRect(rect, radius, radius);
  const double side = std::min(rect.width(), rect.height());
  if (tier != Tier::ram && side >= kHatchMin) {
    QColor ink = Theme::textOn(fill);
    ink.setAlphaF(0.55F);
    painter->setRenderHint(QPainter::Antialiasing, true);
    painter->setPen(QPen(ink, std::max(1.0, side / 12)));
    // A square in the middle, so that wide cells look the same as narrow ones.
    const double half = side * 0.24;
    const QPointF c = rect.center();
    if (tier == Tier::device) {
      painter->setPen(Qt::NoPen);
      painter->setBrush(ink);
      painter->drawEllipse(c, side * 0.13, side * 0.13);
    } else {
      painter->drawLine(QPointF(c.x() - half, c.y() + half), QPointF(c.x() + half, c.y() - half));
      if (tier == Tier::ssd_late) {
        painter->drawLine(QPointF(c.x() - half, c.y() - half), QPointF(c.x() + half, c.y() + half));
      }
    }
  }
  painter->restore();
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/elided_label.h"

#include <QPainter>

namespace mneme {

QSize ElidedLabel::minimumSizeHint() const {
  return {30, QLabel::sizeHint().height()};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setPen(palette().color(foregroundRole()));
  const QRect area = contentsRect();
  painter.drawText(area, (alignment() & Qt::AlignHorizontal_Mask) | Qt::AlignVCenter,
                   fontMetrics().elidedText(text(), Qt::ElideRight, area.width()));
}

}  // namespace mneme

#include "moc_elided_label.cpp"

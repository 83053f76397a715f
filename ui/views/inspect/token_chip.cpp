// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/token_chip.h"

#include <QPainter>
#include <cmath>

#include "ui/models/token_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

QFont chipFont() {
  return Theme::current().monoFont(1.3);
}

}  // namespace

TokenChip::TokenChip(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
}

void TokenChip::setToken(const QString& text, double gate) {
  m_text = withoutLigatures(text);
  m_gate = gate;
  setAccessibleName(tr("Token %1").arg(text));
  setToolTip(text);
  updateGeometry();
  update();
}

QSize TokenChip::sizeHint() const {
  const QFontMetricsF metrics(chipFont());
  // Not a fraction of a pixel less, which would cost the token its last letters.
  return QSizeF(std::ceil(metrics.horizontalAdvance(m_text)) + 17, metrics.height() + 8).toSize();
}

void TokenChip::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QColor ground = m_gate < 0 ? theme.codeBackground : theme.gate(m_gate);
  // A gate near 0 has nearly the panel's colour: the frame keeps the chip a chip.
  painter.setPen(QPen(theme.border, 1));
  painter.setBrush(ground);
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
  painter.setPen(Theme::textOn(ground));
  painter.setFont(chipFont());
  painter.drawText(rect().adjusted(8, 0, -8, 0), Qt::AlignCenter,
                   QFontMetrics(chipFont()).elidedText(m_text, Qt::ElideRight, width() - 16));
}

}  // namespace mneme

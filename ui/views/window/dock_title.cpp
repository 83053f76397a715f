// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/dock_title.h"

#include <QPainter>

#include "ui/theme.h"

namespace mneme {

DockTitle::DockTitle(const QString& text, QWidget* parent) : QLabel(text, parent) {
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] { updateGeometry(); });
}

void DockTitle::setShown(bool shown) {
  if (m_shown == shown) return;
  m_shown = shown;
  updateGeometry();
}

QSize DockTitle::sizeHint() const {
  if (!m_shown) return {0, 0};
  const QFontMetrics metrics(Theme::current().uiFont());
  return {metrics.horizontalAdvance(text()) + 28, metrics.height() + 15};
}

void DockTitle::paintEvent(QPaintEvent*) {
  if (!m_shown) return;
  const Theme& t = Theme::current();
  QPainter painter(this);
  painter.fillRect(rect(), t.window);
  painter.fillRect(QRect(0, height() - 1, width(), 1), t.border);
  QFont font = t.uiFont();
  font.setWeight(QFont::DemiBold);
  painter.setFont(font);
  painter.setPen(t.text);
  painter.drawText(rect().adjusted(14, 0, -14, 0), Qt::AlignLeft | Qt::AlignVCenter, text());
}

}  // namespace mneme

#include "moc_dock_title.cpp"

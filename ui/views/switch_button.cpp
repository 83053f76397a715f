// SPDX-License-Identifier: Apache-2.0
#include "ui/views/switch_button.h"

#include <QAccessible>
#include <QPainter>
#include <cmath>

#include "ui/theme.h"

namespace mneme {
namespace {

QSizeF trackSize() {
  const qreal h = std::round(16 * Theme::zoom());
  return {std::round(h * 1.8), h};
}

}  // namespace

SwitchButton::SwitchButton(const QString& text, QWidget* parent) : QAbstractButton(parent) {
  setText(text);
  setCheckable(true);
  setFocusPolicy(Qt::StrongFocus);
  setCursor(Qt::PointingHandCursor);
  setAccessibleName(text);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] {
    updateGeometry();
    update();
  });
}

QSize SwitchButton::sizeHint() const {
  const QFontMetrics metrics(font());
  const QSizeF track = trackSize();
  return {metrics.horizontalAdvance(text()) + 9 + static_cast<int>(track.width()) + 8,
          std::max(metrics.height(), static_cast<int>(track.height())) + 10};
}

void SwitchButton::paintEvent(QPaintEvent*) {
  const Theme& t = Theme::current();
  QPainter painter(this);
  const QSizeF track = trackSize();
  const QRectF room = rect().adjusted(4, 0, -4, 0);
  painter.setPen(isEnabled() ? t.textMuted : t.border);
  painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter, text());
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF slot(room.right() - track.width(), (height() - track.height()) / 2, track.width(),
                    track.height());
  painter.setPen(Qt::NoPen);
  QColor off = t.textMuted;
  off.setAlphaF(0.55F);
  painter.setBrush(!isEnabled() ? t.border : isChecked() ? t.accent : off);
  painter.drawRoundedRect(slot, track.height() / 2, track.height() / 2);
  const qreal knob = track.height() - 4;
  const qreal x = isChecked() ? slot.right() - knob - 2 : slot.left() + 2;
  painter.setBrush(isChecked() ? t.accentText : t.window);
  painter.drawEllipse(QRectF(x, slot.top() + 2, knob, knob));
  if (hasFocus()) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(t.accent, 1.5));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 6, 6);
  }
}

}  // namespace mneme

#include "moc_switch_button.cpp"

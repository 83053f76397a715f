// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/switch_button.h"

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
  painter.setPen(t.textMuted);
  painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter, text());
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF slot(room.right() - track.width(), (height() - track.height()) / 2, track.width(),
                    track.height());
  QColor off = t.textMuted;
  off.setAlphaF(0.55F);
  const qreal radius = track.height() / 2;
  const qreal knob = track.height() - 4;
  const qreal x = isChecked() ? slot.right() - knob - 2 : slot.left() + 2;
  if (isEnabled()) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(isChecked() ? t.accent : off);
    painter.drawRoundedRect(slot, radius, radius);
    painter.setBrush(isChecked() ? t.accentText : t.window);
    painter.drawEllipse(QRectF(x, slot.top() + 2, knob, knob));
  } else {
    // Hollow: its name is as easy to read as others', but there is nothing to switch.
    painter.setPen(QPen(off, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRoundedRect(slot.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius);
    painter.drawEllipse(QRectF(x, slot.top() + 2, knob, knob).adjusted(1.5, 1.5, -1.5, -1.5));
  }
  if (hasFocus()) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(t.accent, 1.5));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 6, 6);
  }
}

}  // namespace mneme

#include "moc_switch_button.cpp"

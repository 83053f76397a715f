// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/message_line.h"

#include <QPainter>
#include <QPainterPath>

#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kSign = 14;
constexpr int kSignGap = 7;

}  // namespace

MessageLine::MessageLine(QWidget* parent) : QLabel(parent) {
  setTextFormat(Qt::PlainText);
  setWordWrap(true);
  setTextInteractionFlags(Qt::TextSelectableByMouse);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &MessageLine::colour);
  hide();
}

void MessageLine::say(Kind kind, const QString& text) {
  m_kind = kind;
  setText(text);
  setContentsMargins(kind == Kind::note ? 0 : kSign + kSignGap, 0, 0, 0);
  setAccessibleName(kind == Kind::error     ? tr("Error: %1").arg(text)
                    : kind == Kind::warning ? tr("Warning: %1").arg(text)
                                            : text);
  colour();
  setVisible(!text.isEmpty());
}

void MessageLine::colour() {
  const Theme& theme = Theme::current();
  QPalette own = palette();
  own.setColor(QPalette::WindowText, m_kind == Kind::error     ? theme.error
                                     : m_kind == Kind::warning ? theme.warning
                                                               : theme.textMuted);
  setPalette(own);
}

void MessageLine::paintEvent(QPaintEvent* event) {
  QLabel::paintEvent(event);
  if (m_kind == Kind::note) return;
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const double first = fontMetrics().height();
  const QRectF sign(0, contentsRect().top() + (first - kSign) / 2, kSign, kSign);
  QPainterPath shape;
  if (m_kind == Kind::error) {
    shape.addEllipse(sign);
  } else {
    shape.moveTo(sign.center().x(), sign.top());
    shape.lineTo(sign.bottomRight());
    shape.lineTo(sign.bottomLeft());
    shape.closeSubpath();
  }
  painter.fillPath(shape, palette().color(QPalette::WindowText));
  QFont font = Theme::current().uiFont(0.85);
  font.setWeight(QFont::Bold);
  painter.setFont(font);
  painter.setPen(Theme::current().window);
  painter.drawText(m_kind == Kind::error ? sign : sign.adjusted(0, 2, 0, 1), Qt::AlignCenter,
                   QStringLiteral("!"));
}

}  // namespace mneme

#include "moc_message_line.cpp"

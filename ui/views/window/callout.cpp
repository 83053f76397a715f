// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/callout.h"

#include <QAccessible>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPainterPath>
#include <QPushButton>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kCalloutArrow = 9;  // pixels that it stands out
constexpr int kCalloutCorner = 9;
constexpr int kCalloutWidth = 340;  // at zoom 1
constexpr int kCalloutInset = 4;    // from the edge of a part that fills the window

}  // namespace

Callout::Callout(QWidget* window) : QFrame(window) {
  setObjectName(QStringLiteral("callout"));
  m_title = new QLabel(this);
  m_title->setProperty("kind", QStringLiteral("title"));
  m_text = new QLabel(this);
  m_text->setTextFormat(Qt::PlainText);
  m_text->setWordWrap(true);
  m_step = new QLabel(this);
  m_step->setProperty("kind", QStringLiteral("muted"));
  m_end = new QPushButton(tr("End"), this);
  m_end->setAccessibleName(tr("End the tour"));
  m_next = new QPushButton(this);
  m_next->setProperty("kind", QStringLiteral("primary"));
  for (QPushButton* button : {m_end, m_next}) button->setAutoDefault(true);  // Enter presses it
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_step);
  buttons->addStretch(1);
  buttons->addWidget(m_end);
  buttons->addWidget(m_next);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kCalloutArrow + 16, kCalloutArrow + 13, kCalloutArrow + 16,
                             kCalloutArrow + 13);
  layout->setSpacing(7);
  layout->addWidget(m_title);
  layout->addWidget(m_text);
  layout->addSpacing(4);
  layout->addLayout(buttons);
  connect(m_next, &QPushButton::clicked, this, &Callout::next);
  connect(m_end, &QPushButton::clicked, this, &Callout::ended);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &Callout::place);
  window->installEventFilter(this);
  hide();
}

void Callout::show(const Words& words, QWidget* target, const QRect& area) {
  m_title->setText(words.title);
  m_text->setText(words.text);
  m_step->setText(words.step);
  m_next->setText(words.last ? tr("Done") : tr("Next"));
  m_end->setVisible(!words.last);
  setAccessibleName(tr("%1, %2").arg(words.title, words.step));
  setAccessibleDescription(words.text);
  if (m_target) m_target->removeEventFilter(this);
  m_target = target;
  m_area = area;
  target->installEventFilter(this);
  place();
  QFrame::show();
  raise();
  m_next->setFocus(Qt::OtherFocusReason);
  QAccessibleEvent said(this, QAccessible::Alert);
  QAccessible::updateAccessibility(&said);
}

QString Callout::text() const {
  return m_text->text();
}

QRect Callout::bubble() const {
  return geometry().adjusted(kCalloutArrow, kCalloutArrow, -kCalloutArrow, -kCalloutArrow);
}

QRect Callout::targetRect() const {
  const QRect area = m_area.isEmpty() ? m_target->rect() : m_area.intersected(m_target->rect());
  return {m_target->mapTo(parentWidget(), area.topLeft()), area.size()};
}

// The first side with room for the note; where none has, it stands in the part's lower right
// corner.
void Callout::place() {
  if (!m_target) return;
  const int width = static_cast<int>(kCalloutWidth * Theme::zoom()) + 2 * kCalloutArrow;
  setFixedWidth(width);
  const QSize size(width, layout()->totalHeightForWidth(width));
  const QRect target = targetRect();
  const QRect room = parentWidget()->rect();
  const auto along = [](int wanted, int length, int from, int to) {
    return std::clamp(wanted, from, std::max(from, to - length + 1));
  };
  const auto across = [&](int wanted) {
    return along(wanted, size.width(), room.left(), room.right());
  };
  // Below the middle, where there is less that one reads; above at the right, beside the tabs.
  const int y =
      along(target.center().y() - size.height() / 4, size.height(), room.top(), room.bottom());
  QPoint at;
  m_side = Side::none;
  const bool wide = target.width() > target.height();
  const std::array<Side, 4> sides =
      wide ? std::array{Side::below, Side::above, Side::left, Side::right}
           : std::array{Side::left, Side::right, Side::below, Side::above};
  for (const Side side : sides) {
    at = side == Side::below ? QPoint(across(target.left()), target.bottom() + 1)
         : side == Side::above
             ? QPoint(across(target.right() - size.width()), target.top() - size.height())
         : side == Side::right ? QPoint(target.right() + 1, y)
                               : QPoint(target.left() - size.width(), y);
    if (!room.contains(QRect(at, size))) continue;
    m_side = side;
    break;
  }
  if (m_side == Side::none)
    at = target.bottomRight() - QPoint(size.width() + kCalloutInset, size.height() + kCalloutInset);
  const bool upright = m_side == Side::left || m_side == Side::right;
  const int middle = upright ? target.center().y() - at.y()
                     : m_side == Side::above
                         ? size.width() / 2
                         : target.left() + std::min(target.width() / 2, 40) - at.x();
  m_tip = std::clamp(middle, 2 * kCalloutArrow + kCalloutCorner,
                     (upright ? size.height() : size.width()) - 2 * kCalloutArrow - kCalloutCorner);
  resize(size);
  move(at);
  raise();
  update();
}

bool Callout::eventFilter(QObject* watched, QEvent* event) {
  switch (event->type()) {
    case QEvent::Resize:
    case QEvent::Move:
    case QEvent::Show:
      // Once the layouts around it are done.
      if (isVisible()) QTimer::singleShot(0, this, &Callout::place);
      break;
    default:
      break;
  }
  return QFrame::eventFilter(watched, event);
}

void Callout::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF box =
      QRectF(rect()).adjusted(kCalloutArrow, kCalloutArrow, -kCalloutArrow, -kCalloutArrow);
  QPainterPath shape;
  shape.addRoundedRect(box, kCalloutCorner, kCalloutCorner);
  QPolygonF arrow;
  const double tip = m_tip;
  switch (m_side) {
    case Side::below:
      arrow << QPointF(tip - kCalloutArrow, box.top() + 1) << QPointF(tip, 1)
            << QPointF(tip + kCalloutArrow, box.top() + 1);
      break;
    case Side::above:
      arrow << QPointF(tip - kCalloutArrow, box.bottom() - 1) << QPointF(tip, height() - 1)
            << QPointF(tip + kCalloutArrow, box.bottom() - 1);
      break;
    case Side::right:
      arrow << QPointF(box.left() + 1, tip - kCalloutArrow) << QPointF(1, tip)
            << QPointF(box.left() + 1, tip + kCalloutArrow);
      break;
    case Side::left:
      arrow << QPointF(box.right() - 1, tip - kCalloutArrow) << QPointF(width() - 1, tip)
            << QPointF(box.right() - 1, tip + kCalloutArrow);
      break;
    case Side::none:
      break;
  }
  if (!arrow.isEmpty()) {
    QPainterPath pointer;
    pointer.addPolygon(arrow);
    pointer.closeSubpath();
    shape = shape.united(pointer);
  }
  painter.setPen(QPen(theme.accent, 1.5));
  painter.setBrush(theme.window);
  painter.drawPath(shape);
}

}  // namespace mneme

#include "moc_callout.cpp"

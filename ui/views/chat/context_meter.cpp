// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/context_meter.h"

#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <utility>

#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {

namespace {

constexpr int kBarWidth = 120;
constexpr int kShortBarWidth = 40;

}  // namespace

ContextMeter::ContextMeter(QWidget* parent) : QWidget(parent), m_bar(kBarWidth) {
  setObjectName(QStringLiteral("contextMeter"));
  setUse(0, 0, 0, 0);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] {
    updateGeometry();
    update();
  });
}

void ContextMeter::setUse(std::int64_t system, std::int64_t history, std::int64_t draft,
                          std::int64_t limit) {
  m_system = system;
  m_history = history;
  m_draft = draft;
  m_limit = limit;
  const std::int64_t used = system + history + draft;
  m_text = limit > 0 ? tr("%1 of %2").arg(format::count(used), format::count(limit)) : QString();
  const QString name = limit > 0 ? tr("Context: %1 tokens").arg(m_text) : tr("Context: no model");
  setAccessibleName(name);
  setToolTip(limit > 0 ? tr("%1\nSystem prompt %2\nHistory %3\nDraft %4")
                             .arg(name, format::count(system), format::count(history),
                                  format::count(draft))
                       : name);
  const QSize size = sizeHint();
  if (size != std::exchange(m_size, size)) updateGeometry();
  update();
}

void ContextMeter::setShort(bool on) {
  const int bar = on ? kShortBarWidth : kBarWidth;
  if (bar == std::exchange(m_bar, bar)) return;
  m_size = sizeHint();
  updateGeometry();
  update();
}

QSize ContextMeter::sizeHint() const {
  const QSize whole = wholeSize();
  return {whole.width() - kBarWidth + m_bar, whole.height()};
}

// As wide for any digits, so that counting up does not lay out the window again and again.
QSize ContextMeter::wholeSize() const {
  const QFontMetrics metrics(Theme::current().uiFont(0.92));
  QString widest = m_text;
  for (QChar& c : widest) {
    if (c.isDigit()) c = QLatin1Char('0');
  }
  return {metrics.horizontalAdvance(widest) + 10 + kBarWidth, metrics.height() + 6};
}

void ContextMeter::paintEvent(QPaintEvent*) {
  if (m_limit <= 0) return;
  const Theme& t = Theme::current();
  QPainter painter(this);
  painter.setFont(t.uiFont(0.92));
  const bool full = m_system + m_history + m_draft > m_limit;
  painter.setPen(full ? t.error : t.textMuted);
  painter.drawText(QRectF(0, 0, width() - m_bar - 10, height()),
                   Qt::AlignRight | Qt::AlignVCenter, m_text);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF bar(width() - m_bar, height() / 2.0 - 3, m_bar, 6);
  QPainterPath shape;
  shape.addRoundedRect(bar, 3, 3);
  painter.setClipPath(shape);
  painter.fillRect(bar, t.border);
  qreal x = bar.left();
  const auto part = [&](std::int64_t tokens, const QColor& colour) {
    if (tokens <= 0) return;
    // Something is never shown as nothing.
    const qreal w =
        std::max<qreal>(2, bar.width() * static_cast<qreal>(tokens) / static_cast<qreal>(m_limit));
    painter.fillRect(QRectF(x, bar.top(), w, bar.height()), colour);
    x += w;
  };
  part(m_system, t.tier(Tier::device));
  part(m_history, full ? t.error : t.accent);
  part(m_draft, t.tier(Tier::ram));
}

}  // namespace mneme

#include "moc_context_meter.cpp"

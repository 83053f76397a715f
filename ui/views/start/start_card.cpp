// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/start_card.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QVBoxLayout>

#include "ui/plain_text.h"
#include "ui/theme.h"

namespace mneme {

void keepFont(QWidget* widget, double scale, QFont::Weight weight, bool mono) {
  const auto choose = [=] {
    const Theme& theme = Theme::current();
    QFont font = mono ? theme.monoFont(scale) : theme.uiFont(scale);
    font.setWeight(weight);
    widget->setFont(font);
  };
  QObject::connect(&Theme::notifier(), &Theme::Notifier::changed, widget, choose);
  choose();
}

QFrame* startLine(QWidget* parent) {
  auto* line = new QFrame(parent);
  line->setProperty("kind", QStringLiteral("line"));
  return line;
}

StartCard::StartCard(const QString& title, QWidget* parent) : QFrame(parent) {
  setProperty("kind", QStringLiteral("sheet"));
  setAccessibleName(title);
  auto* label = new QLabel(title, this);
  keepFont(label, 1.15, QFont::DemiBold);
  m_heading = new QHBoxLayout;
  m_heading->setSpacing(12);
  m_heading->addWidget(label);
  m_body = new QVBoxLayout(this);
  m_body->setContentsMargins(20, 15, 20, 16);
  m_body->setSpacing(0);
  m_body->addLayout(m_heading);
}

StartText::StartText(const char* kind, QWidget* parent) : ElidedLabel(parent) {
  setTextFormat(Qt::PlainText);
  if (*kind != '\0') setProperty("kind", QLatin1String(kind));
  m_second.setInterval(1000);
  connect(&m_second, &QTimer::timeout, this, [this] { show(m_pattern.arg(++m_seconds)); });
}

void StartText::say(const QString& text) {
  m_second.stop();
  show(text);
}

void StartText::count(const QString& pattern) {
  m_pattern = pattern;
  m_seconds = 0;
  m_second.start();
  show(m_pattern.arg(m_seconds));
}

void StartText::show(const QString& text) {
  if (text == this->text()) return;
  setText(text);
  refreshToolTip();
}

QSize StartText::sizeHint() const {
  const QFontMetrics metrics = fontMetrics();
  return {metrics.horizontalAdvance(text()) + 1, metrics.height()};
}

void StartText::resizeEvent(QResizeEvent* event) {
  ElidedLabel::resizeEvent(event);
  refreshToolTip();
}

void StartText::changeEvent(QEvent* event) {
  ElidedLabel::changeEvent(event);
  if (event->type() == QEvent::FontChange) refreshToolTip();
}

void StartText::refreshToolTip() {
  const bool cut = fontMetrics().horizontalAdvance(text()) > contentsRect().width();
  setToolTip(cut ? boundedText(text()) : QString());
}

}  // namespace mneme

#include "moc_start_card.cpp"

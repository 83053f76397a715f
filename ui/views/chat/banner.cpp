// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/banner.h"

#include <QAccessible>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <utility>

#include "ui/theme.h"

namespace mneme {

Banner::Banner(QWidget* parent) : QFrame(parent) {
  setObjectName(QStringLiteral("banner"));
  m_label = new QLabel(this);
  m_label->setObjectName(QStringLiteral("bannerText"));
  m_label->setWordWrap(true);
  m_label->setTextFormat(Qt::PlainText);
  m_label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_action = new QPushButton(this);
  m_action->setObjectName(QStringLiteral("bannerAction"));
  m_action->setAccessibleName(tr("Action of the notice"));
  m_action->hide();
  m_close = new QPushButton(tr("Close"), this);
  m_close->setProperty("kind", QStringLiteral("quiet"));
  m_close->setAccessibleName(tr("Close this notice"));
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(13, 7, 8, 7);
  row->addWidget(m_label, 1);
  row->addWidget(m_action);
  row->addWidget(m_close);
  hide();
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &Banner::next);
  connect(m_close, &QPushButton::clicked, this, &Banner::next);
  connect(m_action, &QPushButton::clicked, this, [this] {
    const auto act = std::exchange(m_now.act, {});
    next();
    if (act) act();
  });
}

void Banner::tell(Kind kind, const QString& text, int milliseconds, const QString& action,
                  std::function<void()> act) {
  std::erase_if(m_behind, [&](const Message& message) { return message.text == text; });
  if (!isHidden() && m_now.milliseconds == 0 && m_now.text != text) {
    m_behind.push_back(std::exchange(m_now, {}));
  }
  present({kind, text, milliseconds, action, std::move(act)});
}

void Banner::present(Message message) {
  m_now = std::move(message);
  m_label->setText(m_now.text);
  m_action->setVisible(!m_now.action.isEmpty());
  m_action->setText(m_now.action);
  m_action->setAccessibleName(m_now.action);
  m_timer.stop();
  if (m_now.milliseconds > 0) m_timer.start(m_now.milliseconds);
  show();
  update();
  QAccessibleEvent event(this, QAccessible::Alert);
  QAccessible::updateAccessibility(&event);
}

void Banner::next() {
  if (m_behind.empty()) {
    close();
    return;
  }
  Message message = std::move(m_behind.back());
  m_behind.pop_back();
  present(std::move(message));
}

void Banner::withdraw(const QString& withdrawn) {
  std::erase_if(m_behind, [&](const Message& message) { return message.text == withdrawn; });
  if (!isHidden() && m_now.text == withdrawn) next();
}

void Banner::close() {
  m_timer.stop();
  m_now = {};
  m_behind.clear();
  hide();
}

QString Banner::text() const {
  return isHidden() ? QString() : m_label->text();
}

void Banner::paintEvent(QPaintEvent*) {
  const Theme& t = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(m_now.kind == Kind::error ? t.error : t.border, 1));
  painter.setBrush(t.window);
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8);
  if (m_now.kind == Kind::error) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(t.error);
    painter.drawRoundedRect(QRectF(1, 1, 4, height() - 2), 2, 2);
  }
}

}  // namespace mneme

#include "moc_banner.cpp"

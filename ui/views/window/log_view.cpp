// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/log_view.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDateTime>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include "ui/theme.h"

namespace mneme {

constexpr int kLinesMax = 2000;

LogView::LogView(QWidget* parent) : QWidget(parent) {
  m_filter = new QLineEdit(this);
  m_filter->setAccessibleName(tr("Filter the log"));
  m_filter->setPlaceholderText(tr("Filter"));
  m_filter->setClearButtonEnabled(true);
  m_level = new QComboBox(this);
  m_level->setAccessibleName(tr("Least level shown"));
  m_level->addItems({tr("All"), tr("Information"), tr("Warnings"), tr("Errors")});
  m_level->setCurrentIndex(1);
  auto* copy = new QPushButton(tr("Copy all"), this);
  copy->setAccessibleName(tr("Copy the shown log lines"));
  m_text = new QPlainTextEdit(this);
  m_text->setAccessibleName(tr("Log"));
  m_text->setReadOnly(true);
  m_text->setMaximumBlockCount(kLinesMax);
  m_text->setLineWrapMode(QPlainTextEdit::NoWrap);
  m_text->setFont(Theme::current().monoFont(0.95));
  auto* row = new QHBoxLayout;
  row->addWidget(m_filter, 1);
  row->addWidget(m_level);
  row->addWidget(copy);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(12, 8, 12, 10);
  layout->addLayout(row);
  layout->addWidget(m_text, 1);
  connect(m_filter, &QLineEdit::textChanged, this, &LogView::filter);
  connect(m_level, &QComboBox::currentIndexChanged, this, &LogView::filter);
  connect(copy, &QPushButton::clicked, this,
          [this] { QApplication::clipboard()->setText(shown()); });
  m_timer.setInterval(500);
  connect(&m_timer, &QTimer::timeout, this, &LogView::update);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this,
          [this] { m_text->setFont(Theme::current().monoFont(0.95)); });
}

QString LogView::shown() const {
  return m_text->toPlainText();
}

void LogView::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  update();
  m_timer.start();
}

void LogView::hideEvent(QHideEvent* event) {
  m_timer.stop();
  QWidget::hideEvent(event);
}

bool LogView::passes(const LogLine& line) const {
  if (static_cast<int>(line.level) < m_level->currentIndex()) return false;
  return m_filter->text().isEmpty() || textOf(line).contains(m_filter->text(), Qt::CaseInsensitive);
}

QString LogView::textOf(const LogLine& line) {
  static const char* const kNames[] = {"debug", "info", "warning", "error"};
  return QStringLiteral("%1  %2  %3  %4")
      .arg(QDateTime::fromMSecsSinceEpoch(line.time_ms).toString(QStringLiteral("HH:mm:ss.zzz")),
           QString::fromLatin1(kNames[static_cast<int>(line.level)]).leftJustified(7))
      .arg(QString::fromStdString(line.module), -10)
      .arg(QString::fromStdString(line.text));
}

void LogView::update() {
  const auto fresh = recent_log_lines(m_last);
  if (fresh.empty()) return;
  m_last = fresh.back().number;
  m_lines.insert(m_lines.end(), fresh.begin(), fresh.end());
  if (m_lines.size() > kLinesMax) {
    m_lines.erase(m_lines.begin(), m_lines.end() - kLinesMax);
  }
  for (const LogLine& line : fresh) {
    if (passes(line)) m_text->appendPlainText(textOf(line));
  }
}

void LogView::filter() {
  m_text->clear();
  for (const LogLine& line : m_lines) {
    if (passes(line)) m_text->appendPlainText(textOf(line));
  }
}

}  // namespace mneme

#include "moc_log_view.cpp"

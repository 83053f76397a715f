// SPDX-License-Identifier: Apache-2.0
// The program's last log lines, with a filter and a copy button. Reads the bounded ring twice a
// second while it is visible. UI thread.
#pragma once

#include <QTimer>
#include <QWidget>
#include <vector>

#include "base/log.h"

class QComboBox;
class QLineEdit;
class QPlainTextEdit;

namespace mneme {

class LogView : public QWidget {
  Q_OBJECT

 public:
  explicit LogView(QWidget* parent = nullptr);
  QString shown() const;

 protected:
  void showEvent(QShowEvent* event) override;
  void hideEvent(QHideEvent* event) override;

 private:
  void update();
  void filter();
  bool passes(const LogLine& line) const;
  static QString textOf(const LogLine& line);

  QLineEdit* m_filter;
  QComboBox* m_level;
  QPlainTextEdit* m_text;
  QTimer m_timer;
  std::vector<LogLine> m_lines;
  std::uint64_t m_last = 0;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// How much of the context is taken, and by what: system prompt, history, draft. UI thread.
#pragma once

#include <QWidget>
#include <cstdint>

namespace mneme {

class ContextMeter : public QWidget {
  Q_OBJECT

 public:
  explicit ContextMeter(QWidget* parent = nullptr);

  void setUse(std::int64_t system, std::int64_t history, std::int64_t draft, std::int64_t limit);
  QString text() const { return m_text; }  // "412 of 8,192"
  void setShort(bool on);  // a bar of less width, for a neighbour that needs it
  QSize sizeHint() const override;
  QSize wholeSize() const;  // when it is not short

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  std::int64_t m_system = 0;
  std::int64_t m_history = 0;
  std::int64_t m_draft = 0;
  std::int64_t m_limit = 0;
  QString m_text;
  QSize m_size;
  int m_bar;
};

}  // namespace mneme

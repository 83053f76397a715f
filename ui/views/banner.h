// SPDX-License-Identifier: Apache-2.0
// One line across the chat that says what happened and offers one thing to do about it: an error, a
// chat that was deleted, a notice. Stays until it is closed, used, or its time is up. UI thread.
#pragma once

#include <QFrame>
#include <QTimer>
#include <functional>

class QLabel;
class QPushButton;

namespace mneme {

class Banner : public QFrame {
  Q_OBJECT

 public:
  enum class Kind { notice, error };

  explicit Banner(QWidget* parent = nullptr);

  // `milliseconds` 0 = until it is closed. `action` empty = nothing to do.
  void tell(Kind kind, const QString& text, int milliseconds = 0, const QString& action = {},
            std::function<void()> act = {});
  void close();
  QString text() const;
  QPushButton* actionButton() const { return m_action; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QLabel* m_label;
  QPushButton* m_action;
  QPushButton* m_close;
  Kind m_kind = Kind::notice;
  std::function<void()> m_act;
  QTimer m_timer;
};

}  // namespace mneme

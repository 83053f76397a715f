// SPDX-License-Identifier: Apache-2.0
// One line across the chat that says what happened and offers one thing to do about it: an error, a
// chat that was deleted, a notice. Stays until it is closed, used, or its time is up. What comes
// later stands before it; what was to stay until it is closed is seen again after that. UI thread.
#pragma once

#include <QFrame>
#include <QTimer>
#include <functional>
#include <vector>

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
  void close();                        // this one and those behind it
  void withdraw(const QString& text);  // where it stands or waits: it holds no longer
  QString text() const;
  Kind kind() const { return m_now.kind; }
  QPushButton* actionButton() const { return m_action; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  struct Message {
    Kind kind = Kind::notice;
    QString text;
    int milliseconds = 0;
    QString action;
    std::function<void()> act;
  };
  void present(Message message);
  void next();

  QLabel* m_label;
  QPushButton* m_action;
  QPushButton* m_close;
  Message m_now;
  std::vector<Message> m_behind;  // the last one comes next
  QTimer m_timer;
};

}  // namespace mneme

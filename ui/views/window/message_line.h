// SPDX-License-Identifier: Apache-2.0
// How every form and view says that something is wrong: a sign, the sentence and their colour,
// right below what it is about. Hidden while there is nothing to say. UI thread.
#pragma once

#include <QLabel>

namespace mneme {

class MessageLine : public QLabel {
  Q_OBJECT

 public:
  enum class Kind { note, warning, error };

  explicit MessageLine(QWidget* parent = nullptr);

  void say(Kind kind, const QString& text);
  Kind kind() const { return m_kind; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void colour();

  Kind m_kind = Kind::note;
};

}  // namespace mneme

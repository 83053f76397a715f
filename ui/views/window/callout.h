// SPDX-License-Identifier: Apache-2.0
// A note of the tour beside the part of the window that it speaks of: a heading, a sentence or two,
// what comes next. Follows that part when the window changes. UI thread.
#pragma once

#include <QFrame>
#include <QPointer>

class QLabel;
class QPushButton;

namespace mneme {

class Callout : public QFrame {
  Q_OBJECT

 public:
  explicit Callout(QWidget* window);

  struct Words {
    QString title;
    QString text;
    QString step;  // "1 of 3"
    bool last = false;
  };
  // Points at `area` of `target`, in its coordinates; an empty one is all of it.
  void show(const Words& words, QWidget* target, const QRect& area = {});

  QString text() const;
  QRect bubble() const;  // what is painted, in the window's coordinates
  QPushButton* nextButton() const { return m_next; }
  QPushButton* endButton() const { return m_end; }

 Q_SIGNALS:
  void next();
  void ended();

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  enum class Side { none, below, above, right, left };  // of the target, where the note stands
  void place();
  QRect targetRect() const;  // in the window's coordinates

  QPointer<QWidget> m_target;
  QRect m_area;
  Side m_side = Side::none;
  int m_tip = 0;  // of the arrow, along the side
  QLabel* m_title;
  QLabel* m_text;
  QLabel* m_step;
  QPushButton* m_end;
  QPushButton* m_next;
};

}  // namespace mneme

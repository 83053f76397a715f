// SPDX-License-Identifier: Apache-2.0
// The wheel changes a value only where a person put the focus: a spin box, combo box or slider that
// was not clicked and not reached with the keyboard hands the wheel on, so that scrolling a dialog
// scrolls it. What the keyboard reaches in a scroll area is scrolled into view. One filter for the
// whole application. UI thread.
#pragma once

#include <QObject>
#include <QPointer>
#include <QWidget>

namespace mneme {

class WheelFocus : public QObject {
  Q_OBJECT

 public:
  static void install();  // for the application, once; more calls do nothing

  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  explicit WheelFocus(QObject* parent) : QObject(parent) {}

  QPointer<QWidget> m_chosen;  // the control that a person gave the focus to
};

}  // namespace mneme

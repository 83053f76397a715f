// SPDX-License-Identifier: Apache-2.0
// A sliding switch with its words to the left: on or off at once. Keys and screen readers see a
// check box. UI thread.
#pragma once

#include <QAbstractButton>

namespace mneme {

class SwitchButton : public QAbstractButton {
  Q_OBJECT

 public:
  explicit SwitchButton(const QString& text, QWidget* parent = nullptr);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override;
};

}  // namespace mneme

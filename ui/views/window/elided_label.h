// SPDX-License-Identifier: Apache-2.0
// One line of text that gives way: cut with an ellipsis where there is no room. UI thread.
#pragma once

#include <QLabel>

namespace mneme {

class ElidedLabel : public QLabel {
  Q_OBJECT

 public:
  using QLabel::QLabel;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
};

}  // namespace mneme

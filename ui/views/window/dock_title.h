// SPDX-License-Identifier: Apache-2.0
// A dock's heading in the window's own look. A dock that is one of several tabs has none: its tab
// names it. UI thread.
#pragma once

#include <QLabel>

namespace mneme {

class DockTitle : public QLabel {
  Q_OBJECT

 public:
  explicit DockTitle(const QString& text, QWidget* parent = nullptr);
  void setShown(bool shown);  // false: takes no room
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  bool m_shown = true;
};

}  // namespace mneme

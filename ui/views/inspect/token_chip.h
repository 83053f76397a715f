// SPDX-License-Identifier: Apache-2.0
// A token's text in large type on the colour of its gate: the head of the token card. UI thread.
#pragma once

#include <QWidget>

namespace mneme {

class TokenChip : public QWidget {
  Q_OBJECT

 public:
  explicit TokenChip(QWidget* parent = nullptr);
  // `gate` < 0: no gate is known, a plain ground.
  void setToken(const QString& text, double gate);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return {40, sizeHint().height()}; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QString m_text;
  double m_gate = -1;
};

}  // namespace mneme

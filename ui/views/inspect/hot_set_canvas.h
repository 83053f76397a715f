// SPDX-License-Identifier: Apache-2.0
// The painted part of the hot set map: brightness is the share of rows in RAM, dots are the rows of
// the answer, a frame is the place whose rows are listed. Arrow keys move it. UI thread.
#pragma once

#include <QPixmap>
#include <QWidget>
#include <memory>
#include <optional>

#include "ui/models/hot_set_picture.h"

namespace mneme {

class HotSetCanvas : public QWidget {
  Q_OBJECT

 public:
  explicit HotSetCanvas(QWidget* parent = nullptr);

  // Null: nothing is known, and `text` says why.
  void setPicture(std::shared_ptr<const HotSetPicture> picture, const QString& text);
  // The pixels of the picture under the frame; empty = no frame.
  QRect chosen() const;
  void clearChosen();

  QSize sizeHint() const override { return {520, 250}; }
  QSize minimumSizeHint() const override { return {200, 120}; }

 Q_SIGNALS:
  void chosenChanged();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  bool event(QEvent* event) override;

 private:
  // The map on screen; a step of the frame is kStep of its pixels.
  static constexpr int kStep = 2;
  QRect plot() const;
  int steps(int length) const { return std::max(1, length / kStep); }
  QRect pixelsAt(QPoint step) const;         // of the picture
  QRectF frameAt(QPoint step) const;         // on screen
  QPoint stepAt(const QPoint& point) const;  // on screen
  void choose(QPoint step);
  QString describe(const QRect& pixels) const;
  void announce();
  void paintMap(QPainter* painter, double ratio) const;
  void paintOrders(QPainter* painter) const;
  void paintLegend(QPainter* painter) const;

  std::shared_ptr<const HotSetPicture> m_picture;
  QString m_text;
  QPixmap m_kept;
  std::optional<QPoint> m_chosen;  // in steps
};

}  // namespace mneme

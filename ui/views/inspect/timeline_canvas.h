// SPDX-License-Identifier: Apache-2.0
// The painted part of the timeline: above, a bar a token, as high as it took long; below, the lanes
// of one token's step. A click or the arrow keys pin a token, the wheel moves along. UI thread.
#pragma once

#include <QWidget>
#include <optional>

#include "ui/models/step_timeline.h"
#include "ui/selection.h"

namespace mneme {

class TimelineCanvas : public QWidget {
  Q_OBJECT

 public:
  TimelineCanvas(BranchTrace& trace, Selection& selection, QWidget* parent = nullptr);

  // Lanes of the token `shown`, and its place among the bars.
  void setTimeline(StepTimeline timeline, std::optional<int> shown);
  // The branch grew or is another one: the newest tokens come into view.
  void follow();
  void reveal(int index);  // moves the bars only where the token is not among them

  std::optional<int> tokenAt(const QPointF& place) const;  // of the bars
  const TimelineBar* barAt(const QPointF& place) const;    // of the lanes; null: none
  QRectF rectOf(std::size_t lane, const TimelineBar& bar) const;

  QSize sizeHint() const override { return {520, 220}; }
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool event(QEvent* event) override;

 private:
  QRect overview() const;
  QRect lanes() const;
  int nameWidth() const;
  int column() const;   // pixels of a token's bar with its gap
  int visible() const;  // tokens that the bars have room for
  double xOf(double microseconds) const;
  double laneTop(std::size_t lane) const;
  double rowHeight() const;
  void moveTo(int first);
  void step(int by);
  void paintOverview(QPainter* painter) const;
  void paintLanes(QPainter* painter) const;
  void paintBar(QPainter* painter, const QRectF& rect, TimelineBar::Kind kind) const;
  void paintAxis(QPainter* painter, const QRect& area) const;

  BranchTrace& m_trace;
  Selection& m_selection;
  StepTimeline m_timeline;
  std::optional<int> m_shown;
  int m_first = 0;  // of the bars
};

// The colour of what a bar stands for.
QColor timelineColour(TimelineBar::Kind kind);

}  // namespace mneme

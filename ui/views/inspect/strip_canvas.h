// SPDX-License-Identifier: Apache-2.0
// The painted part of the token strip: a minimap of the whole branch, and rows of cells for the
// stretch in view. Only what is visible is painted; the picture is kept until something changes.
// UI thread.
#pragma once

#include <QPixmap>
#include <QTimer>
#include <QWidget>
#include <optional>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/models/strip_data.h"
#include "ui/selection.h"

namespace mneme {

class StripCanvas : public QWidget {
  Q_OBJECT

 public:
  StripCanvas(BranchTrace& trace, Selection& selection, InspectSource& source,
              QWidget* parent = nullptr);

  const StripData& data() const { return m_data; }
  double threshold() const { return m_threshold; }
  void setThreshold(double threshold);

  // The stretch in view, in tokens; the end may lie beyond the last token.
  double first() const { return m_first; }
  double pixelsPerToken() const { return m_scale; }
  void setView(double first, double pixelsPerToken);
  void fitAll();
  void zoom(double factor, double atX);
  void scrollTo(int index);  // brings a token into view
  int firstVisible() const;
  int endVisible() const;
  std::optional<int> tokenAtX(double x) const;  // in the rows

  // Sizes it though it is not shown, to be painted elsewhere.
  void layOut(const QSize& size);
  // Without the selection.
  void paintStrip(QPainter* painter) const;
  int left() const { return m_left; }  // where the cells begin, right of the names
  static constexpr int kMargin = 12;   // right of the cells
  QRect rowsRect() const;

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void viewChanged();
  void dataChanged();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  bool event(QEvent* event) override;

 private:
  static constexpr double kTextScale = 12;  // pixels a token: from here on its text is shown

  struct Row {
    enum class Kind { text, gate, write, probability, tier } kind;
    int layer = 0;
    QString name;
    int top = 0;
    int height = 0;
  };
  void reload();
  void grew();
  void showGrowth();
  void layRows();
  void invalidate();
  void clampView();
  double minimumScale() const;
  void step(int by);
  void announce();
  enum class Of { mean, peak };  // of the tokens of a cell
  QColor cellColour(const Row& row, int first, int end, Of of) const;
  void paintMinimap(QPainter* painter) const;
  void paintRow(QPainter* painter, const Row& row) const;
  void paintCells(QPainter* painter, const Row& row) const;
  void paintDensity(QPainter* painter, const Row& row) const;
  void paintTexts(QPainter* painter, const Row& row) const;
  void paintMessages(QPainter* painter) const;
  void paintSelection(QPainter* painter) const;

  BranchTrace& m_trace;
  Selection& m_selection;
  InspectSource& m_source;
  StripData m_data;
  std::vector<Row> m_rows;
  QSize m_laidFor;
  int m_left = 0;
  QRect m_minimap;
  double m_first = 0;
  double m_scale = 13;   // pixels a token
  bool m_follow = true;  // keep the newest token in view while an answer runs
  double m_threshold = 0.7;
  QTimer m_growPause;
  bool m_grown = false;  // in the pause
  QPixmap m_picture;
  enum class Drag { none, pan, minimap } m_drag = Drag::none;
  double m_dragX = 0;
  double m_dragFirst = 0;
  bool m_moved = false;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The token strip: the whole branch as columns of cells, with minimap, threshold
// and export. Hover peeks, a click pins, in step with every other view. UI thread.
#pragma once

#include <QWidget>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/selection.h"

class QLabel;
class QSlider;
class QToolButton;

namespace mneme {

class ElidedLabel;
class StripCanvas;

class StripView : public QWidget {
  Q_OBJECT

 public:
  StripView(BranchTrace& trace, Selection& selection, InspectSource& source,
            QWidget* parent = nullptr);

  StripCanvas* canvas() const { return m_canvas; }
  QString csv() const;  // the stretch in view

 private:
  void refresh();
  void exportPicture(int scale);
  void exportDrawing();
  void exportTable();
  void save(const QString& title, const QString& name, const QString& filter,
            const QByteArray& bytes);

  BranchTrace& m_trace;
  InspectSource& m_source;
  StripCanvas* m_canvas = nullptr;
  QLabel* m_empty = nullptr;
  QWidget* m_bar = nullptr;
  QSlider* m_slider = nullptr;
  ElidedLabel* m_count = nullptr;
  ElidedLabel* m_scale = nullptr;
  QLabel* m_untrained = nullptr;
  QToolButton* m_export = nullptr;
};

}  // namespace mneme

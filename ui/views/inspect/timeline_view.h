// SPDX-License-Identifier: Apache-2.0
// The timeline dock: what each token cost, and what happened when in the step of the one that is
// looked at. UI thread.
#pragma once

#include <QTimer>
#include <QWidget>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/selection.h"

class QLabel;

namespace mneme {

class ElidedLabel;
class TimelineCanvas;

class TimelineView : public QWidget {
  Q_OBJECT

 public:
  TimelineView(BranchTrace& trace, Selection& selection, InspectSource& source,
               QWidget* parent = nullptr);

  TimelineCanvas* canvas() const { return m_canvas; }
  QString heading() const;
  QString note() const;
  QString summary() const;

 private:
  void refresh();
  void refreshSummary();
  void refreshSoon();

  BranchTrace& m_trace;
  Selection& m_selection;
  InspectSource& m_source;
  QTimer m_timer;
  QLabel* m_empty = nullptr;
  QWidget* m_body = nullptr;
  ElidedLabel* m_summary = nullptr;
  ElidedLabel* m_heading = nullptr;
  QLabel* m_note = nullptr;
  TimelineCanvas* m_canvas = nullptr;
};

}  // namespace mneme

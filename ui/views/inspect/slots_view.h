// SPDX-License-Identifier: Apache-2.0
// The slots table: which rows fired, for the visible branch or the pinned token,
// with filter and sort. A row that is chosen pins its token, in step with every other view.
#pragma once

#include <QTimer>
#include <QWidget>
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "ui/bridge/jobs.h"
#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/models/slot_index.h"
#include "ui/models/slot_query.h"
#include "ui/models/slot_table.h"
#include "ui/selection.h"

class QCheckBox;
class QLabel;
class QLineEdit;
class QTableView;

namespace mneme {

class MessageLine;

class SlotsView : public QWidget {
  Q_OBJECT

 public:
  SlotsView(BranchTrace& trace, Selection& selection, InspectSource& source, Jobs& jobs,
            QWidget* parent = nullptr);

  SlotTable* table() { return &m_table; }

 protected:
  void showEvent(QShowEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void changeEvent(QEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void build();
  void traceChanged();
  void rebuild();
  void requery();
  struct Answer {
    std::shared_ptr<const SlotIndex> index;
    std::shared_ptr<const std::vector<std::uint32_t>> entries;
    double buildMs = 0;  // 0 = it was built before
  };
  void ask(std::function<Answer()> work);
  void receive(const Answer& answer);
  void forget();
  void refresh();
  void followPinned();
  void rowChosen();
  void applyFonts();
  void fitColumns();
  QString whyEmpty() const;

  BranchTrace& m_trace;
  Selection& m_selection;
  InspectSource& m_source;
  Jobs& m_jobs;
  SlotTable m_table;
  SlotQuery m_query;
  std::shared_ptr<const SlotIndex> m_index;
  QString m_filterError;
  bool m_stale = true;       // the branch changed since the index was asked for
  bool m_building = false;   // an index is asked for
  bool m_following = false;  // a row is being chosen by the selection, not by the user
  double m_buildMs = 0;
  std::array<int, static_cast<std::size_t>(SlotColumn::count)> m_widths{};  // of what was shown
  QTimer m_rebuildTimer;
  QTimer m_filterTimer;

  QLineEdit* m_filter = nullptr;
  QCheckBox* m_onlyPinned = nullptr;
  QLabel* m_state = nullptr;
  MessageLine* m_error = nullptr;
  QLabel* m_empty = nullptr;
  QTableView* m_view = nullptr;
};

}  // namespace mneme

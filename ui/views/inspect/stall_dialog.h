// SPDX-License-Identifier: Apache-2.0
// "Explain this stall": the tokens that waited longest for rows, and for the pinned one the exact
// reads that made it wait. Stays open beside the window. UI thread.
#pragma once

#include <QDialog>
#include <vector>

#include "ui/models/inspect_source.h"
#include "ui/models/stall_facts.h"
#include "ui/selection.h"

class QLabel;
class QTableWidget;

namespace mneme {

class StallDialog : public QDialog {
  Q_OBJECT

 public:
  static constexpr std::size_t kTokens = 20;  // that are listed

  // Shows the pinned token; if none is pinned, pins the one that waited longest.
  StallDialog(BranchTrace& trace, Selection& selection, InspectSource& source,
              QWidget* parent = nullptr);

  QTableWidget* tokens() const { return m_tokens; }
  QTableWidget* reads() const { return m_reads; }
  QString text() const;  // the sentences over the reads

 private:
  void build();
  void list();
  void explain();
  void pinChosen();

  BranchTrace& m_trace;
  Selection& m_selection;
  InspectSource& m_source;
  std::vector<Stall> m_stalls;
  bool m_following = false;
  QLabel* m_empty = nullptr;
  QTableWidget* m_tokens = nullptr;
  QLabel* m_text = nullptr;
  QTableWidget* m_reads = nullptr;
};

}  // namespace mneme

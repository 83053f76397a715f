// SPDX-License-Identifier: Apache-2.0
// "What runs well here": a row for each size of model with where it would lie and how fast it would
// answer, against a person who reads. UI thread.
#pragma once

#include <vector>

#include "ui/bridge/machine_survey.h"
#include "ui/views/start/start_card.h"

class QGridLayout;

namespace mneme {

// What a pace looks like: a form and a colour, so that the colour is not alone.
class PaceMark : public QWidget {
  Q_OBJECT

 public:
  explicit PaceMark(QWidget* parent = nullptr);
  void show(Pace pace);
  void clear();

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  bool m_shown = false;
  Pace m_pace = Pace::slower;
};

class SizesCard : public StartCard {
  Q_OBJECT

 public:
  explicit SizesCard(MachineSurvey& survey, QWidget* parent = nullptr);

 private:
  void refresh();
  void show(const MachineSpeed& machine);  // speeds that are 0 are not known
  struct Row {
    PaceMark* mark;
    StartText* name;
    StartText* files;
    StartText* place;
    StartText* speed;
  };
  StartText* addCell(int row, int column, Qt::Alignment alignment, const char* kind = "");
  void addLegend();

  MachineSurvey& m_survey;
  QGridLayout* m_grid;
  StartText* m_note;
  std::vector<Row> m_rows;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// "What runs well here": a row for each size of model with where it would lie and how fast it would
// answer, against a person who reads. UI thread.
#pragma once

#include <vector>

#include "inference/machine/size_classes.h"
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
  explicit SizesCard(QWidget* parent = nullptr);

  void measuring();
  // Speeds that are 0 are not known yet.
  void show(const MachineSpeed& machine);

 private:
  struct Row {
    PaceMark* mark;
    StartText* name;
    StartText* files;
    StartText* place;
    StartText* speed;
  };
  StartText* addCell(int row, int column, Qt::Alignment alignment, const char* kind = "");
  void addLegend();

  QGridLayout* m_grid;
  StartText* m_note;
  std::vector<Row> m_rows;
};

}  // namespace mneme

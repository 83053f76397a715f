// SPDX-License-Identifier: Apache-2.0
// "This machine": what it is made of and how fast that is, each as it becomes known. Every row has
// its height from the start. UI thread.
#pragma once

#include "ui/bridge/machine_survey.h"
#include "ui/package_kind.h"
#include "ui/views/start/start_card.h"

class QPushButton;

namespace mneme {

class MachineCard : public StartCard {
  Q_OBJECT

 public:
  MachineCard(MachineSurvey& survey, const Package& package, QWidget* parent = nullptr);

  QPushButton* again() const { return m_again; }

 private:
  StartText* addRow(const QString& name, StartText** second = nullptr);
  void refresh();
  void showRam();
  void showGpus();
  void showDrive();

  MachineSurvey& m_survey;
  const QString m_wayToCuda;
  QPushButton* m_again;
  StartText* m_processor;
  StartText* m_ram;
  StartText* m_gpu;
  StartText* m_gpuOthers;
  StartText* m_drive;
  StartText* m_driveReads;
  StartText* m_tables;
};

}  // namespace mneme

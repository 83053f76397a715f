// SPDX-License-Identifier: Apache-2.0
// "This machine": what it is made of and how fast that is, each as it becomes known. Every row has
// its height from the start. UI thread.
#pragma once

#include "inference/machine/drive_speed.h"
#include "inference/machine/machine_facts.h"
#include "ui/views/start/start_card.h"

namespace mneme {

class MachineCard : public StartCard {
  Q_OBJECT

 public:
  explicit MachineCard(QWidget* parent = nullptr);

  void showFacts(const MachineFacts& facts);
  void askingForGpus();
  void showGpus(const std::vector<DeviceInfo>& gpus);
  void measuringRam();
  void showRamSpeed(double gbPerSecond);
  void measuringDrive();
  void showDrive(const Result<DriveSpeed>& speed);

 private:
  StartText* addRow(const QString& name, StartText** second = nullptr);

  QString m_ramText;
  StartText* m_processor;
  StartText* m_ram;
  StartText* m_gpu;
  StartText* m_gpuOthers;
  StartText* m_drive;
  StartText* m_driveReads;
  StartText* m_tables;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// What is known about this machine in this run of the program: each thing is measured once, and
// again when the user asks. One after the other, so that no measurement disturbs the next. UI
// thread.
#pragma once

#include <QObject>
#include <cstdint>
#include <optional>
#include <vector>

#include "inference/machine/size_classes.h"
#include "ui/bridge/start_sources.h"

namespace mneme {

class MachineSurvey : public QObject {
  Q_OBJECT

 public:
  enum class Step : std::uint8_t { facts, gpus, memory, drive, none };

  MachineSurvey(Jobs& jobs, StartSources sources, QObject* parent = nullptr);

  // Measures what is not known yet. What costs nothing, as the RAM that is free, is always read
  // anew.
  void goOn();
  void pause();  // what is under way ends without a result
  void measureAgain();

  Step now() const { return m_now; }  // what is under way
  // Nothing: not known yet.
  const std::optional<MachineFacts>& facts() const { return m_facts; }
  const std::optional<Result<std::vector<DeviceInfo>>>& gpus() const { return m_gpus; }
  const std::optional<Result<double>>& ramSpeed() const { return m_ram; }  // GB/s
  // Of the GPU that is used; nothing also where there is none.
  const std::optional<Result<double>>& gpuSpeed() const { return m_gpu; }
  const std::optional<Result<DriveSpeed>>& drive() const { return m_drive; }

  MachineSpeed speed() const;  // as far as it is known

 Q_SIGNALS:
  void changed();  // a step began or ended

 private:
  struct Speeds;
  void begin(Step step);
  void next();
  void askForFacts();
  void askForGpus();
  void measureMemory();
  void measureDrive();
  const DeviceInfo* usedGpu() const;

  Jobs& m_jobs;
  const StartSources m_sources;
  Step m_now = Step::none;
  Step m_left = Step::gpus;  // the first that is not known
  std::optional<MachineFacts> m_facts;
  std::optional<Result<std::vector<DeviceInfo>>> m_gpus;
  std::optional<Result<double>> m_ram;
  std::optional<Result<double>> m_gpu;
  std::optional<Result<DriveSpeed>> m_drive;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Asks this machine by a process of its own (inference/machine/machine_answer.h), so that drivers
// leave nothing in this one, and one that crashes takes nothing with it. Any thread but that of the
// window: each call waits for its answer, and the process ends when `stop` is set.
#pragma once

#include <QString>
#include <chrono>

#include "inference/machine/machine_answer.h"
#include "ui/bridge/jobs.h"

namespace mneme {

// What a test sets otherwise.
struct MachineChild {
  // This program, also where its file was replaced or unlinked meanwhile.
  QString program = QStringLiteral("/proc/self/exe");
  std::chrono::milliseconds longest{60'000};

  Result<std::vector<DeviceInfo>> devices(const Jobs::Stop& stop) const;
  Result<double> ramSpeed(const Jobs::Stop& stop) const;  // GB/s
  Result<double> deviceSpeed(const std::string& device, const Jobs::Stop& stop) const;

 private:
  Result<std::string> answer(const std::vector<std::string>& question,
                             const Jobs::Stop& stop) const;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/machine_child.h"

#include <fmt/format.h>

#include <QProcess>
#include <cstring>

namespace mneme {
namespace {

constexpr int kLookMs = 50;  // for `stop`

}  // namespace

Result<std::string> MachineChild::answer(const std::vector<std::string>& question,
                                         const Jobs::Stop& stop) const {
  QStringList words;
  for (const std::string& word : question) words << QString::fromStdString(word);
  QProcess process;
  process.setStandardInputFile(QProcess::nullDevice());
  process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
  process.start(program, words, QIODevice::ReadOnly);
  const auto began = std::chrono::steady_clock::now();
  while (process.state() != QProcess::NotRunning && !process.waitForFinished(kLookMs)) {
    const bool late = std::chrono::steady_clock::now() - began > longest;
    if (!late && !stop) continue;
    process.kill();
    process.waitForFinished();
    if (stop) return Error{ErrorCode::cancelled, "nobody waits for the answer any more"};
    return Error{ErrorCode::device,
                 fmt::format("no answer came within {} s",
                             std::chrono::duration_cast<std::chrono::seconds>(longest).count())};
  }
  if (process.error() == QProcess::FailedToStart) {
    return Error{ErrorCode::io, fmt::format("the process that asks could not be started: {}",
                                            process.errorString().toStdString())};
  }
  if (process.exitStatus() == QProcess::CrashExit) {
    const int signal = process.exitCode();  // so Qt gives it
    return Error{ErrorCode::device, fmt::format("the process that asked ended by signal {} ({})",
                                                signal, ::strsignal(signal))};
  }
  if (process.exitCode() != 0) {
    return Error{ErrorCode::device,
                 fmt::format("the process that asked ended with exit code {}", process.exitCode())};
  }
  return process.readAllStandardOutput().toStdString();
}

Result<std::vector<DeviceInfo>> MachineChild::devices(const Jobs::Stop& stop) const {
  const auto said = answer(ask_for_devices(), stop);
  if (!said) return said.error();
  return devices_in(*said);
}

Result<double> MachineChild::ramSpeed(const Jobs::Stop& stop) const {
  const auto said = answer(ask_for_ram_speed(), stop);
  if (!said) return said.error();
  return speed_in(*said);
}

Result<double> MachineChild::deviceSpeed(const std::string& device, const Jobs::Stop& stop) const {
  const auto said = answer(ask_for_device_speed(device), stop);
  if (!said) return said.error();
  return speed_in(*said);
}

}  // namespace mneme

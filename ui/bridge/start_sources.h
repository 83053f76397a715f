// SPDX-License-Identifier: Apache-2.0
// What the welcome page asks about this machine. Each function is called on a thread of jobs; tests
// bring their own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "inference/machine/drive_speed.h"
#include "inference/machine/found_models.h"
#include "inference/machine/machine_facts.h"
#include "ui/bridge/jobs.h"

namespace mneme {

struct StartSources {
  using Stop = Jobs::Stop;
  std::function<MachineFacts()> facts;
  std::function<Result<std::vector<DeviceInfo>>(const Stop& stop)> gpus;
  std::function<Result<double>(const Stop& stop)> ramSpeed;                             // GB/s
  std::function<Result<double>(const std::string& device, const Stop& stop)> gpuSpeed;  // GB/s
  std::function<Result<DriveSpeed>(const Stop& stop)> drive;
  std::function<FoundModels(const Stop& stop)> models;
};

// Of this machine: the drive is the one that `data` lies on, where chats, packs and rows are kept;
// `models` are Mneme's own folders of models.
StartSources startSources(const std::string& data, const std::vector<std::string>& models);

}  // namespace mneme

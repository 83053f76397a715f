// SPDX-License-Identifier: Apache-2.0
// What the welcome page asks about this machine. Each function is called on a thread of the page's
// jobs; tests bring their own.
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
  std::function<MachineFacts()> facts;
  std::function<std::vector<DeviceInfo>()> gpus;
  std::function<double()> ramSpeed;                                   // GB/s
  std::function<Result<double>(const std::string& device)> gpuSpeed;  // GB/s
  std::function<Result<DriveSpeed>(const Jobs::Stop& stop)> drive;
  std::function<FoundModels(const Jobs::Stop& stop)> models;
};

// Of this machine: the drive is the one that `data` lies on, where chats, packs and rows are kept;
// `models` are Mneme's own folders of models.
StartSources startSources(const std::string& data, const std::vector<std::string>& models);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/start_sources.h"

#include "inference/machine/model_places.h"
#include "inference/run/machine.h"

namespace mneme {

StartSources startSources(const std::string& data, const std::vector<std::string>& models) {
  return {.facts = machine_facts,
          .gpus = find_gpus,
          .ramSpeed = [] { return read_bandwidth_gb_s(default_threads()); },
          .gpuSpeed = device_bandwidth_gb_s,
          .drive = [data](const Jobs::Stop& stop) { return measure_drive(data, stop); },
          .models =
              [models](const Jobs::Stop& stop) {
                return find_models(model_places(process_environment, models), stop);
              }};
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/start_sources.h"

#include "inference/machine/model_places.h"
#include "ui/bridge/machine_child.h"

namespace mneme {

StartSources startSources(const std::string& data, const std::vector<std::string>& models) {
  using Stop = StartSources::Stop;
  const MachineChild child;
  return {
      .facts = machine_facts,
      .gpus = [child](const Stop& stop) -> Result<std::vector<DeviceInfo>> {
        auto devices = child.devices(stop);
        if (!devices) return devices.error();
        return gpus_of(std::move(*devices));
      },
      .ramSpeed = [child](const Stop& stop) { return child.ramSpeed(stop); },
      .gpuSpeed = [child](const std::string& device,
                          const Stop& stop) { return child.deviceSpeed(device, stop); },
      .drive = [data](const Stop& stop) { return measure_drive(data, stop); },
      .models =
          [models](const Stop& stop) {
            return find_models(model_places(process_environment, models), stop);
          },
  };
}

}  // namespace mneme

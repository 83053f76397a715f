// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/device_probe.h"

#include "inference/run/machine.h"
#include "ui/bridge/ui_call.h"

namespace mneme {

DeviceProbe::DeviceProbe(QObject* parent) : QObject(parent), m_worker("devices", 1) {
  auto reply = onUi(this, [this](const std::vector<DeviceInfo>& found) { Q_EMIT listed(found); });
  m_worker.post([reply = std::move(reply)] { reply(devices()); });
}

}  // namespace mneme

#include "moc_device_probe.cpp"

// SPDX-License-Identifier: Apache-2.0
// Lists the devices of this machine on a thread of its own: drivers may take their time. UI thread.
#pragma once

#include <QObject>
#include <vector>

#include "gpu/device_info.h"
#include "inference/base/worker.h"

namespace mneme {

class DeviceProbe : public QObject {
  Q_OBJECT

 public:
  explicit DeviceProbe(QObject* parent = nullptr);  // asks at once

 Q_SIGNALS:
  void listed(const std::vector<mneme::DeviceInfo>& devices);

 private:
  Worker m_worker;  // last: joins before the rest goes
};

}  // namespace mneme

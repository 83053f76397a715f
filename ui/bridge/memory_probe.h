// SPDX-License-Identifier: Apache-2.0
// Estimates on a thread of its own what opening a model would take (it reads the file's header,
// which may lie on a slow disk). A newer question replaces one that waits. UI thread.
#pragma once

#include <QObject>

#include "inference/base/worker.h"
#include "inference/run/engine.h"

namespace mneme {

class MemoryProbe : public QObject {
  Q_OBJECT

 public:
  explicit MemoryProbe(QObject* parent = nullptr);
  void ask(const EngineOptions& options);

 Q_SIGNALS:
  void estimated(const mneme::MemoryEstimate& estimate);
  void refused(const QString& reason);

 private:
  quint64 m_asked = 0;
  Worker m_worker;  // last: joins before the rest goes
};

}  // namespace mneme

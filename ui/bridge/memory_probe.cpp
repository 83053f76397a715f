// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/memory_probe.h"

#include "ui/bridge/ui_call.h"

namespace mneme {

MemoryProbe::MemoryProbe(QObject* parent) : QObject(parent), m_worker("estimate", 8) {}

void MemoryProbe::ask(const EngineOptions& options) {
  const quint64 number = ++m_asked;
  auto reply = onUi(this, [this, number](const Result<MemoryEstimate>& result) {
    if (number != m_asked) return;
    if (result) {
      Q_EMIT estimated(*result);
    } else {
      Q_EMIT refused(QString::fromStdString(result.error().message));
    }
  });
  m_worker.post([options, reply = std::move(reply)] { reply(estimate_memory(options)); },
                "estimate");
}

}  // namespace mneme

#include "moc_memory_probe.cpp"

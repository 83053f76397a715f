// SPDX-License-Identifier: Apache-2.0
// Computes the probabilities of prompt tokens when the token card asks for them: reads the branch
// again up to the end of the token's message and adds what was found to the branch. UI thread.
#pragma once

#include <QObject>

#include "base/ids.h"
#include "ui/bridge/engine_host.h"
#include "ui/models/branch_trace.h"

namespace mneme {

class PromptProbabilities : public QObject {
  Q_OBJECT

 public:
  PromptProbabilities(EngineHost& host, BranchTrace& trace, QObject* parent = nullptr);

  void request(EventIndex event);

 Q_SIGNALS:
  void started();
  void failed(const QString& reason);  // success is BranchTrace::recordsChanged

 private:
  EngineHost& m_host;
  BranchTrace& m_trace;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/prompt_probabilities.h"

#include <utility>
#include <vector>

namespace mneme {

PromptProbabilities::PromptProbabilities(EngineHost& host, BranchTrace& trace, QObject* parent)
    : QObject(parent), m_host(host), m_trace(trace) {
  connect(&m_host, &EngineHost::evaluated, this,
          [this](const std::shared_ptr<const TraceLog>& records) {
            if (!m_trace.addProbabilities(*records)) {
              Q_EMIT failed(tr("Another chat or another branch was opened in between."));
            }
          });
  connect(&m_host, &EngineHost::evaluateFailed, this, &PromptProbabilities::failed);
}

void PromptProbabilities::request(EventIndex event) {
  const auto index = m_trace.indexOf(event);
  if (!index.has_value()) return;
  // To the end of the message: its other tokens are asked about next.
  int end = index.value_or(0) + 1;
  while (end < m_trace.size() &&
         m_trace.messageOf(m_trace.eventAt(end)) == m_trace.messageOf(event)) {
    ++end;
  }
  std::vector<TokenId> tokens;
  for (int i = 0; i < end; ++i) {
    const TraceHeader header = m_trace.recordAt(i).header();
    if (header.position != static_cast<std::uint32_t>(i)) {
      Q_EMIT failed(
          tr("The tokens before this one are not all recorded, so the prompt cannot be "
             "read again."));
      return;
    }
    tokens.push_back(header.token);
  }
  const bool memoryOn = m_trace.record(event).shape().layers > 0;
  Q_EMIT started();
  m_host.evaluate(std::move(tokens), memoryOn);
}

}  // namespace mneme

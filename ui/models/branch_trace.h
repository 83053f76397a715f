// SPDX-License-Identifier: Apache-2.0
// The visible branch of the open chat as one row of tokens: which records of the chat's trace are
// shown, in order, and to which message each belongs. The only thing inspection views read. UI
// thread; the TraceLog underneath grows on the engine's thread.
#pragma once

#include <QObject>
#include <memory>
#include <optional>
#include <vector>

#include "inference/base/ids.h"
#include "inference/trace/trace_log.h"

namespace mneme {

class BranchTrace : public QObject {
  Q_OBJECT

 public:
  // Records [first, end) of one message.
  struct Part {
    MessageId message = 0;
    EventIndex first = 0;
    EventIndex end = 0;
  };

  using QObject::QObject;

  // Another chat or another branch. `log` may be null (no chat).
  void reset(std::shared_ptr<const TraceLog> log, std::vector<Part> parts);
  // The last part grows while an answer streams.
  void extendLast(EventIndex end);

  int size() const { return m_size; }  // tokens of the branch
  EventIndex eventAt(int index) const;
  std::optional<int> indexOf(EventIndex event) const;  // none = not on this branch
  TraceRecord recordAt(int index) const;
  TraceRecord record(EventIndex event) const { return m_log->record(event); }
  const std::vector<Part>& parts() const { return m_parts; }
  std::optional<MessageId> messageOf(EventIndex event) const;
  // Token ids of the branch up to and including `index`, at most `max` of them, oldest first: the
  // left context that n-grams are made of.
  std::vector<TokenId> context(int index, int max) const;

 Q_SIGNALS:
  void wasReset();
  void grew(int oldSize);

 private:
  std::shared_ptr<const TraceLog> m_log;
  std::vector<Part> m_parts;
  std::vector<int> m_starts;  // first index of each part
  int m_size = 0;
};

}  // namespace mneme

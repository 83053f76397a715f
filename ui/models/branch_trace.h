// SPDX-License-Identifier: Apache-2.0
// The visible branch of the open chat as one row of tokens: which records of the chat's trace are
// shown, in order, and to which message each belongs. The only thing inspection views read. UI
// thread; the TraceLog underneath grows on the engine's thread.
#pragma once

#include <QObject>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "inference/trace/trace_log.h"

namespace mneme {

class BranchTrace : public QObject {
  Q_OBJECT

 public:
  // Records [first, end) of one message.
  struct MessageRange {
    MessageId message = 0;
    EventIndex first = 0;
    EventIndex end = 0;
    // Made by another model than the one that is loaded: its token ids mean nothing to the present
    // tokenizer, so views show numbers instead of text and no hash walk.
    bool otherModel = false;
  };

  using QObject::QObject;

  // Another chat or another branch. `log` may be null (no chat). Ranges that reach beyond the log
  // (they come from a file) are cut to it.
  void reset(std::shared_ptr<const TraceLog> log, std::vector<MessageRange> parts);
  // The last part grows while an answer streams.
  void extendLast(EventIndex end);
  // A new message at the end of the branch; views keep their place.
  void append(MessageRange part);

  int size() const { return m_size; }  // tokens of the branch
  EventIndex eventAt(int index) const;
  std::optional<int> indexOf(EventIndex event) const;  // none = not on this branch
  TraceRecord recordAt(int index) const;
  TraceRecord record(EventIndex event) const;
  const std::vector<MessageRange>& parts() const { return m_parts; }
  // For another thread, which reads the same records through a BranchTrace of its own.
  std::shared_ptr<const TraceLog> log() const { return m_log; }
  const MessageRange& messageAt(int index) const;
  int startOf(std::size_t part) const { return m_starts[part]; }  // branch index of its first token
  std::optional<MessageId> messageOf(EventIndex event) const;

  // Adds the probabilities of `evaluated`, whose record i is the branch's token i read again, to
  // the records that lack them. Kept in memory only, as long as the log is shown. False: they are
  // not the same tokens.
  bool addProbabilities(const TraceLog& evaluated);

  // The left context that n-grams are made of: token ids up to and including `index`, at most `max`
  // of them, oldest first. It ends early at the start of the evaluated sequence, and also where the
  // token before was not recorded; `complete` tells which: false = older tokens exist, unknown.
  struct Context {
    std::vector<TokenId> tokens;
    bool complete = true;
  };
  Context context(int index, int max) const;

 Q_SIGNALS:
  void wasReset();
  void grew(int oldSize);
  void recordsChanged();  // same tokens, more known of them

 private:
  std::size_t partIndexAt(int index) const;
  void recount();

  std::shared_ptr<const TraceLog> m_log;
  std::vector<MessageRange> m_parts;
  std::vector<int> m_starts;  // first index of each part
  int m_size = 0;
  // Records with probabilities that were computed later, by the event they stand for.
  std::shared_ptr<TraceLog> m_added;
  std::unordered_map<EventIndex, EventIndex> m_addedAt;
};

}  // namespace mneme

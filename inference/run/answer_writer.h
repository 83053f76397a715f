// SPDX-License-Identifier: Apache-2.0
// Writes a running answer to disk, so that kill -9 loses nothing that was visible for a second: the
// first token at once, each later one at most a quarter of a second after it was sampled, and the
// whole answer at the end. Lives on the engine's thread beside generate(); the writes are made on
// the store thread by the clock, however long the next token takes, and no thread waits for them. A
// write that fails is kept by the ChatStore and tried again.
#pragma once

#include <chrono>
#include <memory>

#include "base/ids.h"
#include "base/result.h"
#include "inference/run/generate.h"
#include "inference/store/chat_store.h"
#include "inference/trace/model_layout.h"
#include "inference/trace/trace_log.h"

namespace mneme {

class AnswerWriter {
 public:
  using Clock = std::chrono::steady_clock;
  // From one write to the next. Below a second by what a busy machine and drive may need.
  static constexpr std::chrono::milliseconds kInterval{250};

  // `user_message` (0 = none) gets the prompt's records as its range, `answer` the reply's.
  // `trace` is the chat's log, not null; its first `stored_events` records are on disk already.
  AnswerWriter(ChatStore& store, std::shared_ptr<const TraceLog> trace, MessageId user_message,
               MessageId answer, EventIndex stored_events,
               std::chrono::milliseconds interval = kInterval);

  void on_progress(const GenerateProgress& progress);
  void finish(const GenerateResult& result, const AnswerRecord& record);
  void fail(const Error& error);  // keeps what was generated

 private:
  class Answer;

  ChatStore& store_;
  const std::shared_ptr<Answer> answer_;  // of both threads
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Puts a running answer on disk: its text and trace records at least every second and at the end,
// so that kill -9 loses nothing older. Lives on the engine's thread beside generate(); posts to the
// store thread, never waits for it. The text so far is read off the trace, so an answer needs one
// (the last text comes from the result). A write that fails is reported through the ChatStore and
// tried again with the next one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "inference/base/ids.h"
#include "inference/base/result.h"
#include "inference/run/generate.h"
#include "inference/store/chat_store.h"
#include "inference/text/utf8_stream.h"
#include "inference/trace/model_layout.h"
#include "inference/trace/trace_log.h"

namespace mneme {

class Tokenizer;

class AnswerWriter {
 public:
  using Clock = std::chrono::steady_clock;
  // Tokens are at most this old, and the time of one step, when they go to the store.
  static constexpr std::chrono::milliseconds kInterval{750};

  // `user_message` (0 = none) gets the prompt's records as its range, `answer` the reply's.
  // `trace` is the chat's log, not null; its first `stored_events` records are on disk already.
  // `now` is for tests.
  AnswerWriter(ChatStore& store, const Tokenizer& tokenizer, std::shared_ptr<const TraceLog> trace,
               MessageId user_message, MessageId answer, EventIndex stored_events,
               std::function<Clock::time_point()> now = Clock::now);

  void on_progress(const GenerateProgress& progress);  // writes when it is time
  void finish(const GenerateResult& result, const AnswerRecord& record);
  void fail(const Error& error);  // keeps what was generated

 private:
  struct Snapshot;
  struct Progress;
  void read_reply();
  Snapshot snapshot() const;

  ChatStore& store_;
  const Tokenizer& tokenizer_;
  const std::shared_ptr<const TraceLog> trace_;
  const MessageId user_message_;
  const MessageId answer_;
  const std::function<Clock::time_point()> now_;
  const std::shared_ptr<Progress> written_;  // used on the store thread only
  GenerateProgress progress_;
  bool started_ = false;  // progress_ is valid
  Clock::time_point last_write_;
  std::string text_;  // of the reply's records before read_
  Utf8Stream utf8_;
  EventIndex read_ = 0;
};

}  // namespace mneme

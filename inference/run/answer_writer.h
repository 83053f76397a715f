// SPDX-License-Identifier: Apache-2.0
// Puts a running answer on disk: its text and trace records at least every second and at the end, so
// that kill -9 loses nothing older. Lives on the engine's thread beside generate(); posts to the
// store thread, never waits for it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "inference/base/ids.h"
#include "inference/base/result.h"
#include "inference/run/generate.h"
#include "inference/store/chat_store.h"
#include "inference/trace/model_layout.h"
#include "inference/trace/trace_log.h"

namespace mneme {

class Tokenizer;

class AnswerWriter {
 public:
  // `user_message` (0 = none) gets the prompt's records as its range, `answer` the reply's.
  // `trace` is the chat's log; its first `stored_events` records are on disk already.
  AnswerWriter(ChatStore& store, const Tokenizer& tokenizer, std::shared_ptr<const TraceLog> trace,
               MessageId user_message, MessageId answer, EventIndex stored_events);

  void on_progress(const GenerateProgress& progress);  // writes when a second has passed
  void finish(const GenerateResult& result, const AnswerRecord& record);
  void fail(const Error& error);  // keeps what was generated

 private:
  void flush();

  ChatStore& store_;
  const Tokenizer& tokenizer_;
  std::shared_ptr<const TraceLog> trace_;
  const MessageId user_message_;
  const MessageId answer_;
  EventIndex stored_events_;
  GenerateProgress progress_;
  std::chrono::steady_clock::time_point last_flush_;
};

}  // namespace mneme

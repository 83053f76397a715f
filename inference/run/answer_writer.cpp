// SPDX-License-Identifier: Apache-2.0
#include "inference/run/answer_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "inference/base/check.h"
#include "inference/text/tokenizer.h"

namespace mneme {

// What one write puts on disk: taken on the engine's thread, written on the store's.
struct AnswerWriter::Snapshot {
  std::shared_ptr<const TraceLog> trace;
  MessageId user_message = 0;
  MessageId answer = 0;
  std::string text;
  bool has_ranges = false;
  EventIndex prompt_first = 0;
  EventIndex reply_first = 0;
  EventIndex end = 0;
};

struct AnswerWriter::Progress {
  EventIndex events = 0;  // of the trace that are on disk, as far as this answer knows
  bool failing = false;   // the last write failed: told once, until one succeeds

  Status write(Library& library, const Snapshot& s);
  // The records are copied out of the log here and now, from what is on disk by now: a write that
  // replaced a waiting one, or follows a failed one, covers both.
  Status write_all(Library& library, const Snapshot& s);
};

Status AnswerWriter::Progress::write_all(Library& library, const Snapshot& s) {
  const auto stored = library.stored_events(s.answer);
  if (!stored) return stored.error();
  if (*stored > events) {
    return Error{ErrorCode::invalid,
                 fmt::format("the chat has {} trace records on disk where {} were expected; the "
                             "inspection data of this answer is not kept",
                             *stored, events)};
  }
  RETURN_IF_ERROR(
      library.write_answer(s.answer, s.text, *stored, s.trace->serialize(*stored, s.end)));
  events = std::max(*stored, s.end);
  if (!s.has_ranges) return {};
  if (s.user_message != 0) {
    RETURN_IF_ERROR(library.set_events(s.user_message, s.prompt_first, s.reply_first));
  }
  return library.set_events(s.answer, s.reply_first, s.end);
}

Status AnswerWriter::Progress::write(Library& library, const Snapshot& s) {
  Status done = write_all(library, s);
  if (done) return done;
  // The text is worth more than its trace, and may fit where both do not.
  static_cast<void>(library.write_answer(s.answer, s.text, 0, {}));
  return done;
}

AnswerWriter::AnswerWriter(ChatStore& store, const Tokenizer& tokenizer,
                           std::shared_ptr<const TraceLog> trace, MessageId user_message,
                           MessageId answer, EventIndex stored_events,
                           std::function<Clock::time_point()> now)
    : store_(store),
      tokenizer_(tokenizer),
      trace_(std::move(trace)),
      user_message_(user_message),
      answer_(answer),
      now_(std::move(now)),
      written_(std::make_shared<Progress>()),
      last_write_(now_()) {
  CHECK(trace_ != nullptr && stored_events <= trace_->size());
  written_->events = stored_events;
}

void AnswerWriter::on_progress(const GenerateProgress& progress) {
  progress_ = progress;
  started_ = true;
  const Clock::time_point now = now_();
  if (now - last_write_ < kInterval) return;
  last_write_ = now;
  read_reply();
  store_.post(
      [&store = store_, written = written_, s = snapshot()](Library& library) {
        const Status done = written->write(library, s);
        if (!done && !written->failing) store.report_failure(done.error());
        written->failing = !done;
      },
      fmt::format("answer {}", answer_));
}

void AnswerWriter::finish(const GenerateResult& result, const AnswerRecord& record) {
  Snapshot last = snapshot();
  last.text = result.text;
  last.has_ranges = true;
  last.prompt_first = result.prompt_first_event;
  last.reply_first = result.reply_first_event;
  last.end = result.reply_end_event;
  const MessageState state =
      result.stop_reason == StopReason::stopped ? MessageState::stopped : MessageState::complete;
  AnswerRecord kept = record;
  kept.result = result;
  kept.result.text.clear();  // the message has it
  store_.post([&store = store_, written = written_, s = std::move(last), state,
               kept = std::move(kept)](Library& library) {
    if (Status done = written->write(library, s); !done) store.report_failure(done.error());
    const Status done = library.finish_answer(s.answer, s.text, state, "", kept);
    if (!done) store.report_failure(done.error());
  });
}

void AnswerWriter::fail(const Error& error) {
  read_reply();
  text_ += utf8_.finish();
  store_.post([&store = store_, written = written_, s = snapshot(),
               message = error.message](Library& library) {
    if (Status done = written->write(library, s); !done) store.report_failure(done.error());
    const Status done =
        library.finish_answer(s.answer, s.text, MessageState::failed, message, std::nullopt);
    if (!done) store.report_failure(done.error());
  });
}

// Appends the text of the reply's records that were not read yet.
void AnswerWriter::read_reply() {
  if (!started_ || progress_.phase != GeneratePhase::decode) return;
  read_ = std::max(read_, progress_.reply_first_event);
  const EventIndex end = trace_->size();
  std::string bytes;
  for (; read_ < end; ++read_) {
    const TokenId token = trace_->record(read_).token();
    if (!tokenizer_.is_end(token)) tokenizer_.append_decoded(token, bytes);
  }
  text_ += utf8_.push(bytes);
}

AnswerWriter::Snapshot AnswerWriter::snapshot() const {
  Snapshot s;
  s.trace = trace_;
  s.user_message = user_message_;
  s.answer = answer_;
  s.text = text_;
  s.end = trace_->size();
  s.has_ranges = started_;
  s.prompt_first = progress_.prompt_first_event;
  s.reply_first = progress_.phase == GeneratePhase::decode ? progress_.reply_first_event : s.end;
  return s;
}

}  // namespace mneme

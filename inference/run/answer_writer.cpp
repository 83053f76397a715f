// SPDX-License-Identifier: Apache-2.0
#include "inference/run/answer_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"

namespace mneme {
namespace {

// What one write puts on disk.
struct Snapshot {
  std::string text;
  bool has_ranges = false;
  EventIndex prompt_first = 0;
  EventIndex reply_first = 0;
  EventIndex end = 0;
};

}  // namespace

class AnswerWriter::Answer {
 public:
  Answer(std::shared_ptr<const TraceLog> trace, MessageId user_message, MessageId answer,
         EventIndex stored_events, std::chrono::milliseconds interval)
      : trace_(std::move(trace)),
        user_message_(user_message),
        answer_(answer),
        interval_(interval),
        stored_events_(stored_events) {
    CHECK(trace_ != nullptr && stored_events <= trace_->size());
  }

  // When the next write is due, if none waits yet.
  std::optional<Clock::time_point> grow(const GenerateProgress& progress) {
    const std::lock_guard lock(mutex_);
    text_ += progress.new_text;
    progress_ = progress;
    progress_->new_text = {};
    events_ = trace_->size();
    if (std::exchange(write_waits_, true)) return std::nullopt;
    return last_write_ + interval_;
  }

  // What there is by now, for a write; none after the end.
  std::optional<Snapshot> take() {
    const std::lock_guard lock(mutex_);
    write_waits_ = false;
    last_write_ = Clock::now();
    if (ended_) return std::nullopt;
    return snapshot();
  }

  Snapshot end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    events_ = trace_->size();
    return snapshot();
  }

  KeptWrite write_of(std::string text, std::function<Status(Library&)> write) const {
    const auto unless_gone = [answer = answer_, write = std::move(write)](Library& library) {
      const auto there = library.has_message(answer);
      if (!there) return Status(there.error());
      return *there ? write(library) : Status();  // its chat was deleted for good meanwhile
    };
    return {fmt::format("answer {}", answer_), "an answer", std::move(text), unless_gone};
  }

  // Store thread: text, records and ranges at once.
  Status put(ChatStore& store, Library& library, const Snapshot& s);
  Status finish(ChatStore& store, Library& library, const Snapshot& s, MessageState state,
                const std::string& error, const std::optional<AnswerRecord>& record);

 private:
  Snapshot snapshot() const {
    Snapshot s;
    s.text = text_;
    s.end = events_;
    if (!progress_) return s;
    s.has_ranges = true;
    s.prompt_first = progress_->prompt_first_event;
    s.reply_first =
        progress_->phase == GeneratePhase::decode ? progress_->reply_first_event : s.end;
    return s;
  }
  Status put_records(Library& library, const Snapshot& s, EventIndex stored);

  const std::shared_ptr<const TraceLog> trace_;
  const MessageId user_message_;
  const MessageId answer_;
  const std::chrono::milliseconds interval_;

  std::mutex mutex_;
  std::optional<GenerateProgress> progress_;
  std::string text_;
  EventIndex events_ = 0;  // of the trace that text_ stands for
  Clock::time_point last_write_{};
  bool write_waits_ = false;
  bool ended_ = false;

  // Store thread.
  EventIndex stored_events_;  // of the trace that are on disk, as far as this answer knows
  bool trace_is_kept_ = true;
};

Status AnswerWriter::Answer::put(ChatStore& store, Library& library, const Snapshot& s) {
  const auto stored = library.stored_events(answer_);
  if (!stored) return stored.error();
  if (trace_is_kept_ && *stored > stored_events_) {
    trace_is_kept_ = false;
    store.report_failure(
        {ErrorCode::invalid,
         fmt::format("the chat has {} trace records on disk where {} were expected; the "
                     "inspection data of this answer is not kept",
                     *stored, stored_events_)});
  }
  if (!trace_is_kept_) return library.write_answer(answer_, s.text, 0, {});
  const Status done = library.atomically([&] { return put_records(library, s, *stored); });
  if (done) {
    stored_events_ = std::max(*stored, s.end);
  } else {
    // The text is worth more than its trace, and may fit where both do not.
    static_cast<void>(library.write_answer(answer_, s.text, 0, {}));
  }
  return done;
}

// The records are copied out of the log here and now, from what is on disk by now: a write that
// follows a failed one covers both.
Status AnswerWriter::Answer::put_records(Library& library, const Snapshot& s, EventIndex stored) {
  RETURN_IF_ERROR(library.write_answer(answer_, s.text, stored, trace_->serialize(stored, s.end)));
  if (!s.has_ranges) return {};
  if (user_message_ != 0) {
    RETURN_IF_ERROR(library.set_events(user_message_, s.prompt_first, s.reply_first));
  }
  return library.set_events(answer_, s.reply_first, s.end);
}

Status AnswerWriter::Answer::finish(ChatStore& store, Library& library, const Snapshot& s,
                                    MessageState state, const std::string& error,
                                    const std::optional<AnswerRecord>& record) {
  RETURN_IF_ERROR(put(store, library, s));
  return library.finish_answer(answer_, s.text, state, error, record);
}

AnswerWriter::AnswerWriter(ChatStore& store, std::shared_ptr<const TraceLog> trace,
                           MessageId user_message, MessageId answer, EventIndex stored_events,
                           std::chrono::milliseconds interval)
    : store_(store),
      answer_(std::make_shared<Answer>(std::move(trace), user_message, answer, stored_events,
                                       interval)) {}

void AnswerWriter::on_progress(const GenerateProgress& progress) {
  const auto due = answer_->grow(progress);
  if (!due) return;
  store_.post_at(*due, [&store = store_, answer = answer_](Library&) {
    auto s = answer->take();
    if (!s) return;
    std::string text = s->text;
    store.write_now(
        answer->write_of(std::move(text), [&store, answer, s = std::move(*s)](Library& library) {
          return answer->put(store, library, s);
        }));
  });
}

void AnswerWriter::finish(const GenerateResult& result, const AnswerRecord& record) {
  Snapshot last = answer_->end();
  last.text = result.text;
  last.has_ranges = true;
  last.prompt_first = result.prompt_first_event;
  last.reply_first = result.reply_first_event;
  last.end = result.reply_end_event;
  const MessageState state =
      result.stop_reason == StopReason::stopped ? MessageState::stopped : MessageState::complete;
  AnswerRecord kept = record;
  kept.result = result;
  kept.result.text.clear();    // the message has it
  kept.result.tokens.clear();  // the trace has them
  store_.write(
      answer_->write_of(result.text, [&store = store_, answer = answer_, s = std::move(last), state,
                                      kept = std::move(kept)](Library& library) {
        return answer->finish(store, library, s, state, "", kept);
      }));
}

void AnswerWriter::fail(const Error& error) {
  Snapshot last = answer_->end();
  std::string text = last.text;
  store_.write(
      answer_->write_of(std::move(text), [&store = store_, answer = answer_, s = std::move(last),
                                          message = error.message](Library& library) {
        return answer->finish(store, library, s, MessageState::failed, message, std::nullopt);
      }));
}

}  // namespace mneme

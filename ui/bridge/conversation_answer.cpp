// SPDX-License-Identifier: Apache-2.0
// A conversation's answers: the job that makes one, its progress, its end, and the records of the
// branch in view.
#include <algorithm>
#include <set>
#include <utility>

#include "ui/bridge/conversation.h"
#include "ui/bridge/ui_call.h"

namespace mneme {
namespace {

bool hasEvents(const MessageRow& row) {
  return row.end_event > row.first_event;
}

std::vector<TokenId> tokensOf(const MessageRow& row, const TraceLog& trace) {
  std::vector<TokenId> tokens;
  const EventIndex end = std::min(row.end_event, trace.size());
  for (EventIndex i = row.first_event; i < end; ++i) tokens.push_back(trace.record(i).token());
  return tokens;
}

// Lays the message's records over those before it, each at its position in the sequence that was
// evaluated. What lies between is not known: no token has that number.
void layRecords(const MessageRow& row, const TraceLog& trace, std::vector<TokenId>& sequence) {
  constexpr std::size_t kGapMax = 1 << 16;  // positions come from a file
  const EventIndex end = std::min(row.end_event, trace.size());
  for (EventIndex i = row.first_event; i < end; ++i) {
    const TraceHeader header = trace.record(i).header();
    if (header.position > sequence.size() + kGapMax) continue;
    sequence.resize(header.position, -1);
    sequence.push_back(header.token);
  }
}

}  // namespace

// Puts what the disk did not take yet into what was read from it; gives its trace.
std::shared_ptr<TraceLog> Conversation::amend(std::vector<MessageRow>& messages,
                                              const Ended& ended) {
  for (MessageRow& row : messages) {
    if (row.id == ended.question.id && ended.question.end_event > 0) {
      row.first_event = ended.question.first_event;
      row.end_event = ended.question.end_event;
    }
    if (row.id != ended.answer.id) continue;
    const std::int64_t created = row.created_ms;
    row = ended.answer;
    row.created_ms = created;
  }
  return ended.trace;
}

Conversation::Ended::Ended(const Running& running) : trace(running.trace) {
  question.id = running.job.userMessage;
  answer.id = running.answer;
  answer.chat = running.chat;
  answer.parent = running.user;
  answer.role = Role::assistant;
}

void Conversation::begin(const Posted& posted) {
  const bool renamed = m_chat.title != posted.chat.title || posted.isNew;
  m_chat = posted.chat;
  const MessageId oldLeaf = m_transcript.leaf();
  if (posted.user) m_transcript.add(*posted.user);
  m_transcript.add(posted.answer);
  const bool sameBranch = posted.user ? posted.user->parent == oldLeaf : false;
  m_running = std::make_unique<Running>();
  m_running->chat = m_chat.id;
  m_running->user = posted.answer.parent;
  m_running->answer = posted.answer.id;
  m_running->trace = m_trace;
  m_running->model = m_engine.model();
  m_running->job = makeJob(*m_running);
  // The records of a question whose reading was stopped are replaced.
  if (m_running->job.userMessage != 0) m_transcript.setEvents(m_running->user, 0, 0);
  m_transcript.setStreaming(m_running->answer, {}, m_running->live);
  if (!sameBranch || posted.isNew) resetBranch();
  m_engine.generate(m_store, m_running->job);
  if (renamed) Q_EMIT chatChanged();
  Q_EMIT libraryChanged();
  Q_EMIT stateChanged();
  Q_EMIT progressed();
}

EngineHost::AnswerJob Conversation::makeJob(const Running& running) const {
  EngineHost::AnswerJob job;
  job.chat = running.chat;
  job.answer = running.answer;
  job.storedEvents = running.trace->size();
  GenerateRequest& request = job.request;
  if (!m_chat.system_prompt.empty())
    request.messages.push_back({Role::system, m_chat.system_prompt});
  for (const TranscriptItem& item : m_transcript.items()) {
    if (item.row.id == running.answer) break;
    ChatMessage message{item.row.role, item.row.text, {}};
    if (item.row.role == Role::assistant) {
      message.tokens = tokensOf(item.row, *running.trace);
      if (item.row.answer) request.dropped_messages = item.row.answer->result.dropped_messages;
    }
    request.messages.push_back(std::move(message));
    if (!hasEvents(item.row)) continue;
    if (item.row.role == Role::assistant) request.record_from_message = request.messages.size();
    if (item.row.id == running.user && !m_transcript.wasAnswered(running.user)) continue;
    layRecords(item.row, *running.trace, request.recorded);
  }
  // Whatever was not recorded yet becomes the records of the question.
  if (!m_transcript.wasAnswered(running.user)) job.userMessage = running.user;
  request.now = m_chat.created_ms / 1000;
  request.sampling = m_chat.settings.sampling;
  request.max_tokens = m_chat.settings.max_tokens;
  request.memory_on = m_chat.settings.memory_on;
  request.drop_oldest_turns = true;
  request.trace = running.trace;
  return job;
}

void Conversation::onProgress(const GenerateProgress& progress) {
  if (!m_running) return;
  Running& running = *m_running;
  running.live.progress = progress;
  running.live.progress.new_text = {};  // a view that ends with this call
  running.text +=
      QString::fromUtf8(progress.new_text.data(), static_cast<qsizetype>(progress.new_text.size()));
  if (progress.phase == GeneratePhase::decode) {
    if (!running.decoding) {
      running.decoding = true;
      running.decodeFrom = progress.generated;
      running.decodeClock.start();
    } else if (running.decodeClock.elapsed() > 100) {
      running.live.tokensPerSecond = static_cast<double>(progress.generated - running.decodeFrom) *
                                     1000.0 / static_cast<double>(running.decodeClock.elapsed());
    }
  }
  if (!answeringHere()) return;
  growBranch(running);
  m_transcript.setStreaming(running.answer, running.text, running.live);
  Q_EMIT progressed();
}

// A drive that does not bring rows makes the answer wait: the chat says so, once a second.
void Conversation::onTiers(const TierStats& stats) {
  if (!m_running) return;
  const std::uint64_t seconds = stats.waiting_us / 1'000'000;
  if (seconds == m_running->live.stalledSeconds) return;
  m_running->live.stalledSeconds = seconds;
  m_running->live.stalledReads = stats.in_flight;
  if (!answeringHere()) return;
  m_transcript.setStreaming(m_running->answer, m_running->text, m_running->live);
  Q_EMIT progressed();
}

// The records of the running answer join the branch in view as they come.
void Conversation::growBranch(const Running& running) {
  const GenerateProgress& progress = running.live.progress;
  const EventIndex end = running.trace->size();
  const auto grow = [&](MessageId message, EventIndex first, EventIndex last) {
    const auto& parts = m_branch.parts();
    if (!parts.empty() && parts.back().message == message) {
      m_branch.extendLast(last);
    } else if (last > first) {
      m_branch.append({.message = message, .first = first, .end = last});
    }
    // After the branch, which the message's ink reads.
    m_transcript.setEvents(message, first, last);
  };
  const bool decoding = progress.phase == GeneratePhase::decode;
  const auto& parts = m_branch.parts();
  const bool answerBegun = !parts.empty() && parts.back().message == running.answer;
  if (running.job.userMessage != 0 && !answerBegun) {
    grow(running.user, progress.prompt_first_event, decoding ? progress.reply_first_event : end);
  }
  if (decoding) grow(running.answer, progress.reply_first_event, end);
}

void Conversation::onFinished(const GenerateResult& result) {
  if (!m_running) return;
  const auto running = std::move(m_running);
  Ended ended(*running);
  ended.answer.text = result.text;
  ended.answer.state =
      result.stop_reason == StopReason::stopped ? MessageState::stopped : MessageState::complete;
  ended.answer.answer = EngineHost::recordOf(running->job, running->model->layout(), result);
  ended.question.first_event = result.prompt_first_event;
  ended.question.end_event = ended.answer.first_event = result.reply_first_event;
  ended.answer.end_event = result.reply_end_event;
  if (running->chat == m_chat.id) {
    running->live.progress.phase = GeneratePhase::decode;
    running->live.progress.prompt_first_event = result.prompt_first_event;
    running->live.progress.reply_first_event = result.reply_first_event;
    growBranch(*running);
    m_transcript.finish(running->answer, QString::fromStdString(result.text), ended.answer.state,
                        {}, ended.answer.answer);
    Q_EMIT progressed();
  }
  m_ended.push_back(std::move(ended));
  dropSaved();
  Q_EMIT libraryChanged();
  Q_EMIT stateChanged();
}

void Conversation::onFailed(const QString& reason) {
  if (!m_running) {
    Q_EMIT failed(reason);
    return;
  }
  const auto running = std::move(m_running);
  Ended ended(*running);
  ended.answer.text = running->text.toStdString();
  ended.answer.state = MessageState::failed;
  ended.answer.error = reason.toStdString();
  if (running->chat == m_chat.id) {
    m_transcript.finish(running->answer, running->text, MessageState::failed, reason, std::nullopt);
    Q_EMIT progressed();
  }
  m_ended.push_back(std::move(ended));
  dropSaved();
  Q_EMIT libraryChanged();
  Q_EMIT stateChanged();
}

// The engine's thread posted the last write before it told the end, so the store thread has tried
// it when it gets here.
void Conversation::dropSaved() {
  std::set<MessageId> asked;
  for (const Ended& ended : m_ended) asked.insert(ended.answer.id);
  askLibrary(
      m_store, this, [&store = m_store](Library&) { return store.kept().empty(); },
      [this, asked = std::move(asked)](bool saved) {
        if (!saved) return;
        std::erase_if(m_ended, [&](const Ended& ended) { return asked.contains(ended.answer.id); });
      });
}

void Conversation::resetBranch() {
  std::vector<BranchTrace::MessageRange> parts;
  const ModelLayout* layout = m_engine.layout();
  // A question was read by the model that answered it, so digests are looked up from the end.
  std::string digest;
  const auto& items = m_transcript.items();
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    if (item->row.answer) digest = item->row.answer->model_digest;
    if (item->live) digest.clear();
    if (!hasEvents(item->row)) continue;
    const bool other = layout != nullptr && !digest.empty() && digest != layout->digest;
    parts.push_back({.message = item->row.id,
                     .first = item->row.first_event,
                     .end = item->row.end_event,
                     .otherModel = other});
  }
  std::reverse(parts.begin(), parts.end());
  m_branch.reset(m_trace, std::move(parts));
}

}  // namespace mneme

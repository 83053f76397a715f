// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/conversation.h"

#include <fmt/format.h>

#include <QDateTime>
#include <algorithm>
#include <set>
#include <utility>

#include "inference/base/log.h"
#include "inference/text/tokenizer.h"
#include "ui/bridge/ui_call.h"
#include "ui/models/chat_list_model.h"

namespace mneme {

struct Conversation::Posted {
  ChatRow chat;
  std::optional<MessageRow> user;  // none = an answer to a message that was there
  MessageRow answer;
  bool isNew = false;
};

namespace {

struct Loaded {
  ChatRow chat;
  std::vector<MessageRow> messages;
  std::shared_ptr<TraceLog> trace;
  QString traceProblem;
};

// Store thread.
Result<Loaded> loadChat(Library& library, ChatId id) {
  Loaded loaded;
  auto chat = library.chat(id);
  if (!chat) return chat.error();
  loaded.chat = std::move(*chat);
  loaded.trace = std::make_shared<TraceLog>();
  auto bytes = library.trace(id);
  Status read = bytes ? loaded.trace->append_serialized(*bytes) : Status(bytes.error());
  if (!read) {
    // The text is whole; keep of the trace what is before the damage, so that more can follow.
    loaded.traceProblem = QString::fromStdString(read.error().message);
    RETURN_IF_ERROR(library.cut_trace(id));
    loaded.trace = std::make_shared<TraceLog>();
    bytes = library.trace(id);
    if (!bytes) return bytes.error();
    RETURN_IF_ERROR(loaded.trace->append_serialized(*bytes));
  }
  // After the trace: a cut shortens what the messages may point to.
  auto messages = library.messages(id);
  if (!messages) return messages.error();
  loaded.messages = std::move(*messages);
  return loaded;
}

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

Conversation::Conversation(ChatStore& store, EngineHost& engine, BranchTrace& branch,
                           QObject* parent)
    : QObject(parent), m_store(store), m_engine(engine), m_branch(branch) {
  m_trace = std::make_shared<TraceLog>();
  connect(&m_engine, &EngineHost::answerProgress, this, &Conversation::onProgress);
  connect(&m_engine, &EngineHost::tiersUpdated, this, &Conversation::onTiers);
  connect(&m_engine, &EngineHost::answerFinished, this, &Conversation::onFinished);
  connect(&m_engine, &EngineHost::answerFailed, this, &Conversation::onFailed);
  connect(&m_engine, &EngineHost::stateChanged, this, &Conversation::stateChanged);
  connect(&m_engine, &EngineHost::modelOpened, this, [this] {
    resetBranch();
    countSystemPrompt();
  });
  connect(this, &Conversation::settingsChanged, this, &Conversation::countSystemPrompt);
  connect(&m_systemProbe, &DraftProbe::counted, this, [this](const DraftCount& count) {
    m_systemTokens = count.tokens;
    Q_EMIT progressed();
  });
}

Conversation::~Conversation() = default;

QString Conversation::title() const {
  return ChatListModel::titleOf(m_chat);
}

QString Conversation::blockedReason() const {
  if (m_loading) return tr("The chat is being read.");
  if (m_posting) return tr("The message is being saved.");
  if (answering() && !answeringHere()) return tr("Another chat is being answered.");
  if (answering()) return tr("An answer is being written.");
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) {
    return m_engine.state() == EngineHost::State::loading ? tr("The model is being opened.")
                                                          : tr("No model is open.");
  }
  if (m_engine.state() == EngineHost::State::loading) return tr("Another model is being opened.");
  if (!layout->chat_available) return QString::fromStdString(layout->chat_unavailable_reason);
  return {};
}

Conversation::ContextUse Conversation::contextUse() const {
  ContextUse use;
  const auto engine = m_engine.engine();
  if (!engine) return use;
  use.limit = engine->layout().context;
  use.system = m_systemTokens;
  std::int64_t all = m_branch.size();
  const auto& items = m_transcript.items();
  if (!items.empty()) {
    const TranscriptItem& last = items.back();
    if (last.live) {
      all = last.live->progress.prompt_total + last.live->progress.generated;
    } else if (last.row.answer && last.row.answer->result.prompt_tokens > 0) {
      all = last.row.answer->result.prompt_tokens + last.row.answer->result.generated_tokens;
    }
  }
  use.history = std::max<std::int64_t>(0, all - (all > 0 ? use.system : 0));
  return use;
}

// On a thread of its own, and only when the prompt or the model is another one: the meter asks for
// the number with every token of an answer.
void Conversation::countSystemPrompt() {
  auto engine = m_engine.engine();
  if (engine == m_systemEngine.lock() && m_chat.system_prompt == m_systemCounted) return;
  m_systemEngine = engine;
  m_systemCounted = m_chat.system_prompt;
  m_systemTokens = 0;
  if (engine) m_systemProbe.ask(std::move(engine), systemPrompt(), {});
}

void Conversation::newChat(const ChatSettings& settings, const QString& systemPrompt) {
  ++m_generation;
  m_loading = false;
  m_chat = ChatRow{};
  m_chat.settings = settings;
  m_chat.system_prompt = systemPrompt.toStdString();
  m_trace = std::make_shared<TraceLog>();
  m_transcript.clear();
  resetBranch();
  Q_EMIT chatChanged();
  Q_EMIT settingsChanged();
  Q_EMIT stateChanged();
}

void Conversation::open(ChatId chat, MessageId message) {
  const quint64 generation = ++m_generation;
  m_loading = true;
  Q_EMIT stateChanged();
  askLibrary(
      m_store, this, [chat](Library& library) { return loadChat(library, chat); },
      [this, generation, message](Result<Loaded> result) {
        if (generation != m_generation) return;
        m_loading = false;
        if (!result) {
          Q_EMIT failed(QString::fromStdString(result.error().message));
          Q_EMIT stateChanged();
          return;
        }
        m_chat = result->chat;
        m_trace = result->trace;
        for (const Ended& ended : m_ended) {
          if (ended.answer.chat == m_chat.id) m_trace = amend(result->messages, ended);
        }
        // A running answer's log is ahead of the disk.
        if (answeringHere()) m_trace = m_running->trace;
        m_transcript.setTree(std::move(result->messages), m_chat.leaf);
        if (answeringHere()) {
          m_transcript.setStreaming(m_running->answer, m_running->text, m_running->live);
        }
        if (message != 0 && !m_transcript.rowOf(message)) {
          m_transcript.showLeaf(m_transcript.leafBelow(message));
        }
        resetBranch();
        Q_EMIT chatChanged();
        Q_EMIT settingsChanged();
        Q_EMIT stateChanged();
        if (message != 0) Q_EMIT messageSought(message);
        if (!result->traceProblem.isEmpty()) Q_EMIT failed(result->traceProblem);
      });
}

bool Conversation::send(const QString& text, const Draft& rest) {
  return post(m_transcript.leaf(), text, rest);
}

bool Conversation::editAndResend(MessageId userMessage, const QString& text, const Draft& rest) {
  const MessageRow* old = m_transcript.message(userMessage);
  if (old != nullptr) return post(old->parent, text, rest);
  Q_EMIT failed(tr("The message that was edited is no longer there."));
  return false;
}

void Conversation::regenerate(MessageId answer) {
  const MessageRow* old = m_transcript.message(answer);
  if (old != nullptr && old->role == Role::assistant) post(old->parent, std::nullopt);
}

// The chat if it is new, the user's text, an empty answer to fill, and what is left of the draft.
Result<Conversation::Posted> Conversation::store(Library& library, const ChatRow& chat,
                                                 MessageId parent,
                                                 const std::optional<std::string>& text,
                                                 DraftRow rest) {
  Posted posted;
  posted.isNew = chat.id == 0;
  ChatId id = chat.id;
  if (posted.isNew) {
    auto created = library.create_chat("", chat.settings);
    if (!created) return created.error();
    id = *created;
    if (!chat.system_prompt.empty()) {
      RETURN_IF_ERROR(library.set_system_prompt(id, chat.system_prompt));
    }
  }
  const std::int64_t now = QDateTime::currentMSecsSinceEpoch();
  MessageId above = parent;
  if (text) {
    auto added = library.add_message(id, parent, Role::user, *text);
    if (!added) return added.error();
    RETURN_IF_ERROR(library.set_draft(rest));
    MessageRow row;
    row.id = *added;
    row.chat = id;
    row.parent = parent;
    row.role = Role::user;
    row.text = *text;
    row.created_ms = now;
    posted.user = row;
    above = row.id;
  }
  auto answer = library.begin_answer(id, above);
  if (!answer) return answer.error();
  posted.answer.id = *answer;
  posted.answer.chat = id;
  posted.answer.parent = above;
  posted.answer.role = Role::assistant;
  posted.answer.state = MessageState::streaming;
  posted.answer.created_ms = now;
  auto row = library.chat(id);
  if (!row) return row.error();
  posted.chat = std::move(*row);
  return posted;
}

// To disk first, and all of it or nothing.
bool Conversation::post(MessageId parent, const std::optional<QString>& userText,
                        const Draft& rest) {
  const QString blocked = blockedReason();
  if (!blocked.isEmpty()) {
    Q_EMIT failed(blocked);
    return false;
  }
  m_posting = true;
  Q_EMIT stateChanged();
  askLibrary(
      m_store, this,
      [chat = m_chat, parent, rest = Drafts::rowOf(m_chat.id, rest),
       text = userText ? std::optional(userText->toStdString())
                       : std::nullopt](Library& library) -> Result<Posted> {
        std::optional<Result<Posted>> posted;
        const Status kept = library.atomically([&]() -> Status {
          posted = store(library, chat, parent, text, rest);
          return *posted ? Status() : Status(posted->error());
        });
        if (!kept) return kept.error();
        return std::move(*posted);
      },
      [this, from = m_chat.id, typed = userText.has_value(),
       generation = m_generation](Result<Posted> result) {
        m_posting = false;
        if (typed) Q_EMIT messagePosted(from, result.has_value());
        if (!result) {
          const QString reason = QString::fromStdString(result.error().message);
          Q_EMIT failed(
              typed ? tr("The message is not sent, it stays where it was typed: %1").arg(reason)
                    : reason);
        } else if (generation == m_generation) {
          begin(*result);
          return;
        } else {
          // Another chat was opened in between. The question is kept; it is not answered.
          const MessageId id = result->answer.id;
          m_store.write({fmt::format("answer {}", id), "an answer", {}, [id](Library& library) {
                           return library.finish_answer(id, "", MessageState::stopped, "",
                                                        std::nullopt);
                         }});
          Q_EMIT libraryChanged();
        }
        Q_EMIT stateChanged();
      });
  return true;
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
  m_running->engine = m_engine.engine();
  m_running->job = makeJob(*m_running);
  // The records of a question whose reading was stopped are replaced.
  if (m_running->job.userMessage != 0) m_transcript.setEvents(m_running->user, 0, 0);
  m_transcript.setStreaming(m_running->answer, {}, m_running->live);
  if (!sameBranch || posted.isNew) resetBranch();
  m_engine.generate(m_running->job);
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
  ended.answer.answer = EngineHost::recordOf(running->job, running->engine->layout(), result);
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

// The engine's thread posted the last write before it told the end, so the store thread has tried it
// when it gets here.
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
  std::vector<BranchTrace::Part> parts;
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

void Conversation::showSibling(MessageId message) {
  if (m_transcript.message(message) == nullptr || answeringHere()) return;
  const MessageId leaf = m_transcript.leafBelow(message);
  m_transcript.showLeaf(leaf);
  m_chat.leaf = leaf;
  resetBranch();
  write("leaf", "the version in view", {},
        [chat = m_chat.id, leaf](Library& library) { return library.set_leaf(chat, leaf); });
  Q_EMIT progressed();
}

void Conversation::stop() {
  m_engine.stop();
}

void Conversation::leave(ChatId chat) {
  if (answering() && m_running->chat == chat) stop();
}

void Conversation::setSettings(const ChatSettings& settings) {
  if (settings == m_chat.settings) return;
  m_chat.settings = settings;
  Q_EMIT settingsChanged();
  if (m_chat.id == 0) return;
  write("settings", "settings of a chat", {}, [chat = m_chat.id, settings](Library& library) {
    return library.set_settings(chat, settings);
  });
}

void Conversation::setSystemPrompt(const QString& text) {
  if (text.toStdString() == m_chat.system_prompt) return;
  m_chat.system_prompt = text.toStdString();
  Q_EMIT settingsChanged();
  if (m_chat.id == 0) return;
  write("system prompt", "a system prompt", m_chat.system_prompt,
        [chat = m_chat.id, prompt = m_chat.system_prompt](Library& library) {
          return library.set_system_prompt(chat, prompt);
        });
}

void Conversation::titleWasSet(const QString& title) {
  m_chat.title = title.toStdString();
  Q_EMIT chatChanged();
}

// Of the open chat, kept until the disk takes it.
void Conversation::write(const char* tag, const char* what, const std::string& text,
                         std::function<Status(Library&)> write) {
  m_store.write({fmt::format("{} {}", tag, m_chat.id), what, text, std::move(write)});
}

}  // namespace mneme

#include "moc_conversation.cpp"

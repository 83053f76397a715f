// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/conversation.h"

#include <fmt/format.h>

#include <QDateTime>
#include <algorithm>
#include <utility>

#include "ui/bridge/ui_call.h"
#include "ui/models/chat_list_model.h"

namespace mneme {
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

}  // namespace

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
}

Conversation::~Conversation() = default;

QString Conversation::title() const {
  return ChatListModel::titleOf(m_chat);
}

QString Conversation::changeBlockedReason() const {
  if (m_loading) return tr("The chat is being read.");
  if (m_posting) return tr("The message is being saved.");
  if (answeringHere()) return tr("An answer is being written.");
  return {};
}

QString Conversation::blockedReason() const {
  if (const QString reason = changeBlockedReason(); !reason.isEmpty()) return reason;
  if (answering()) return tr("Another chat is being answered.");
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
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) return use;
  use.limit = layout->context;
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

// Beside the UI, and only when the prompt or the model is another one: the meter asks for the
// number with every token of an answer.
void Conversation::countSystemPrompt() {
  const std::shared_ptr<const EngineView> model = m_engine.model();
  if (model == m_systemModel.lock() && m_chat.system_prompt == m_systemCounted) return;
  m_systemModel = model;
  m_systemCounted = m_chat.system_prompt;
  m_systemTokens = 0;
  if (!model) return;
  m_engine.jobs().start(
      this, "system prompt",
      [model, text = m_systemCounted](const Jobs::Stop&) {
        return static_cast<std::int64_t>(model->tokenizer().encode(text).size());
      },
      [this](std::int64_t tokens) {
        m_systemTokens = tokens;
        Q_EMIT progressed();
      });
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

bool Conversation::edit(MessageId message, const QString& text, const Draft& rest) {
  const MessageRow* old = m_transcript.message(message);
  if (old == nullptr) {
    Q_EMIT failed(tr("The message that was edited is no longer there."));
    return false;
  }
  if (old->role == Role::user) return post(old->parent, text, rest);
  if (text != QString::fromStdString(old->text)) return keepAnswer(old->parent, text, rest);
  Q_EMIT messagePosted(m_chat.id, true);  // the disk has it
  Q_EMIT stateChanged();
  return true;
}

bool Conversation::keepAnswer(MessageId parent, const QString& text, const Draft& rest) {
  if (const QString blocked = changeBlockedReason(); !blocked.isEmpty()) {
    Q_EMIT failed(blocked);
    return false;
  }
  m_posting = true;
  Q_EMIT stateChanged();
  MessageRow row;
  row.chat = m_chat.id;
  row.parent = parent;
  row.role = Role::assistant;
  row.text = text.toStdString();
  row.created_ms = QDateTime::currentMSecsSinceEpoch();
  askLibrary(
      m_store, this,
      [row, rest = Drafts::rowOf(m_chat.id, rest)](Library& library) mutable -> Result<MessageId> {
        const Status kept = library.atomically([&]() -> Status {
          auto added = library.add_message(row.chat, row.parent, row.role, row.text);
          if (!added) return added.error();
          row.id = *added;
          return library.set_draft(rest);
        });
        if (!kept) return kept.error();
        return row.id;
      },
      [this, row, generation = m_generation](const Result<MessageId>& added) mutable {
        m_posting = false;
        Q_EMIT messagePosted(row.chat, added.has_value());
        if (!added) {
          Q_EMIT failed(tr("The new text of the answer is not saved, it stays where it was typed: "
                           "%1")
                            .arg(QString::fromStdString(added.error().message)));
        } else if (generation == m_generation) {
          row.id = *added;
          m_chat.leaf = row.id;
          m_transcript.add(row);
          resetBranch();
          Q_EMIT progressed();
        }
        if (added) Q_EMIT libraryChanged();
        Q_EMIT stateChanged();
      });
  return true;
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

// SPDX-License-Identifier: Apache-2.0
// The open chat: what it says, what it is set to, and the way of a message. The user's text is on
// disk before the engine hears of it; an answer goes on when another chat is opened, and is found
// again on coming back, also where the disk did not take it yet. UI thread; asks the store and the
// engine, never waits.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QString>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ui/bridge/drafts.h"
#include "ui/bridge/engine_host.h"
#include "ui/models/branch_trace.h"
#include "ui/models/transcript_model.h"

namespace mneme {

class Conversation : public QObject {
  Q_OBJECT

 public:
  Conversation(ChatStore& store, EngineHost& engine, BranchTrace& branch,
               QObject* parent = nullptr);
  ~Conversation() override;

  TranscriptModel& transcript() { return m_transcript; }
  ChatId chat() const { return m_chat.id; }  // 0 = a new chat, not on disk before its first message
  QString title() const;
  const ChatSettings& settings() const { return m_chat.settings; }
  QString systemPrompt() const { return QString::fromStdString(m_chat.system_prompt); }
  bool loading() const { return m_loading; }
  bool posting() const { return m_posting; }  // a message is on its way to the disk

  bool answering() const { return m_running != nullptr; }  // in any chat
  bool answeringHere() const { return answering() && m_running->chat == m_chat.id; }
  bool stopping() const { return m_running != nullptr && m_running->stopping; }
  // Why nothing can be sent now, as a sentence; empty when it can.
  QString blockedReason() const;
  // Why what was said cannot be changed now; empty when it can.
  QString changeBlockedReason() const;

  // Tokens of the context that are taken, without the draft.
  struct ContextUse {
    std::int64_t system = 0;
    std::int64_t history = 0;
    std::int64_t limit = 0;  // 0 = no model
  };
  ContextUse contextUse() const;

  void newChat(const ChatSettings& settings, const QString& systemPrompt);
  // Shows `message` if it is not 0, on whichever branch it lies.
  void open(ChatId chat, MessageId message = 0);
  // Puts `text` on disk, with `rest` as the draft that is left of the chat, and has it answered;
  // messagePosted() tells what came of it. False: it cannot be sent now, and failed() said why.
  bool send(const QString& text, const Draft& rest = {});
  // The same for a new version of a message, beside the old one: a question's is answered, an
  // answer's is what the next prompt has. It has no records: no model wrote it.
  bool edit(MessageId message, const QString& text, const Draft& rest = {});
  void regenerate(MessageId answer);
  void showSibling(MessageId message);
  void stop();
  void leave(ChatId chat);  // it was deleted: what is written in it ends
  void setSettings(const ChatSettings& settings);
  void setSystemPrompt(const QString& text);
  void titleWasSet(const QString& title);
  void dropSaved();  // forgets ended answers that the disk has taken meanwhile

 Q_SIGNALS:
  void chatChanged();  // another chat, or it was loaded
  void settingsChanged();
  void stateChanged();    // answering, loading, blocked
  void progressed();      // of the answer in view: its text or figures changed
  void libraryChanged();  // the list of chats is out of date
  void failed(const QString& reason);
  // A message of `chat` (0 = it was new) is on disk, or not; then failed() says why.
  void messagePosted(qint64 chat, bool stored);
  void messageSought(qint64 message);  // scroll there

 private:
  // What was stored for a message that is to be answered.
  struct Posted {
    ChatRow chat;
    std::optional<MessageRow> user;  // none = an answer to a message that was there
    MessageRow answer;
    bool isNew = false;
  };
  // The answer being made; lives on when another chat is opened.
  struct Running {
    ChatId chat = 0;
    MessageId user = 0;
    MessageId answer = 0;
    EngineHost::AnswerJob job;
    std::shared_ptr<TraceLog> trace;
    std::shared_ptr<const EngineView> model;
    QString text;
    AnswerLive live;
    bool decoding = false;
    bool stopping = false;  // asked to; the step that runs is finished first
    QElapsedTimer decodeClock;
    std::int64_t decodeFrom = 0;
  };

  // An answer that ended, as long as the disk does not have it.
  struct Ended {
    explicit Ended(const Running& running);
    std::shared_ptr<TraceLog> trace;
    MessageRow question;  // its id, or 0, and its range of the trace
    MessageRow answer;
  };

  bool post(MessageId parent, const std::optional<QString>& userText, const Draft& rest = {});
  bool keepAnswer(MessageId parent, const QString& text, const Draft& rest);
  static Result<Posted> store(Library& library, const ChatRow& chat, MessageId parent,
                              const std::optional<std::string>& text, DraftRow rest);
  void begin(const Posted& posted);
  EngineHost::AnswerJob makeJob(const Running& running) const;
  void onProgress(const GenerateProgress& progress);
  void onTiers(const TierStats& stats);
  void onFinished(const GenerateResult& result);
  void onFailed(const QString& reason);
  void growBranch(const Running& running);
  void resetBranch();
  void countSystemPrompt();
  static std::shared_ptr<TraceLog> amend(std::vector<MessageRow>& messages, const Ended& ended);
  void write(const char* tag, const char* what, const std::string& text,
             std::function<Status(Library&)> write);

  ChatStore& m_store;
  EngineHost& m_engine;
  BranchTrace& m_branch;
  TranscriptModel m_transcript;
  ChatRow m_chat;
  std::shared_ptr<TraceLog> m_trace;
  std::unique_ptr<Running> m_running;
  std::vector<Ended> m_ended;
  quint64 m_generation = 0;  // counts chats opened: late replies of older ones are dropped
  bool m_loading = false;
  bool m_posting = false;
  std::weak_ptr<const EngineView> m_systemModel;  // that counted m_systemCounted, or is about to
  std::string m_systemCounted;
  std::int64_t m_systemTokens = 0;
};

}  // namespace mneme

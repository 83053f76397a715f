// SPDX-License-Identifier: Apache-2.0
// The centre of the window: title and switches, the messages or a welcome, notices, the composer.
// Ties them to the conversation. UI thread.
#pragma once

#include <QTimer>
#include <QWidget>

#include "ui/bridge/conversation.h"
#include "ui/bridge/draft_count.h"
#include "ui/views/chat/message_item.h"

class QLabel;
class QPushButton;
class QStackedWidget;
class QToolButton;
class QVBoxLayout;

namespace mneme {

class Banner;
class ChatView;
class Composer;
class InkLegend;
class SwitchButton;
class WelcomeView;

class ChatPanel : public QWidget {
  Q_OBJECT

 public:
  ChatPanel(Conversation& conversation, Drafts& drafts, EngineHost& engine, BranchTrace& branch,
            Selection& selection, InspectSource& source, const QString& defaultModel,
            QWidget* parent = nullptr);

  ChatView* view() const { return m_view; }
  Composer* composer() const { return m_composer; }
  Banner* banner() const { return m_banner; }
  WelcomeView* welcome() const { return m_welcome; }
  SwitchButton* inkSwitch() const { return m_inkSwitch; }
  SwitchButton* memorySwitch() const { return m_memorySwitch; }
  QString draftLine() const { return m_draftText; }

  void setInk(bool on);
  void setMemory(bool on);
  void tellError(const QString& text);
  void showDraft();  // of the open chat
  // Sends a message that nobody typed; what is being typed stays. False: it cannot be sent now, and
  // why is said.
  bool ask(const QString& text);

  // Of the current message, else the last that fits.
  void retry();
  void edit();
  void showVersion(int step);

 Q_SIGNALS:
  void inkChanged(bool on);
  void memoryChanged(bool on);
  void chatSettingsRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void onAction(MessageId message, MessageAction action);
  void send(const QString& text);
  bool post(const QString& text, MessageId editing);
  void onPosted(ChatId chat, bool stored);
  void onChatChanged();
  void refreshHeader();
  void fitHeader();
  void fillOverflow();
  void alignComposer();
  void refreshState();
  void refreshMeter();
  void probeDraft();
  void openLink(const QUrl& url);
  std::vector<TokenId> tokensBeforeDraft() const;

  Conversation& m_conversation;
  Drafts& m_drafts;
  EngineHost& m_engine;
  BranchTrace& m_branch;
  InspectSource& m_source;
  QLabel* m_title;
  QLabel* m_count;
  SwitchButton* m_inkSwitch;
  SwitchButton* m_memorySwitch;
  QPushButton* m_settings;
  QToolButton* m_overflow;  // has what the header has no room for
  QVBoxLayout* m_column;
  QStackedWidget* m_stack;
  ChatView* m_view;
  WelcomeView* m_welcome;
  Banner* m_banner;
  Composer* m_composer;
  InkLegend* m_legend;
  QWidget* m_inkBar;
  QWidget* m_ground;
  QTimer m_draftTimer;
  DraftCount m_draft;
  ChatId m_draftChat = 0;  // whose draft the composer holds
  bool m_showingDraft = false;
  Draft m_rest;  // of the draft, once what is being sent is on disk
  QString m_draftText;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/chat_panel.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPaintEvent>
#include <QPainter>
#include <QPushButton>
#include <QStackedWidget>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>
#include <array>

#include "inference/run/prompt.h"
#include "ui/format.h"
#include "ui/manual_topic.h"
#include "ui/plain_text.h"
#include "ui/theme.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/chat/context_meter.h"
#include "ui/views/chat/welcome_view.h"
#include "ui/views/inspect/ink_legend.h"
#include "ui/views/window/elided_label.h"
#include "ui/views/window/switch_button.h"
#include "ui/web_link.h"

namespace mneme {
namespace {

constexpr char kDraftJob[] = "draft";
constexpr int kDraftPauseMs = 120;
constexpr int kNoticeMs = 6000;
constexpr int kTitleMin = 120;  // pixels that the title keeps before other parts give way

// The centre's own background, lighter or darker than the panels around it.
class Ground : public QWidget {
 public:
  using QWidget::QWidget;

 protected:
  void paintEvent(QPaintEvent* event) override {
    QPainter(this).fillRect(event->rect(), Theme::current().base);
  }
};

}  // namespace

ChatPanel::ChatPanel(Conversation& conversation, Drafts& drafts, EngineHost& engine,
                     BranchTrace& branch, Selection& selection, InspectSource& source,
                     const QString& defaultModel, QWidget* parent)
    : QWidget(parent),
      m_conversation(conversation),
      m_drafts(drafts),
      m_engine(engine),
      m_branch(branch),
      m_source(source) {
  setObjectName(QStringLiteral("chatPanel"));

  m_title = new ElidedLabel(this);
  m_title->setObjectName(QStringLiteral("chatTitle"));
  m_title->setTextFormat(Qt::PlainText);
  m_count = new QLabel(this);
  m_count->setProperty("kind", QStringLiteral("chip"));
  m_count->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Maximum);
  m_inkSwitch = new SwitchButton(tr("Gate ink"), this);
  m_inkSwitch->setObjectName(QStringLiteral("inkSwitch"));
  m_inkSwitch->setToolTip(
      tr("Colour every token by how far the gates of the n-gram memory opened (Ctrl+G)"));
  m_memorySwitch = new SwitchButton(tr("N-gram memory"), this);
  m_memorySwitch->setObjectName(QStringLiteral("memorySwitch"));
  m_settings = new QPushButton(tr("Chat settings"), this);
  m_settings->setAccessibleName(tr("Settings of this chat"));
  m_settings->setToolTip(tr("System prompt and sampler of this chat (Ctrl+Shift+,)"));

  m_overflow = new QToolButton(this);
  m_overflow->setObjectName(QStringLiteral("headerOverflow"));
  m_overflow->setText(QStringLiteral("⋯"));
  m_overflow->setAccessibleName(tr("More of this chat"));
  m_overflow->setToolTip(tr("What there is no room for here"));
  m_overflow->setPopupMode(QToolButton::InstantPopup);
  m_overflow->setAutoRaise(true);
  auto* overflow = new QMenu(m_overflow);
  m_overflow->setMenu(overflow);
  connect(overflow, &QMenu::aboutToShow, this, &ChatPanel::fillOverflow);

  auto* header = new QFrame(this);
  header->setMinimumWidth(1);  // its parts give way before the window does
  auto* headerRow = new QHBoxLayout(header);
  headerRow->setContentsMargins(16, 7, 14, 7);
  headerRow->setSpacing(10);
  headerRow->addWidget(m_title, 0);
  headerRow->addWidget(m_count);
  headerRow->addStretch(1);
  headerRow->addWidget(m_inkSwitch);
  headerRow->addWidget(m_memorySwitch);
  headerRow->addWidget(m_settings);
  headerRow->addWidget(m_overflow);
  auto* line = new QFrame(this);
  line->setProperty("kind", QStringLiteral("line"));

  m_view = new ChatView(conversation.transcript(), selection, {branch, selection, source}, this);
  m_welcome = new WelcomeView(engine, defaultModel, this);
  m_stack = new QStackedWidget(this);
  m_stack->addWidget(m_welcome);
  m_stack->addWidget(m_view);

  m_inkBar = new QWidget(this);
  setManualTopic(m_inkBar, QStringLiteral("reading-the-views#gate-ink"));
  m_legend = new InkLegend(source, m_inkBar);
  auto* inkRow = new QHBoxLayout(m_inkBar);
  inkRow->setContentsMargins(16, 4, 14, 4);
  inkRow->addWidget(m_legend);
  m_inkBar->hide();
  connect(m_legend, &InkLegend::measureChanged, this,
          [this] { m_view->setMeasure(m_legend->measure()); });
  connect(m_view, &ChatView::inkNoteChanged, m_legend, &InkLegend::setNote);

  auto* ground = new Ground(this);
  m_ground = ground;
  m_banner = new Banner(ground);
  setManualTopic(m_banner, QStringLiteral("messages"));
  m_composer = new Composer(ground);
  auto* groundLayout = new QVBoxLayout(ground);
  groundLayout->setContentsMargins(20, 2, 20, 13);
  groundLayout->setSpacing(8);
  groundLayout->addWidget(m_banner);
  groundLayout->addWidget(m_composer);

  m_column = new QVBoxLayout(this);
  m_column->setContentsMargins(0, 0, 0, 0);
  m_column->setSpacing(0);
  m_column->addWidget(header);
  m_column->addWidget(line);
  m_column->addWidget(m_inkBar);

  m_column->addWidget(m_stack, 1);
  m_column->addWidget(ground);

  m_draftTimer.setSingleShot(true);
  m_draftTimer.setInterval(kDraftPauseMs);
  connect(&m_draftTimer, &QTimer::timeout, this, &ChatPanel::probeDraft);
  connect(m_composer, &Composer::draftChanged, &m_draftTimer, qOverload<>(&QTimer::start));
  connect(m_composer, &Composer::draftChanged, this, [this] {
    if (!m_showingDraft) m_drafts.set(m_draftChat, m_composer->draft());
  });
  connect(m_composer, &Composer::sendRequested, this, &ChatPanel::send);
  connect(m_composer, &Composer::stopRequested, &conversation, &Conversation::stop);
  connect(m_composer, &Composer::editCancelled, this, &ChatPanel::refreshState);
  connect(m_inkSwitch, &QAbstractButton::toggled, this, &ChatPanel::setInk);
  connect(m_memorySwitch, &QAbstractButton::clicked, this, &ChatPanel::setMemory);
  connect(m_settings, &QPushButton::clicked, this, &ChatPanel::chatSettingsRequested);
  connect(m_view, &ChatView::actionRequested, this, &ChatPanel::onAction);
  connect(m_view, &ChatView::linkRequested, this, &ChatPanel::openLink);
  connect(m_view, &ChatView::copied, this,
          [this](const QString& what) { m_view->setAccessibleDescription(what); });

  connect(&conversation, &Conversation::chatChanged, this, &ChatPanel::onChatChanged);
  connect(&conversation, &Conversation::messagePosted, this, &ChatPanel::onPosted);
  connect(&conversation, &Conversation::settingsChanged, this, &ChatPanel::refreshHeader);
  connect(&conversation, &Conversation::stateChanged, this, &ChatPanel::refreshState);
  connect(&conversation, &Conversation::progressed, this, &ChatPanel::refreshMeter);
  const TranscriptModel& transcript = conversation.transcript();
  connect(&transcript, &QAbstractItemModel::rowsInserted, this, &ChatPanel::refreshHeader);
  connect(&transcript, &QAbstractItemModel::rowsRemoved, this, &ChatPanel::refreshHeader);
  connect(&conversation, &Conversation::failed, this, &ChatPanel::tellError);
  connect(&conversation, &Conversation::messageSought, m_view, &ChatView::scrollToFound);
  connect(&engine, &EngineHost::modelOpened, this, [this] {
    refreshHeader();
    refreshState();
    probeDraft();
  });
  connect(&engine, &EngineHost::stateChanged, this, &ChatPanel::refreshHeader);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] {
    refreshHeader();
    alignComposer();
  });
  refreshHeader();
  refreshState();
}

void ChatPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  alignComposer();
  refreshHeader();
}

// The composer is as wide as the column of messages and a little more.
void ChatPanel::alignComposer() {
  const int side =
      std::max(18, static_cast<int>((width() - ChatView::columnWidthIn(width())) / 2) - 10);
  m_ground->layout()->setContentsMargins(side, 2, side, 13);
}

void ChatPanel::tellError(const QString& text) {
  m_banner->tell(Banner::Kind::error, text);
}

void ChatPanel::refreshHeader() {
  QFont font = Theme::current().uiFont(1.12);
  font.setWeight(QFont::DemiBold);
  m_title->setFont(font);
  const int messages = m_conversation.transcript().rowCount();
  const QString title = m_conversation.title();
  m_title->setText(title);
  m_title->setToolTip(boundedText(title));
  m_title->setAccessibleName(tr("Chat: %1").arg(title));
  m_count->setText(format::counted(messages, tr("%1 message"), tr("%1 messages")));
  const ModelLayout* layout = m_engine.layout();
  const bool hasPack = layout == nullptr || layout->memory.has_value();
  m_memorySwitch->setChecked(m_conversation.settings().memory_on && hasPack);
  m_memorySwitch->setEnabled(hasPack);
  m_memorySwitch->setText(layout != nullptr && layout->memory && !layout->memory->trained
                              ? tr("N-gram memory (untrained)")
                              : tr("N-gram memory"));
  m_memorySwitch->updateGeometry();
  m_memorySwitch->setToolTip(
      hasPack ? tr("Let the model use its n-gram memory in this chat (Ctrl+M). "
                   "Switching makes the next message "
                   "read the chat again from the start.")
              : boundedText(QString::fromStdString(layout->memory_absent_reason)));
  fitHeader();
}

// The parts that there is room for beside the title; the others go into the menu at the end.
void ChatPanel::fitHeader() {
  const bool counted = m_conversation.transcript().rowCount() > 0;
  const auto needs = [](const QWidget* part) { return part->sizeHint().width() + 10; };
  int room = width() - 30 - std::min(kTitleMin, needs(m_title));
  for (const QWidget* part :
       {static_cast<QWidget*>(m_inkSwitch), static_cast<QWidget*>(m_memorySwitch),
        static_cast<QWidget*>(m_settings)}) {
    room -= needs(part);
  }
  // What gives way first stands first.
  std::array<QWidget*, 4> parts{m_count, m_settings, m_memorySwitch, m_inkSwitch};
  room -= counted ? needs(m_count) : 0;
  bool hidden = false;
  for (QWidget* part : parts) {
    const bool wanted = part != m_count || counted;
    const bool fits = room >= (hidden ? needs(m_overflow) : 0);
    part->setVisible(wanted && fits);
    if (!wanted || fits) continue;
    room += needs(part);
    hidden = hidden || part != m_count;
  }
  m_overflow->setVisible(hidden);
}

void ChatPanel::fillOverflow() {
  QMenu* menu = m_overflow->menu();
  menu->clear();
  const auto addSwitch = [&](SwitchButton* one) {
    if (one->isVisible()) return;
    QAction* action = menu->addAction(one->text());
    action->setCheckable(true);
    action->setChecked(one->isChecked());
    action->setEnabled(one->isEnabled());
    connect(action, &QAction::triggered, one, &QAbstractButton::click);
  };
  addSwitch(m_inkSwitch);
  addSwitch(m_memorySwitch);
  if (!m_settings->isVisible()) {
    menu->addAction(m_settings->text(), this, &ChatPanel::chatSettingsRequested);
  }
}

void ChatPanel::refreshState() {
  m_stack->setCurrentWidget(m_conversation.transcript().rowCount() > 0
                                ? static_cast<QWidget*>(m_view)
                                : static_cast<QWidget*>(m_welcome));
  // A new text of an answer asks nobody, so no model is needed.
  const MessageRow* edited = m_conversation.transcript().message(m_composer->editing());
  const bool answer = edited != nullptr && edited->role == Role::assistant;
  m_composer->setEditsAnswer(answer);
  m_composer->setState(
      answer ? m_conversation.changeBlockedReason() : m_conversation.blockedReason(),
      m_conversation.answering());
  refreshMeter();
}

void ChatPanel::refreshMeter() {
  const Conversation::ContextUse use = m_conversation.contextUse();
  const bool drafting = !m_composer->text().trimmed().isEmpty();
  const std::int64_t draft = drafting ? m_draft.tokens : 0;
  m_composer->meter()->setUse(use.system, use.history, draft, use.limit);
  QString line;
  if (m_conversation.answeringHere()) {
    line = m_conversation.stopping() ? tr("Stopping…") : tr("Esc stops the answer");
  } else if (const QString blocked = m_conversation.blockedReason(); !blocked.isEmpty()) {
    line = blocked;
  } else if (use.limit > 0 && use.system + draft >= use.limit) {
    line = tr("Too long for the context: the message has %1 tokens, there is room for %2")
               .arg(format::count(draft),
                    format::count(std::max<std::int64_t>(0, use.limit - use.system)));
  } else if (use.limit > 0 && use.history > 0 &&
             use.system + use.history + draft +
                     answer_room(use.limit, m_conversation.settings().max_tokens) >
                 use.limit) {
    line = tr("The context is full: the oldest messages will be left out");
  } else if (drafting) {
    line =
        m_draft.rows > 0
            ? tr("Draft: %1, %2 of %3 rows in RAM")
                  .arg(format::counted(m_draft.tokens, tr("%1 token"), tr("%1 tokens")),
                       format::count(m_draft.rowsInRam), format::count(m_draft.rows))
            : tr("Draft: %1").arg(format::counted(m_draft.tokens, tr("%1 token"), tr("%1 tokens")));
  } else {
    line = tr("Enter sends, Shift+Enter starts a new line");
  }
  m_draftText = line;
  m_composer->setDraftLine(line);
}

// What stands before the draft in the prompt, as far as the last question shows it: the template's
// opening of a user's turn.
std::vector<TokenId> ChatPanel::tokensBeforeDraft() const {
  const auto model = m_source.model();
  if (!model || model->hasher == nullptr) return {};
  const int size = model->hasher->spec().max_ngram_size;
  const auto& parts = m_branch.parts();
  for (std::size_t p = parts.size(); p-- > 0;) {
    if (parts[p].otherModel) continue;
    const int first = m_branch.startOf(p);
    const int end = p + 1 < parts.size() ? m_branch.startOf(p + 1) : m_branch.size();
    for (int i = first; i < end; ++i) {
      if (m_branch.recordAt(i).header().source != TokenSource::user) continue;
      return i > 0 ? m_branch.context(i - 1, size).tokens : std::vector<TokenId>{};
    }
  }
  return {};
}

void ChatPanel::probeDraft() {
  const std::shared_ptr<const EngineView> model = m_engine.model();
  const QString text = m_composer->text().trimmed();
  if (!model || text.isEmpty()) {
    m_engine.jobs().cancel(this, kDraftJob);
    m_draft = {};
    refreshMeter();
    return;
  }
  const bool memory = m_conversation.settings().memory_on;
  m_engine.jobs().start(
      this, kDraftJob,
      [model, text = text.toStdString(),
       before = memory ? tokensBeforeDraft() : std::vector<TokenId>{}](const Jobs::Stop&) {
        return countDraft(*model, text, before);
      },
      [this](const DraftCount& count) {
        m_draft = count;
        refreshMeter();
      });
}

// The text stays until it is on disk.
void ChatPanel::send(const QString& text) {
  const Draft draft = m_composer->draft();
  m_rest = draft.editing != 0 ? Draft{.text = draft.text} : Draft{};
  post(text, draft.editing);
}

bool ChatPanel::ask(const QString& text) {
  m_rest = m_composer->draft();
  return post(text, 0);
}

bool ChatPanel::post(const QString& text, MessageId editing) {
  m_banner->close();
  m_drafts.flush();  // before the message, which replaces it
  m_composer->setSending(true);
  const bool sent = editing != 0 ? m_conversation.edit(editing, text, m_rest)
                                 : m_conversation.send(text, m_rest);
  if (!sent) m_composer->setSending(false);
  return sent;
}

void ChatPanel::onPosted(ChatId chat, bool stored) {
  m_composer->setSending(false);
  if (!stored) return;
  m_drafts.set(chat, m_rest);
  if (chat == m_draftChat) showDraft();
}

void ChatPanel::onChatChanged() {
  if (m_conversation.chat() != m_draftChat) {
    m_draftChat = m_conversation.chat();
    showDraft();
  }
  refreshHeader();
  refreshState();
}

void ChatPanel::showDraft() {
  Draft draft = m_drafts.of(m_draftChat);
  if (draft.editing != 0 && m_conversation.transcript().message(draft.editing) == nullptr) {
    // The message is gone, its new text is not.
    if (!draft.text.isEmpty()) draft.text += QLatin1Char('\n');
    draft = {.text = draft.text + draft.edited};
  }
  m_showingDraft = true;
  m_composer->setDraft(draft);
  m_showingDraft = false;
}

void ChatPanel::setInk(bool on) {
  m_inkSwitch->setChecked(on);
  if (m_view->ink() == on) return;
  m_view->setInk(on);
  m_inkBar->setVisible(on);
  setManualTopic(m_view, on ? QStringLiteral("reading-the-views#gate-ink") : QString());
  Q_EMIT inkChanged(on);
}

void ChatPanel::setMemory(bool on) {
  ChatSettings settings = m_conversation.settings();
  if (settings.memory_on == on) return;
  settings.memory_on = on;
  m_conversation.setSettings(settings);
  if (m_conversation.transcript().rowCount() > 0) {
    m_banner->tell(Banner::Kind::notice,
                   on ? tr("The n-gram memory is on: with the next message the chat is read again "
                           "from the start.")
                      : tr("The n-gram memory is off: with the next message the chat is read again "
                           "from the start."),
                   kNoticeMs);
  }
  Q_EMIT memoryChanged(on);
}

void ChatPanel::onAction(MessageId message, MessageAction action) {
  const auto row = m_conversation.transcript().rowOf(message);
  if (!row) return;
  const TranscriptItem& item = m_conversation.transcript().at(*row);
  switch (action) {
    case MessageAction::retry:
      m_conversation.regenerate(message);
      break;
    case MessageAction::edit:
      m_composer->setEditing(message, QString::fromStdString(item.row.text));
      refreshState();
      break;
    case MessageAction::previous:
      m_conversation.showSibling(item.previousSibling);
      break;
    case MessageAction::next:
      m_conversation.showSibling(item.nextSibling);
      break;
    case MessageAction::copy:
      m_view->copyMessage(message);
      break;
    case MessageAction::none:
      break;
  }
}

void ChatPanel::retry() {
  if (const TranscriptItem* item = m_view->target(Role::assistant)) {
    onAction(item->row.id, MessageAction::retry);
  }
}

void ChatPanel::edit() {
  const TranscriptItem* chosen = m_view->chosen();
  const TranscriptItem* item = chosen != nullptr ? chosen : m_view->target(Role::user);
  if (item != nullptr) onAction(item->row.id, MessageAction::edit);
}

void ChatPanel::showVersion(int step) {
  const TranscriptItem* item = m_view->target();
  // Without a current message: the last one that has versions.
  if (item != nullptr && item->siblings < 2) {
    const auto& items = m_conversation.transcript().items();
    for (auto it = items.rbegin(); it != items.rend(); ++it) {
      if (it->siblings > 1) {
        item = &*it;
        break;
      }
    }
  }
  if (item == nullptr) return;
  const MessageId sibling = step < 0 ? item->previousSibling : item->nextSibling;
  if (sibling != 0) m_conversation.showSibling(sibling);
}

void ChatPanel::openLink(const QUrl& url) {
  if (isWebLink(url)) {
    askToOpenWebLink(url, this);
    return;
  }
  m_banner->tell(Banner::Kind::notice,
                 tr("Only web links are opened: %1").arg(boundedText(url.toString())), kNoticeMs);
}

}  // namespace mneme

#include "moc_chat_panel.cpp"

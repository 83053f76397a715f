// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/tour.h"

#include <QShortcut>
#include <QTimer>
#include <algorithm>

#include "ui/bridge/conversation.h"
#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/inspect/tiers_view.h"
#include "ui/views/inspect/token_card.h"
#include "ui/views/window/callout.h"
#include "ui/views/window/main_window.h"

namespace mneme {
namespace {

constexpr int kTourSteps = 3;
constexpr int kAnswerTokens = 60;

QString tourStepText(int step) {
  return Tour::tr("%1 of %2").arg(step).arg(kTourSteps);
}

}  // namespace

Tour::Tour(MainWindow& window)
    : QObject(&window), m_window(window), m_callout(new Callout(&window)) {
  connect(m_callout, &Callout::next, this, &Tour::next);
  connect(m_callout, &Callout::ended, this, &Tour::end);
  // The menu has the same key for stopping an answer.
  auto* escape = new QShortcut(QKeySequence(Qt::Key_Escape), &window);
  connect(this, &QObject::destroyed, escape, &QObject::deleteLater);
  connect(escape, &QShortcut::activated, this, &Tour::end);
  connect(escape, &QShortcut::activatedAmbiguously, this, [this] {
    m_window.conversation().stop();
    end();
  });
}

Tour::~Tour() {
  delete m_callout;
}

QString Tour::question() {
  return tr("What does carbon dioxide mean?");
}

// The most probable tokens, so that everybody sees what the question was chosen for.
void Tour::start() {
  Conversation& conversation = m_window.conversation();
  const Settings& settings = m_window.settings().now();
  ChatSettings chat = settings.chat;
  chat.sampling.temperature = 0;
  chat.sampling.repetition_penalty = 1;
  chat.max_tokens = kAnswerTokens;
  chat.memory_on = true;
  conversation.newChat(chat, QString::fromStdString(settings.system_prompt));
  connect(&conversation, &Conversation::chatChanged, this, &Tour::followChat);
  connect(&conversation, &Conversation::failed, this, &Tour::end);
  const EngineHost& engine = m_window.engine();
  connect(&engine, &EngineHost::answerFinished, this, &Tour::followAnswer);
  connect(&engine, &EngineHost::stateChanged, this, [this] {
    if (m_window.engine().layout() == nullptr) end();
  });
  if (!m_window.panel()->ask(question())) end();
}

// A comma shows less well what a memory knows.
bool Tour::isWord(std::string_view token) {
  return std::ranges::count_if(token, [](char c) { return c >= 'A' && c != '_'; }) >= 3;
}

// The question gives its chat a number; any other one is not the tour's.
void Tour::followChat() {
  const Conversation& conversation = m_window.conversation();
  if (m_chat == 0) m_chat = conversation.chat();
  if (conversation.chat() != m_chat) end();
}

void Tour::followAnswer() {
  if (m_step > 0 || m_chat == 0) return;
  const BranchTrace& branch = m_window.branch();
  const auto model = m_window.engine().model();
  float widest = -1;
  for (const bool words : {true, false}) {
    for (int i = 0; i < branch.size() && model; ++i) {
      const TraceRecord record = branch.recordAt(i);
      if (record.header().source != TokenSource::assistant || record.gate_max() <= widest) continue;
      if (words && !isWord(model->tokenizer().decode(record.token()))) continue;
      widest = record.gate_max();
      m_widest = branch.eventAt(i);
    }
    if (widest >= 0) break;  // an answer without a word shows any token
  }
  if (widest < 0) return end();  // it was stopped before its first token
  next();
}

void Tour::next() {
  ++m_step;
  if (m_step == 1) return showInk();
  if (m_step == 2) return showCard();
  if (m_step == 3) return showTiers();
  end();
}

// Once the docks have taken their room.
void Tour::point(std::function<void()> at) {
  QTimer::singleShot(0, this, [this, at = std::move(at)] {
    if (!m_over) at();
  });
}

void Tour::showInk() {
  m_window.showPreset(MainWindow::Preset::inspect);
  m_window.panel()->setInk(true);
  const auto model = m_window.engine().model();
  const TraceRecord record = m_window.branch().record(m_widest);
  QString token = visibleText(model->tokenizer().decode(record.token()));
  if (token.size() > 1 && token.startsWith(QChar(0x2423))) token.remove(0, 1);
  ChatView* view = m_window.panel()->view();
  point([=, this] {
    const int answer = view->messageCount() - 1;
    m_callout->show({tr("Gate ink"),
                     tr("Every token is tinted by how far the gate of the n-gram memory opened on "
                        "it. Of the words of this answer it opened widest on “%1”: %2 of 1.")
                         .arg(token, format::decimal(record.gate_max())),
                     tourStepText(1)},
                    view->viewport(), view->messageRect(answer));
  });
}

void Tour::showCard() {
  m_window.showPreset(MainWindow::Preset::inspect);
  m_window.selection().pin(m_widest);
  auto* card = m_window.findChild<TokenCard*>();
  point([=, this] {
    m_callout->show({tr("Token card"),
                     tr("All about that token: what it was chosen from, how far each gate opened "
                        "and how much it added, the n-grams that end at it, the table rows they "
                        "address, and where each row lay. Left and Right walk through the text."),
                     tourStepText(2)},
                    card);
  });
}

void Tour::showTiers() {
  m_window.showPreset(MainWindow::Preset::memory);
  const TierStats stats = m_window.engine().tiers();
  const auto served = [&stats](Tier tier) {
    return format::count(static_cast<std::int64_t>(stats.served[static_cast<std::size_t>(tier)]));
  };
  const QString ram = served(Tier::ram);
  const QString inTime = served(Tier::ssd_in_time);
  const QString late = served(Tier::ssd_late);
  auto* tiers = m_window.findChild<TiersView*>();
  point([=, this] {
    m_callout->show({tr("Tiers"),
                     tr("The tables stay on the drive. Since the model was opened, RAM answered %1 "
                        "look-ups, the drive %2 hidden behind computing, and for %3 the layer "
                        "waited. The RAM for rows can be changed here, and acts at once.")
                         .arg(ram, inTime, late),
                     tourStepText(3), true},
                    tiers);
  });
}

void Tour::end() {
  if (m_over) return;
  m_over = true;
  m_callout->hide();
  m_window.panel()->composer()->setFocus();
  Q_EMIT ended();
  deleteLater();
}

}  // namespace mneme

#include "moc_tour.cpp"

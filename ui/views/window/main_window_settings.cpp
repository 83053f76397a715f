// SPDX-License-Identifier: Apache-2.0
// The main window's settings: their dialogs, what a change does at once, and the model that is
// opened again for the rest.
#include <QAction>

#include "ui/bridge/desktop_theme.h"
#include "ui/path_text.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/window/chat_settings_dialog.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/setting_editor.h"
#include "ui/views/window/settings_dialog.h"

namespace mneme {

void MainWindow::connectSettings() {
  connect(&m_settings, &AppSettings::changed, this, &MainWindow::applySettings);
  connect(&m_source, &InspectSource::ramBudgetRequested, this, [this](quint64 bytes) {
    m_settings.set("model/ram_budget_mib", static_cast<std::int64_t>(bytes));
  });
  connect(&m_conversation, &Conversation::stateChanged, this, [this] {
    if (m_reopenLater && !m_conversation.answering()) reopen();
  });
  connect(&m_engine, &EngineHost::stateChanged, this, [this] {
    if (m_engine.state() != EngineHost::State::empty) return;
    withdrawOffer();
  });
}

void MainWindow::showSettings() {
  auto* dialog = new SettingsDialog(m_settings, m_engine.jobs(), openedWith(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &SettingsDialog::applied, this,
          [this, before = m_settings.layers()](const SettingLayers& layers, bool openAgain) {
            m_settings.apply(before, layers);
            if (openAgain) reopen();
          });
  dialog->open();
}

void MainWindow::showChatSettings() {
  auto* dialog = new ChatSettingsDialog(m_settings, m_engine.jobs(), m_conversation.settings(),
                                        m_conversation.systemPrompt(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  const ChatId chat = m_conversation.chat();
  connect(dialog, &QDialog::accepted, this, [this, dialog, chat, before = m_settings.layers()] {
    if (m_conversation.chat() != chat) return;
    m_conversation.setSettings(dialog->settings());
    m_conversation.setSystemPrompt(dialog->systemPrompt());
    m_settings.apply(before, dialog->layers());
  });
  dialog->open();
}

void MainWindow::applySettings(const Settings& before) {
  const Settings& now = m_settings.now();
  if (now.window.theme != before.window.theme || now.window.zoom != before.window.zoom) {
    chooseTheme(now.window);
    if (QAction* one = findChild<QAction*>(QStringLiteral("theme_") +
                                           QString::fromStdString(now.window.theme))) {
      one->setChecked(true);
    }
  }
  if (now.engine.ram_budget != before.engine.ram_budget)
    m_engine.setRamBudget(now.engine.ram_budget);
  applyToNewChat(before);
  offerReopening();
}

// A chat without a message is a new one still; what the user chose for it stays.
void MainWindow::applyToNewChat(const Settings& before) {
  if (m_conversation.chat() != 0) return;
  Settings chat;
  chat.chat = m_conversation.settings();
  chat.system_prompt = m_conversation.systemPrompt().toStdString();
  for (const Setting& setting : all_settings()) {
    if (setting.applies == SettingApplies::new_chats && setting.of(chat) == setting.of(before))
      setting.put(chat, setting.of(m_settings.now()));
  }
  m_conversation.setSettings(chat.chat);
  m_conversation.setSystemPrompt(QString::fromStdString(chat.system_prompt));
}

// Of the model that is being opened, else of the open one. None where there is neither.
std::optional<Settings> MainWindow::openedWith() const {
  if (m_engine.state() == EngineHost::State::loading) return m_opening.settings;
  if (m_engine.layout() == nullptr) return std::nullopt;
  return m_opened.settings;
}

void MainWindow::offerReopening() {
  const std::optional<Settings> opened = openedWith();
  if (!opened || m_engine.state() == EngineHost::State::loading) return;
  QStringList names;
  for (const Setting* setting : differing_on_opening(*opened, m_settings.now()))
    names << settingText(setting->label);
  const QString offer = names.isEmpty() ? QString()
                                        : tr("Takes effect when the model is opened again: %1.")
                                              .arg(names.join(QStringLiteral(", ")));
  if (offer == m_reopenOffer) return;
  withdrawOffer();
  if (offer.isEmpty()) return;
  m_reopenOffer = offer;
  m_panel->banner()->tell(Banner::Kind::notice, offer, 0, tr("Open it again"),
                          [this] { reopen(); });
}

void MainWindow::withdrawOffer() {
  m_reopenLater = false;
  if (!m_reopenOffer.isEmpty()) m_panel->banner()->withdraw(m_reopenOffer);
  m_reopenOffer.clear();
}

// An answer that runs is not cut off for it.
void MainWindow::reopen() {
  if (m_conversation.answering()) {
    withdrawOffer();
    m_reopenLater = true;
    m_reopenOffer = tr("The model is opened again when this answer is there.");
    m_panel->banner()->tell(Banner::Kind::notice, m_reopenOffer);
    return;
  }
  const EngineOptions& wanted = m_settings.now().engine;
  const bool other = wanted.model_path != m_opened.settings.engine.model_path;
  QString model = m_opened.model;
  if (other) model = pathFromText(QString::fromStdString(wanted.model_path));
  if (model.isEmpty()) model = m_defaultModel;
  m_panel->banner()->close();
  beginOpening(openingOf(model, QString::fromStdString(wanted.memory), other || m_opened.remember));
}

void MainWindow::setZoom(double zoom) {
  m_settings.set("window/zoom", nearest_value(find_setting("window/zoom"), zoom));
}

}  // namespace mneme

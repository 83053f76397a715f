// SPDX-License-Identifier: Apache-2.0
// The whole window on the real engine, a tiny model, settings and a database in a folder of its
// own: what all tests of the window share.
#pragma once

#include <QApplication>
#include <QDialog>
#include <QFile>
#include <QLocale>
#include <QLoggingCategory>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QtTest>
#include <functional>
#include <memory>
#include <vector>

#include "tests/support/slow_reader.h"
#include "tests/support/tiny_model.h"
#include "ui/bridge/app_settings.h"
#include "ui/bridge/settings_file.h"
#include "ui/theme.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/composer.h"
#include "ui/views/window/main_window.h"

namespace mneme::test {

class OpenedWindow {
 public:
  static constexpr std::int64_t kTokens = 12;  // of an answer

  explicit OpenedWindow(const TinyModelOptions& model = {})
      : m_model(QString::fromStdString(write_tiny_model(m_folder.path(), model))) {
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    QLoggingCategory::setFilterRules(QStringLiteral("qt.qpa.*=false"));
    Theme::choose(Theme::Choice::light);
  }

  // Opens the window on what the last one left. Without a welcome page: some window was there before.
  void open(const std::function<void(WindowSetup&)>& change = {}) { open(false, change); }
  // As the first one on this machine, where nothing is left.
  void openFirst(const std::function<void(WindowSetup&)>& change) { open(true, change); }

  void open(bool first, const std::function<void(WindowSetup&)>& change) {
    close();
    auto store = ChatStore::open(m_folder.file("chats.db"));
    QVERIFY2(store.has_value(), store ? "" : store.error().message.c_str());
    m_store = std::move(*store);
    m_settingsFile =
        std::make_unique<SettingsFile>(QString::fromStdString(m_folder.file("layout.ini")));
    const QString layout = QStringLiteral("window/state");
    if (!first && !m_settingsFile->contains(layout))
      m_settingsFile->setValue(layout, QByteArray());
    m_settings = std::make_unique<AppSettings>(*m_settingsFile, quick());
    WindowSetup setup;
    setup.settings = m_settings.get();
    if (change) change(setup);
    m_engine = std::make_unique<EngineHost>(m_jobs);
    m_window = std::make_unique<MainWindow>(*m_store, *m_engine, std::move(setup));
    m_window->setAnimated(false);  // docks are where they go at once
    m_window->show();
    m_window->start();
  }

  void close() {
    if (m_window) m_window->close();
    m_window.reset();
    m_engine.reset();
    m_store.reset();
    m_settings.reset();
    m_settingsFile.reset();
  }

  void reopen() {
    open();
    openTiny();
  }

  // Forgets chats and settings, as on the first day.
  void startOver() {
    close();
    for (const char* name : {"chats.db", "chats.db-wal", "chats.db-journal", "layout.ini"}) {
      QFile::remove(QString::fromStdString(m_folder.file(name)));
    }
  }

  void openTiny() {
    m_window->openModel(m_model, {});
    QTRY_COMPARE(m_window->engine().state(), EngineHost::State::ready);
    QVERIFY(m_window->engine().layout()->memory.has_value());
  }

  // The tiny model with a reader that the test commands.
  std::shared_ptr<SlowReaderControl> openTinyWithSlowDrive() {
    auto control = std::make_shared<SlowReaderControl>();
    EngineOptions options;
    options.model_path = m_model.toStdString();
    options.row_reader = slow_reader_factory(control);
    m_window->engine().openModel(options);
    [&] { QTRY_COMPARE(m_window->engine().state(), EngineHost::State::ready); }();
    return control;
  }

  void write(const QString& text) {
    Composer* composer = m_window->panel()->composer();
    composer->setText(text);
    QTest::keyClick(composer->edit(), Qt::Key_Return);
  }

  void finish() {
    const Conversation& chat = m_window->conversation();
    QTRY_VERIFY_WITH_TIMEOUT(!chat.answering() && chat.blockedReason().isEmpty(), 60000);
  }

  void ask(const QString& text) {
    const TranscriptModel& transcript = m_window->conversation().transcript();
    const int rows = transcript.rowCount();
    write(text);
    QTRY_COMPARE(transcript.rowCount(), rows + 2);
    finish();
  }

  // Of a chat whose answers have this many tokens: this model then never ends its turn.
  static ChatSettings settings(std::int64_t maxTokens) {
    ChatSettings settings;
    settings.max_tokens = maxTokens;
    settings.sampling.temperature = 0;
    settings.sampling.repetition_penalty = 1;
    return settings;
  }

  // Opens each dialog in turn, as the menus and buttons do, and shows it to `look`.
  void eachDialog(const std::function<void(QDialog*)>& look) {
    const auto seen = [&] {
      QCoreApplication::processEvents();
      int found = 0;
      for (QWidget* top : QApplication::topLevelWidgets()) {
        auto* dialog = qobject_cast<QDialog*>(top);
        if (dialog == nullptr || !dialog->isVisible()) continue;
        ++found;
        look(dialog);
        dialog->close();
      }
      QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
      return found;
    };
    for (const char* name :
         {"settings", "chatSettings", "openModel", "shortcuts", "updates", "about"}) {
      m_window->action(name)->trigger();
      QVERIFY2(seen() == 1, name);
    }
    m_window->showPreset(MainWindow::Preset::inspect);
    int more = 0;
    for (QPushButton* button : m_window->findChildren<QPushButton*>()) {
      if (!button->text().endsWith(QChar(0x2026)) || button->window() != m_window.get()) continue;
      button->setEnabled(true);
      button->click();
      more += seen();
    }
    QVERIFY2(more >= 3, "the row cache's questions");
  }

  MainWindow* operator->() const { return m_window.get(); }
  MainWindow* window() const { return m_window.get(); }
  ChatStore& store() const { return *m_store; }
  const TemporaryFolder& folder() const { return m_folder; }
  QString model() const { return m_model; }

 private:
  // As if these were the program's own.
  SettingLayers quick() const {
    SettingLayers layers;
    layers.program.engine.threads = 1;
    layers.program.engine.pack_folders = {m_folder.path()};
    layers.program.window.open_at_start = false;
    layers.program.chat = settings(kTokens);
    return layers;
  }

  TemporaryFolder m_folder;
  QString m_model;
  Jobs m_jobs;
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<SettingsFile> m_settingsFile;
  std::unique_ptr<AppSettings> m_settings;
  std::unique_ptr<EngineHost> m_engine;
  std::unique_ptr<MainWindow> m_window;
};

}  // namespace mneme::test

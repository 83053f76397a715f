// SPDX-License-Identifier: Apache-2.0
// The whole window on the real engine, a tiny model and a database in a folder of its own, for
// tests that walk all of it.
#pragma once

#include <QApplication>
#include <QDialog>
#include <QPushButton>
#include <QtTest>
#include <functional>
#include <memory>
#include <vector>

#include "tests/support/tiny_model.h"
#include "ui/views/chat_panel.h"
#include "ui/views/composer.h"
#include "ui/views/main_window.h"

namespace mneme::test {

class OpenedWindow {
 public:
  OpenedWindow() : m_model(QString::fromStdString(write_tiny_model(m_folder.path()))) {}

  // Opens the window on what the last one left.
  void open(const std::function<void(WindowSetup&)>& change = {}) {
    close();
    auto store = ChatStore::open(m_folder.file("chats.db"));
    QVERIFY2(store.has_value(), store ? "" : store.error().message.c_str());
    m_store = std::move(*store);
    WindowSetup setup;
    setup.config = m_config;
    setup.saveConfig = [this](const Config& config) { m_config = config; };
    setup.layoutFile = QString::fromStdString(m_folder.file("layout.ini"));
    setup.packFolders = {m_folder.path()};
    if (change) change(setup);
    m_window = std::make_unique<MainWindow>(*m_store, std::move(setup));
    m_window->setAnimated(false);  // docks are where they go at once
    m_window->show();
    m_window->start();
  }

  void close() {
    if (m_window) m_window->close();
    m_window.reset();
    m_store.reset();
  }

  void openTiny() {
    m_window->openModel(m_model, {});
    QTRY_COMPARE(m_window->engine().state(), EngineHost::State::ready);
  }

  void ask(const QString& text) {
    Conversation& chat = m_window->conversation();
    const int rows = chat.transcript().rowCount();
    m_window->panel()->composer()->setText(text);
    m_window->panel()->composer()->send();
    QTRY_COMPARE(chat.transcript().rowCount(), rows + 2);
    QTRY_VERIFY_WITH_TIMEOUT(!chat.answering() && chat.blockedReason().isEmpty(), 60000);
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
    for (const char* name : {"settings", "chatSettings", "openModel", "shortcuts", "about"}) {
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
  Config& config() { return m_config; }
  const TemporaryFolder& folder() const { return m_folder; }
  QString model() const { return m_model; }

 private:
  static Config quick() {
    Config config;
    config.threads = 1;
    config.open_at_start = false;
    config.chat.max_tokens = 12;
    config.chat.sampling.temperature = 0;  // this model then never ends its turn
    config.chat.sampling.repetition_penalty = 1;
    return config;
  }

  TemporaryFolder m_folder;
  QString m_model;
  Config m_config = quick();  // what the window saved last
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<MainWindow> m_window;
};

}  // namespace mneme::test

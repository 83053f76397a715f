// SPDX-License-Identifier: Apache-2.0
// The composition root of the window: paths, settings, log, store, window, in that order; taken
// down in the reverse. UI thread.
#pragma once

#include <QString>
#include <memory>

#include "app/paths.h"
#include "inference/store/chat_store.h"
#include "ui/bridge/desktop_theme.h"
#include "ui/bridge/ending_engines.h"
#include "ui/bridge/settings_file.h"
#include "ui/views/main_window.h"

namespace mneme {

struct Flags {
  QString model;    // "" = as the settings say
  QString memory;   // likewise
  QString dataDir;  // everything below this folder
  QString theme;    // "", "light", "dark"
};

class Application {
 public:
  // What the user is told where something is missing; null and `problem` set on failure.
  static std::unique_ptr<Application> open(const Flags& flags, QString* problem);
  ~Application();

  const Paths& paths() const { return m_paths; }
  MainWindow& window() { return *m_window; }

  // Takes the window, the chats' store and the settings down, once the window is closed: all of them
  // are on disk then. What is left waits for reads at the drive.
  std::shared_ptr<EndingEngines> close();

 private:
  Application() = default;

  Paths m_paths;
  std::unique_ptr<DesktopTheme> m_desktop;
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<SettingsFile> m_settings;
  std::unique_ptr<MainWindow> m_window;  // goes before store and settings
};

}  // namespace mneme

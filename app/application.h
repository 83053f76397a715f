// SPDX-License-Identifier: Apache-2.0
// The composition root of the window: paths, settings, log, store, window, in that order; taken
// down in the reverse. UI thread.
#pragma once

#include <QString>
#include <chrono>
#include <functional>
#include <memory>

#include "app/paths.h"
#include "inference/store/chat_store.h"
#include "ui/bridge/app_settings.h"
#include "ui/bridge/desktop_theme.h"
#include "ui/bridge/engine_host.h"
#include "ui/bridge/jobs.h"
#include "ui/bridge/settings_file.h"
#include "ui/views/window/main_window.h"

namespace mneme {

struct Flags {
  SettingValues settings;  // those of the command line
  QString dataDir;         // everything below this folder; "" = the usual ones
};

class Application {
 public:
  // What the user is told where something is missing; null and `problem` set on failure.
  static std::unique_ptr<Application> open(const Flags& flags, QString* problem);
  ~Application();

  const Paths& paths() const { return m_paths; }
  MainWindow& window() { return *m_window; }

  // Takes everything down, once the window is closed: first the chats and the settings are on disk,
  // then `saved` is called, then the model saves its rows for the next start. False: a drive has
  // not answered for as long as `patience`; threads that may still come back use what is left, so
  // the program ends without destroying it.
  bool close(std::chrono::milliseconds patience, const std::function<void()>& saved);

 private:
  Application() = default;

  Paths m_paths;
  std::unique_ptr<DesktopTheme> m_desktop;
  std::unique_ptr<Jobs> m_jobs;
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<SettingsFile> m_settingsFile;
  std::unique_ptr<AppSettings> m_settings;
  std::unique_ptr<EngineHost> m_engine;
  std::unique_ptr<MainWindow> m_window;
};

}  // namespace mneme

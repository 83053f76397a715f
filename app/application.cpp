// SPDX-License-Identifier: Apache-2.0
#include "app/application.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QFileInfo>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/private_file.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr auto kTidyAfter = std::chrono::milliseconds(500);

// Qt's own messages join the log.
void onQtMessage(QtMsgType type, const QMessageLogContext&, const QString& text) {
  const LogLevel level = type == QtDebugMsg     ? LogLevel::debug
                         : type == QtInfoMsg    ? LogLevel::info
                         : type == QtWarningMsg ? LogLevel::warning
                                                : LogLevel::error;
  log_line(level, "qt", text.toStdString());
}

// Folders, log and settings, for their owner only. `ours`: the folders bear the program's name, so
// that nothing else is expected in them.
Status preparePlaces(const Paths& paths, bool ours) {
  RETURN_IF_ERROR(make_private_folder(paths.state));
  configure_log({.file = paths.log()});
  for (const std::string& folder : {paths.data, paths.config, paths.state}) {
    RETURN_IF_ERROR(make_private_folder(folder));
    if (!ours) continue;
    if (const Status status = make_private(folder); !status) {
      log_warning("app", "others may look into it: {}", status.error().message);
    }
  }
  const Status settings = make_private_file(paths.settings());
  if (settings) return {};
  const QFileInfo file(QString::fromStdString(paths.settings()));
  if (file.exists() && !file.isFile()) return settings;
  log_warning("app", "the settings cannot be kept: {}", settings.error().message);
  return {};
}

}  // namespace

std::unique_ptr<Application> Application::open(const Flags& flags, QString* problem) {
  std::unique_ptr<Application> app(new Application);
  app->m_paths = Paths::find(flags.dataDir.toStdString());
  const Paths& paths = app->m_paths;
  if (const Status status = preparePlaces(paths, flags.dataDir.isEmpty()); !status) {
    *problem = QString::fromStdString(status.error().message);
    return nullptr;
  }
  qInstallMessageHandler(onQtMessage);
  log_info("app", "Mneme {} starts; chats in {}", MNEME_VERSION, paths.database());

  app->m_settingsFile = std::make_unique<SettingsFile>(QString::fromStdString(paths.settings()));
  SettingLayers layers;
  EngineOptions& engine = layers.program.engine;
  engine.pack_folders = paths.pack_folders();
  engine.hot_set_folder = paths.hot_sets();
  engine.record_log_folder = paths.record_logs();
  engine.cache_folder = paths.cache;
  layers.command_line = flags.settings;
  app->m_settings = std::make_unique<AppSettings>(*app->m_settingsFile, std::move(layers));
  app->m_desktop = std::make_unique<DesktopTheme>();
  chooseTheme(app->m_settings->now().window);

  auto store = ChatStore::open(paths.database());
  if (!store) {
    *problem = QString::fromStdString(store.error().message);
    return nullptr;
  }
  app->m_store = std::move(*store);
  // After the window asked for its chats, before it can have an answer.
  app->m_store->post_at(std::chrono::steady_clock::now() + kTidyAfter, [](Library& library) {
    Status done = library.purge_deleted(QDateTime::currentMSecsSinceEpoch());
    if (done) done = library.give_back_space();
    if (!done) log_warning("app", "old deleted chats stay: {}", done.error().message);
  });

  WindowSetup setup;
  setup.settings = app->m_settings.get();
  setup.defaultModel = QString::fromStdString(paths.default_model());
  setup.package = packageOf(QCoreApplication::applicationDirPath());
  setup.start = startSources(paths.data, paths.pack_folders());
  setup.download = configuredDownload();
  setup.models = QString::fromStdString(paths.models);
  app->m_jobs = std::make_unique<Jobs>();
  app->m_engine = std::make_unique<EngineHost>(*app->m_jobs);
  app->m_window = std::make_unique<MainWindow>(*app->m_store, *app->m_engine, setup);
  return app;
}

bool Application::close(std::chrono::milliseconds patience, const std::function<void()>& saved) {
  // The engine's thread writes what was answered.
  const bool answered = m_engine->endAnswer(patience);
  m_window.reset();  // writes the drafts
  const bool chats = m_store->end(patience);
  const bool settings = m_settingsFile->end(patience);
  if (!answered || !chats || !settings) return false;
  m_store.reset();
  m_settings.reset();
  m_settingsFile.reset();
  saved();
  return m_engine->end(patience) && m_jobs->end(patience);
}

Application::~Application() {
  m_window.reset();
  m_engine.reset();
  m_store.reset();
  m_settings.reset();
  m_settingsFile.reset();
  m_jobs.reset();
  log_info("app", "Mneme ends");
  qInstallMessageHandler(nullptr);
}

}  // namespace mneme

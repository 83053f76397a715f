// SPDX-License-Identifier: Apache-2.0
// The window: docks, menus, presets, layout saved and restored. Owns the open conversation; the
// store and the engine's host outlive it. UI thread.
#pragma once

#include <QMainWindow>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ui/bridge/app_settings.h"
#include "ui/bridge/conversation.h"
#include "ui/bridge/download_offer.h"
#include "ui/bridge/drafts.h"
#include "ui/bridge/engine_host.h"
#include "ui/bridge/model_download.h"
#include "ui/bridge/save_watch.h"
#include "ui/bridge/settings_file.h"
#include "ui/bridge/start_sources.h"
#include "ui/models/branch_trace.h"
#include "ui/models/chat_list_model.h"
#include "ui/models/inspect_source.h"
#include "ui/package_kind.h"
#include "ui/selection.h"
#include "ui/views/window/closing.h"

class QActionGroup;
class QDockWidget;
class QLabel;
class QPushButton;
class QStackedWidget;

namespace mneme {

class ChatPanel;
class ManualHelp;
class SidePanel;
class StartGuide;
struct DockRow;
struct ViewContext;
class StatusLine;

struct WindowSetup {
  AppSettings* settings = nullptr;  // with geometry, docks, recent models; outlives the window
  QString defaultModel;
  Package package;                        // that this program came from
  StartSources start;                     // what the welcome page asks
  std::optional<DownloadOffer> download;  // what it offers to download
  DownloadLimits downloadLimits;
  QString models;  // the folder that a download goes to
};

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  MainWindow(ChatStore& store, EngineHost& engine, const WindowSetup& setup,
             QWidget* parent = nullptr);
  ~MainWindow() override;

  void start();  // opens the last chat and, if asked for, the model
  void openModel(const QString& path, const QString& memory);
  void raiseWindow();

  enum class Preset { chat, inspect, memory };
  void showPreset(Preset preset);

  void askForModel(const QString& path = {});

  StartGuide& guide() { return *m_guide; }
  QByteArray dockLayout() const;
  void restoreDocks(const QByteArray& layout);

  // Named parts, for tests.
  ChatPanel* panel() const { return m_panel; }
  SidePanel* side() const { return m_side; }
  StatusLine* statusLine() const { return m_status; }
  EngineHost& engine() { return m_engine; }
  Conversation& conversation() { return m_conversation; }
  Selection& selection() { return m_selection; }
  BranchTrace& branch() { return m_branch; }
  ChatListModel& chats() { return m_chats; }
  Closing& closing() { return m_closing; }
  QAction* action(const char* name) const;
  AppSettings& settings() { return m_settings; }
  ManualHelp& manual() { return *m_manual; }

 protected:
  bool event(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void childEvent(QChildEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  // main_window_actions.cpp
  void makeMenus();
  void makeFileMenu();
  void makeChatMenu();
  void makeViewMenu();
  void makeMemoryMenu();
  void makeHelpMenu();
  void makePresetChips();
  QAction* addAction(QMenu* menu, const char* name, const QString& text, const QKeySequence& keys,
                     std::function<void()> run);
  void refreshActions();
  void fillRecent(QMenu* menu);

  // main_window_docks.cpp
  void makeDocks();
  void addDock(const DockRow& row, const ViewContext& context);
  void explainStall();
  void updateDockTitles();
  void setWantedSizes(Preset preset);
  bool standsAt(const QDockWidget* dock, Qt::DockWidgetAreas areas) const;
  void rememberSizes();
  void fitDocks();

  // main_window_chats.cpp
  void connectChats();
  void loadChats(ChatId last);
  void reloadChats();
  void search(const QString& text);
  void newChat();
  void renameChat(ChatId chat, const QString& title);
  void deleteChat(ChatId chat);
  void restoreChat(ChatId chat);
  void showDeletedChats();

  // main_window_settings.cpp
  void connectSettings();
  void showSettings();
  void showChatSettings();
  void applySettings(const Settings& before);
  void applyToNewChat(const Settings& before);
  void setZoom(double zoom);
  std::optional<Settings> openedWith() const;
  void offerReopening();
  void withdrawOffer();
  void reopen();

  // main_window.cpp
  void restoreLayout();
  void saveLayout();
  void fitScreen();
  struct Opening {
    QString model;
    QString memory;
    bool remember = true;  // as the model of the next start
    Settings settings;
  };
  Opening openingOf(const QString& model, const QString& memory, bool remember = true) const;
  void openAtStart();
  void beginOpening(const Opening& opening);
  void tellModelProblem(const QString& text);
  void tellNotOpened(const QString& reason, bool cancelled);
  void rememberModel();
  QStringList recentModels() const;

  static constexpr int kLayoutVersion = 3;

  ChatStore& m_store;
  AppSettings& m_settings;
  SettingsFile& m_file;
  const QString m_defaultModel;
  const Package m_package;
  Opening m_opening;           // the latest
  Opening m_opened;            // of the model that is open, or was closed for m_opening; else empty
  QString m_reopenOffer;       // above the chat; "" = there is none
  bool m_reopenLater = false;  // once the answer that runs is there
  EngineHost& m_engine;
  BranchTrace m_branch;
  Selection m_selection;
  InspectSource m_source;
  Drafts m_drafts;
  SaveWatch m_watch;
  Conversation m_conversation;
  Closing m_closing;
  ChatListModel m_chats;
  SidePanel* m_side = nullptr;
  ChatPanel* m_panel = nullptr;
  StatusLine* m_status = nullptr;
  struct Dock {
    const DockRow* row;
    QDockWidget* widget;
  };
  std::vector<Dock> m_docks;
  QStackedWidget* m_centre = nullptr;
  std::unique_ptr<StartGuide> m_guide;
  QList<QMenu*> m_menus;
  QActionGroup* m_presets = nullptr;
  std::unique_ptr<ManualHelp> m_manual;
  // What the user, or a layout, gave the docks. A small window takes of it, a larger one gives
  // back.
  struct WantedSizes {
    int chats = 224;      // pixels
    int token = 320;      // pixels
    double lower = 0.4;   // share of the window's height
    double tiers = 0.47;  // share of the window's width
  };
  WantedSizes m_wanted;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/main_window.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QMimeData>
#include <QScreen>

#include "ui/bridge/engine_source.h"
#include "ui/bridge/ui_call.h"
#include "ui/path_text.h"
#include "ui/plain_text.h"
#include "ui/theme.h"
#include "ui/views/banner.h"
#include "ui/views/chat_panel.h"
#include "ui/views/chat_settings_dialog.h"
#include "ui/views/composer.h"
#include "ui/views/dock_title.h"
#include "ui/views/log_view.h"
#include "ui/views/open_model_dialog.h"
#include "ui/views/settings_dialog.h"
#include "ui/views/side_panel.h"
#include "ui/views/status_line.h"
#include "ui/views/switch_button.h"
#include "ui/views/tiers_view.h"
#include "ui/views/welcome_view.h"
#include "ui/views/wheel_focus.h"

namespace mneme {
namespace {

constexpr int kLayoutVersion = 3;
constexpr int kRecentMax = 8;

}  // namespace

MainWindow::MainWindow(ChatStore& store, EngineHost& engine, WindowSetup setup, QWidget* parent)
    : QMainWindow(parent),
      m_store(store),
      m_setup(std::move(setup)),
      m_settings(*m_setup.settings),
      m_engine(engine),
      m_drafts(store),
      m_watch(store),
      m_conversation(store, m_engine, m_branch),
      m_closing(*this, m_conversation, m_drafts, m_watch) {
  setObjectName(QStringLiteral("mainWindow"));
  setWindowIcon(QIcon(QStringLiteral(":/icons/mneme.svg")));
  setAcceptDrops(true);
  WheelFocus::install();
  setDockOptions(QMainWindow::AnimatedDocks | QMainWindow::AllowTabbedDocks |
                 QMainWindow::AllowNestedDocks);
  setCorner(Qt::BottomLeftCorner, Qt::BottomDockWidgetArea);
  setCorner(Qt::BottomRightCorner, Qt::BottomDockWidgetArea);
  setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  connectInspectSource(m_engine, m_source);

  m_side = new SidePanel(m_chats, m_engine, this);
  m_panel = new ChatPanel(m_conversation, m_drafts, m_engine, m_branch, m_selection, m_source,
                          m_setup.defaultModel, this);
  setCentralWidget(m_panel);
  m_status = new StatusLine(m_engine, this);
  setStatusBar(m_status);
  makeDocks();
  makeMenus();

  connectChats();
  connect(&m_conversation, &Conversation::chatChanged, this, [this] {
    m_side->showCurrent(m_conversation.chat());
    m_settings.setValue(QStringLiteral("chats/last"), static_cast<qlonglong>(m_conversation.chat()));
    setWindowTitle(tr("%1 — Mneme").arg(windowTitleText(m_conversation.title())));
    m_selection.clear();
    refreshActions();
  });
  connect(&m_conversation, &Conversation::stateChanged, this, &MainWindow::refreshActions);
  connect(&m_conversation, &Conversation::settingsChanged, this, &MainWindow::refreshActions);
  connect(m_panel, &ChatPanel::inkChanged, this, [this](bool on) {
    m_settings.setValue(QStringLiteral("window/ink"), on);
    refreshActions();
  });
  connect(m_panel, &ChatPanel::chatSettingsRequested, this, &MainWindow::showChatSettings);
  connect(m_panel->welcome(), &WelcomeView::openRequested, this, [this] { askForModel(); });
  connect(m_panel->welcome(), &WelcomeView::openDefaultRequested, this,
          [this] { openModel(m_setup.defaultModel, {}); });
  connect(m_panel->welcome(), &WelcomeView::cancelRequested, &m_engine, &EngineHost::cancelOpen);
  connect(&m_engine, &EngineHost::modelOpened, this, &MainWindow::rememberModel);
  connect(&m_engine, &EngineHost::openFailed, this, &MainWindow::tellNotOpened);
  connect(&m_source, &InspectSource::ramBudgetRequested, this, [this](quint64 bytes) {
    m_setup.config.ram_budget_mib = static_cast<std::int64_t>(bytes >> 20);
    m_setup.saveConfig(m_setup.config);
  });
  restoreLayout();
  refreshActions();
}

MainWindow::~MainWindow() = default;

void MainWindow::start() {
  const ChatId last = m_settings.value(QStringLiteral("chats/last")).toLongLong();
  newChat();
  loadChats(last);
  if (m_setup.config.open_at_start) openAtStart();
  m_panel->composer()->setFocus();
}

// A model that is not there any more stays the one of the next start: the drive that it lies on may
// be back then.
void MainWindow::openAtStart() {
  const QString wanted = pathFromText(QString::fromStdString(m_setup.config.model));
  const QString memory = QString::fromStdString(m_setup.config.memory);
  const QString& other = m_setup.defaultModel;
  if (!wanted.isEmpty() && QFileInfo::exists(wanted)) {
    beginOpening({wanted, memory});
    return;
  }
  const bool instead = QFileInfo::exists(other);
  if (instead) beginOpening({other, memory, wanted.isEmpty()});
  if (wanted.isEmpty()) return;
  tellModelProblem(
      instead ? tr("The model %1 is not there. The default model is opened instead.").arg(wanted)
              : tr("The model %1 is not there.").arg(wanted));
}

// Where it is seen whatever the centre shows: a welcome, or the chat of the last time.
void MainWindow::tellModelProblem(const QString& text) {
  m_panel->banner()->tell(Banner::Kind::error, text, 0, tr("Open a model…"),
                          [this] { askForModel(); });
}

// Why, and what is open now: the model before may have had to make room.
void MainWindow::tellNotOpened(const QString& reason, bool cancelled) {
  const auto name = [](const QString& path) { return QFileInfo(path).fileName(); };
  const ModelLayout* open = m_engine.layout();
  const Opening closed = open == nullptr ? std::exchange(m_opened, {}) : Opening{};
  QString now;
  if (open != nullptr) now = tr("%1 stays open.").arg(name(QString::fromStdString(open->path)));
  if (!closed.model.isEmpty()) {
    now = tr("%1 was closed to make room for it: no model is open now.").arg(name(closed.model));
  }
  const QString why = cancelled ? tr("Opening was cancelled.") : reason;
  const QString dot = why.endsWith(QLatin1Char('.')) ? QString() : QStringLiteral(".");
  const QString text = now.isEmpty() ? why : why + dot + QLatin1Char(' ') + now;
  if (!closed.model.isEmpty()) {
    m_panel->banner()->tell(cancelled ? Banner::Kind::notice : Banner::Kind::error, text, 0,
                            tr("Open %1 again").arg(name(closed.model)),
                            [this, closed] { beginOpening(closed); });
  } else if (cancelled) {
    m_panel->banner()->tell(Banner::Kind::notice, text, 5000);
  } else {
    tellModelProblem(text);
  }
}

void MainWindow::openModel(const QString& path, const QString& memory) {
  m_panel->banner()->close();
  beginOpening({path, memory});
}

void MainWindow::beginOpening(const Opening& opening) {
  if (m_engine.layout() == nullptr) m_opened = {};
  m_opening = opening;
  EngineOptions options = m_setup.config.engine_options();
  options.model_path = opening.model.toStdString();
  options.memory = pathFromText(opening.memory).toStdString();
  options.pack_folders = m_setup.packFolders;
  options.hot_set_folder = m_setup.hotSetFolder;
  options.record_log_folder = m_setup.recordLogFolder;
  options.cache_folder = m_setup.cacheFolder;
  m_engine.openModel(options);
}

QStringList MainWindow::recentModels() const {
  return m_settings.value(QStringLiteral("models/recent")).toStringList();
}

void MainWindow::rememberModel() {
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) return;
  m_opened = m_opening;
  QStringList recent = recentModels();
  const QString path = QString::fromStdString(layout->path);
  recent.removeAll(path);
  recent.prepend(path);
  m_settings.setValue(QStringLiteral("models/recent"), recent.mid(0, kRecentMax));
  if (m_opening.remember) {
    m_setup.config.model = m_opening.model.toStdString();
    m_setup.config.memory = m_opening.memory.toStdString();
    m_setup.saveConfig(m_setup.config);
  }
  if (layout->memory && !layout->memory->warning.empty()) {
    m_panel->banner()->tell(Banner::Kind::notice, QString::fromStdString(layout->memory->warning));
  }
  refreshActions();
}

void MainWindow::raiseWindow() {
  setWindowState((windowState() & ~Qt::WindowMinimized) | Qt::WindowActive);
  show();
  raise();
  activateWindow();
}

// --- docks and layout
// ------------------------------------------------------------------------------

void MainWindow::makeDocks() {
  QDockWidget* chats = addDock("chatsDock", tr("Chats"), m_side, Qt::LeftDockWidgetArea);
  chats->setFeatures(QDockWidget::DockWidgetClosable);
  chats->setAllowedAreas(Qt::LeftDockWidgetArea | Qt::RightDockWidgetArea);
  static_cast<DockTitle*>(chats->titleBarWidget())->setShown(false);
  makeInspectionDocks();
  QDockWidget* log = addDock("logDock", tr("Log"), new LogView(this), Qt::BottomDockWidgetArea);
  tabifyDockWidget(m_tiersDock, log);
  log->hide();
  m_docks << log;
}

void MainWindow::restoreLayout() {
  const QSize screen = QApplication::primaryScreen()->availableSize();
  resize(std::min(1440, screen.width() - 16), std::min(900, screen.height() - 40));
  restoreGeometry(m_settings.value(QStringLiteral("window/geometry")).toByteArray());
  if (restoreState(m_settings.value(QStringLiteral("window/state")).toByteArray(), kLayoutVersion)) {
    m_wanted.chats = m_settings.value(QStringLiteral("window/chats_width"), m_wanted.chats).toInt();
    m_wanted.token = m_settings.value(QStringLiteral("window/token_width"), m_wanted.token).toInt();
    m_wanted.lower =
        m_settings.value(QStringLiteral("window/lower_share"), m_wanted.lower).toDouble();
    m_wanted.tiers =
        m_settings.value(QStringLiteral("window/tiers_share"), m_wanted.tiers).toDouble();
  } else {
    showPreset(Preset::chat);
  }
  fitScreen();
  const int preset = m_settings.value(QStringLiteral("window/preset")).toInt();
  if (preset >= 0 && preset < m_presets->actions().size())
    m_presets->actions()[preset]->setChecked(true);
  m_panel->setInk(m_settings.value(QStringLiteral("window/ink"), false).toBool());
}

// A window that was stored on a larger screen, or wider than any, is whole on this one.
void MainWindow::fitScreen() {
  const QScreen* here = screen();
  if (here == nullptr || isMaximized() || isFullScreen()) return;
  const QRect room = here->availableGeometry();
  const QMargins frame(8, 32, 8, 8);  // of a usual window manager, which is not there yet to ask
  QRect place = geometry();
  place.setSize(place.size().boundedTo(room.marginsRemoved(frame).size()));
  if (!room.contains(place)) {
    place.moveLeft(std::clamp(place.left(), room.left(), room.right() + 1 - place.width()));
    place.moveTop(std::clamp(place.top(), room.top(), room.bottom() + 1 - place.height()));
  }
  setGeometry(place);
}

void MainWindow::saveLayout() {
  if (!isVisible()) return;
  m_settings.setValue(QStringLiteral("window/chats_width"), m_wanted.chats);
  m_settings.setValue(QStringLiteral("window/token_width"), m_wanted.token);
  m_settings.setValue(QStringLiteral("window/lower_share"), m_wanted.lower);
  m_settings.setValue(QStringLiteral("window/tiers_share"), m_wanted.tiers);
  m_settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
  m_settings.setValue(QStringLiteral("window/state"), saveState(kLayoutVersion));
}

void MainWindow::closeEvent(QCloseEvent* event) {
  saveLayout();
  m_setup.saveConfig(m_setup.config);
  m_engine.cancelOpen();
  event->setAccepted(m_closing.mayClose());
}

bool MainWindow::event(QEvent* event) {
  // The lines between docks are the window's own, and have a cursor of theirs.
  const Qt::CursorShape shape = cursor().shape();
  const bool onLine = shape == Qt::SplitHCursor || shape == Qt::SplitVCursor;
  const bool done = QMainWindow::event(event);
  if (event->type() == QEvent::MouseButtonRelease && onLine) rememberSizes();
  return done;
}

void MainWindow::resizeEvent(QResizeEvent* event) {
  QMainWindow::resizeEvent(event);
  fitDocks();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls() && event->mimeData()->urls().first().isLocalFile()) {
    event->acceptProposedAction();
  }
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QString path = event->mimeData()->urls().value(0).toLocalFile();
  if (path.isEmpty()) return;
  event->acceptProposedAction();
  // The drag must end before a dialog opens.
  QMetaObject::invokeMethod(
      this, [this, path] { askForModel(path); }, Qt::QueuedConnection);
}

// --- dialogs
// ---------------------------------------------------------------------------------------

void MainWindow::askForModel(const QString& path) {
  Config config = m_setup.config;
  if (!path.isEmpty()) config.model = path.toStdString();
  auto* dialog =
      new OpenModelDialog(config, m_setup.packFolders, recentModels(), m_engine.jobs(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this,
          [this, dialog] { openModel(dialog->path(), dialog->memory()); });
  dialog->open();
}

void MainWindow::showSettings() {
  auto* dialog = new SettingsDialog(m_setup.config, m_engine.jobs(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &SettingsDialog::applied, this, &MainWindow::applyConfig);
  dialog->open();
}

void MainWindow::applyConfig(const Config& config) {
  const Config old = m_setup.config;
  m_setup.config = config;
  Theme::choose(config.theme == "dark"    ? Theme::Choice::dark
                : config.theme == "light" ? Theme::Choice::light
                                          : Theme::Choice::system);
  Theme::setZoom(config.zoom);
  m_setup.saveConfig(config);
  if (config.ram_budget_mib != old.ram_budget_mib) {
    findChild<TiersView*>()->setAutomaticBudget(config.ram_budget_mib == 0);
    m_source.requestRamBudget(static_cast<quint64>(config.ram_budget_mib) << 20);
  }
  const bool other = config.model != old.model || config.memory != old.memory ||
                     config.context != old.context || config.threads != old.threads ||
                     config.exact != old.exact || config.record_log_gib != old.record_log_gib;
  if (other && !config.model.empty()) {
    m_panel->banner()->tell(
        Banner::Kind::notice, tr("The model's settings changed."), 0, tr("Open it again"),
        [this, changed = config.model != old.model] {
          openModel(changed ? QString::fromStdString(m_setup.config.model) : m_opening.model,
                    QString::fromStdString(m_setup.config.memory));
        });
  }
  refreshActions();
}

void MainWindow::showChatSettings() {
  auto* dialog =
      new ChatSettingsDialog(m_conversation.settings(), m_conversation.systemPrompt(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  const ChatId chat = m_conversation.chat();
  connect(dialog, &QDialog::accepted, this, [this, dialog, chat] {
    if (m_conversation.chat() != chat) return;
    m_conversation.setSettings(dialog->settings());
    m_conversation.setSystemPrompt(dialog->systemPrompt());
    if (!dialog->forNewChats()) return;
    ChatDefaults& defaults = m_setup.config.chat;
    defaults.sampling = dialog->settings().sampling;
    defaults.max_tokens = dialog->settings().max_tokens;
    defaults.system_prompt = dialog->systemPrompt().toStdString();
    m_setup.saveConfig(m_setup.config);
  });
  dialog->open();
}

void MainWindow::setZoom(double zoom) {
  Theme::setZoom(zoom);
  m_setup.config.zoom = Theme::zoom();
  m_setup.saveConfig(m_setup.config);
}

}  // namespace mneme

#include "moc_main_window.cpp"

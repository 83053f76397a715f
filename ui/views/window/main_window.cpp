// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/main_window.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QMimeData>
#include <QScreen>
#include <QStackedWidget>

#include "ui/bridge/engine_source.h"
#include "ui/bridge/settings_file.h"
#include "ui/bridge/ui_call.h"
#include "ui/path_text.h"
#include "ui/plain_text.h"
#include "ui/theme.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/composer.h"
#include "ui/views/chat/welcome_view.h"
#include "ui/views/manual/manual_help.h"
#include "ui/views/start/start_page.h"
#include "ui/views/window/open_model_dialog.h"
#include "ui/views/window/side_panel.h"
#include "ui/views/window/start_guide.h"
#include "ui/views/window/status_line.h"
#include "ui/views/window/switch_button.h"
#include "ui/views/window/wheel_focus.h"

namespace mneme {
namespace {

constexpr int kRecentMax = 8;

}  // namespace

MainWindow::MainWindow(ChatStore& store, EngineHost& engine, const WindowSetup& setup,
                       QWidget* parent)
    : QMainWindow(parent),
      m_store(store),
      m_settings(*setup.settings),
      m_file(m_settings.file()),
      m_defaultModel(setup.defaultModel),
      m_package(setup.package),
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

  m_panel = new ChatPanel(m_conversation, m_drafts, m_engine, m_branch, m_selection, m_source,
                          m_defaultModel, this);
  m_centre = new QStackedWidget(this);
  m_centre->addWidget(m_panel);
  setCentralWidget(m_centre);
  m_status = new StatusLine(m_engine, this);
  setStatusBar(m_status);
  m_guide = std::make_unique<StartGuide>(*this, *m_centre, setup);
  connect(m_guide.get(), &StartGuide::pageChanged, this, &MainWindow::refreshActions);
  makeDocks();
  m_side = findChild<SidePanel*>();
  makeMenus();

  connectChats();
  connect(&m_conversation, &Conversation::chatChanged, this, [this] {
    m_side->showCurrent(m_conversation.chat());
    m_file.setValue(QStringLiteral("chats/last"), static_cast<qlonglong>(m_conversation.chat()));
    setWindowTitle(tr("%1 — Mneme").arg(windowTitleText(m_conversation.title())));
    m_selection.clear();
    refreshActions();
  });
  connect(&m_conversation, &Conversation::stateChanged, this, &MainWindow::refreshActions);
  connect(&m_conversation, &Conversation::settingsChanged, this, &MainWindow::refreshActions);
  connect(m_panel, &ChatPanel::inkChanged, this, [this](bool on) {
    m_file.setValue(QStringLiteral("window/ink"), on);
    refreshActions();
  });
  connect(m_panel, &ChatPanel::chatSettingsRequested, this, &MainWindow::showChatSettings);
  connect(m_panel->welcome(), &WelcomeView::openRequested, this, [this] { askForModel(); });
  connect(m_panel->welcome(), &WelcomeView::openDefaultRequested, this,
          [this] { openModel(m_defaultModel, {}); });
  connect(m_panel->welcome(), &WelcomeView::cancelRequested, &m_engine, &EngineHost::cancelOpen);
  connect(m_panel->welcome(), &WelcomeView::waysRequested, m_guide.get(), &StartGuide::showPage);
  connect(&m_engine, &EngineHost::modelOpened, this, &MainWindow::rememberModel);
  connect(&m_engine, &EngineHost::openFailed, this, &MainWindow::tellNotOpened);
  connectSettings();
  restoreLayout();
  refreshActions();
  m_guide->begin();
}

MainWindow::~MainWindow() = default;

void MainWindow::start() {
  const ChatId last = m_file.value(QStringLiteral("chats/last")).toLongLong();
  newChat();
  loadChats(last);
  for (const QString& problem : m_settings.problems())
    m_panel->banner()->tell(Banner::Kind::notice, problem);
  if (m_settings.now().window.open_at_start) openAtStart();
  if (m_guide->page() == nullptr) {
    m_panel->composer()->setFocus();
  } else {
    m_guide->page()->takeFocus();
  }
}

// A model that is not there any more stays the one of the next start: the drive that it lies on may
// be back then.
void MainWindow::openAtStart() {
  const EngineOptions& engine = m_settings.now().engine;
  const QString wanted = pathFromText(QString::fromStdString(engine.model_path));
  const QString memory = QString::fromStdString(engine.memory);
  const QString& other = m_defaultModel;
  if (!wanted.isEmpty() && QFileInfo::exists(wanted)) {
    beginOpening(openingOf(wanted, memory));
    return;
  }
  const bool instead = QFileInfo::exists(other);
  if (instead) beginOpening(openingOf(other, memory, wanted.isEmpty()));
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
                            [this, closed] { beginOpening(closed); });  // with what worked
  } else if (cancelled) {
    m_panel->banner()->tell(Banner::Kind::notice, text, 5000);
  } else {
    tellModelProblem(text);
  }
}

void MainWindow::openModel(const QString& path, const QString& memory) {
  m_guide->leavePage();  // the chat shows how far it is
  m_panel->banner()->close();
  beginOpening(openingOf(path, memory));
}

// As the settings are now.
MainWindow::Opening MainWindow::openingOf(const QString& model, const QString& memory,
                                          bool remember) const {
  return {model, memory, remember, m_settings.of(model)};
}

void MainWindow::beginOpening(const Opening& opening) {
  if (m_engine.layout() == nullptr) m_opened = {};
  m_opening = opening;
  withdrawOffer();
  EngineOptions options = m_opening.settings.engine;
  options.model_path = opening.model.toStdString();
  options.memory = pathFromText(opening.memory).toStdString();
  m_engine.openModel(options);
}

QStringList MainWindow::recentModels() const {
  return m_file.value(QStringLiteral("models/recent")).toStringList();
}

void MainWindow::rememberModel() {
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) return;
  m_opened = m_opening;
  QStringList recent = recentModels();
  const QString path = QString::fromStdString(layout->path);
  recent.removeAll(path);
  recent.prepend(path);
  m_file.setValue(QStringLiteral("models/recent"), recent.mid(0, kRecentMax));
  m_settings.setModel(m_opened.model);
  // It may have been changed while this model was opened.
  if (m_opened.settings.engine.ram_budget != m_settings.now().engine.ram_budget)
    m_engine.setRamBudget(m_settings.now().engine.ram_budget);
  if (m_opened.remember) {
    const auto remember = [&](const char* name, const QString& text) {
      const Setting& setting = find_setting(name);
      const SettingValue value = text.toStdString();
      // What the command line says holds for this run only.
      if (setting.of(m_settings.now()) == value) return;
      setting.put(m_opened.settings, value);
      m_settings.set(name, value);
    };
    remember("model/path", m_opened.model);
    remember("model/memory", m_opened.memory);
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

// --- layout
// ----------------------------------------------------------------------------------------

void MainWindow::restoreLayout() {
  const QSize screen = QApplication::primaryScreen()->availableSize();
  resize(std::min(1440, screen.width() - 16), std::min(900, screen.height() - 40));
  restoreGeometry(m_file.value(QStringLiteral("window/geometry")).toByteArray());
  if (restoreState(m_file.value(QStringLiteral("window/state")).toByteArray(), kLayoutVersion)) {
    m_wanted.chats = m_file.value(QStringLiteral("window/chats_width"), m_wanted.chats).toInt();
    m_wanted.token = m_file.value(QStringLiteral("window/token_width"), m_wanted.token).toInt();
    m_wanted.lower = m_file.value(QStringLiteral("window/lower_share"), m_wanted.lower).toDouble();
    m_wanted.tiers = m_file.value(QStringLiteral("window/tiers_share"), m_wanted.tiers).toDouble();
  } else {
    showPreset(Preset::chat);
  }
  fitScreen();
  const int preset = m_file.value(QStringLiteral("window/preset")).toInt();
  if (preset >= 0 && preset < m_presets->actions().size())
    m_presets->actions()[preset]->setChecked(true);
  m_panel->setInk(m_file.value(QStringLiteral("window/ink"), false).toBool());
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
  m_file.setValue(QStringLiteral("window/chats_width"), m_wanted.chats);
  m_file.setValue(QStringLiteral("window/token_width"), m_wanted.token);
  m_file.setValue(QStringLiteral("window/lower_share"), m_wanted.lower);
  m_file.setValue(QStringLiteral("window/tiers_share"), m_wanted.tiers);
  m_file.setValue(QStringLiteral("window/geometry"), saveGeometry());
  m_file.setValue(QStringLiteral("window/state"), m_guide->layout());
}

QByteArray MainWindow::dockLayout() const {
  return saveState(kLayoutVersion);
}

void MainWindow::restoreDocks(const QByteArray& layout) {
  restoreState(layout, kLayoutVersion);
  fitDocks();
}

void MainWindow::closeEvent(QCloseEvent* event) {
  saveLayout();
  m_engine.cancelOpen();
  event->setAccepted(m_closing.mayClose());
  if (event->isAccepted()) m_manual->close();
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
  auto* dialog = new OpenModelDialog(m_settings, path, recentModels(), m_engine.jobs(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this,
          [this, dialog] { openModel(dialog->path(), dialog->memory()); });
  dialog->open();
}

}  // namespace mneme

#include "moc_main_window.cpp"

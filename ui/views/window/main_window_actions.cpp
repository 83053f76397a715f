// SPDX-License-Identifier: Apache-2.0
// Menus, shortcuts and presets of the main window.
#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QMenu>
#include <QMenuBar>
#include <QPushButton>

#include "ui/plain_text.h"
#include "ui/theme.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/manual/manual_help.h"
#include "ui/views/window/about_dialog.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/model_card.h"
#include "ui/views/window/shortcuts_dialog.h"
#include "ui/views/window/side_panel.h"
#include "ui/views/window/start_guide.h"
#include "ui/views/window/switch_button.h"
#include "ui/views/window/update_dialog.h"

namespace mneme {
namespace {

constexpr char kOfChat[] = "ofChat";  // of a menu

}  // namespace

QAction* MainWindow::addAction(QMenu* menu, const char* name, const QString& text,
                               const QKeySequence& keys, std::function<void()> run) {
  QAction* action = menu->addAction(text);
  action->setObjectName(QLatin1String(name));
  if (!keys.isEmpty()) action->setShortcut(keys);
  // What acts on the chat shows it first.
  if (menu->property(kOfChat).toBool())
    connect(action, &QAction::triggered, m_guide.get(), &StartGuide::leavePage);
  if (run) connect(action, &QAction::triggered, this, [run = std::move(run)] { run(); });
  return action;
}

QAction* MainWindow::action(const char* name) const {
  return findChild<QAction*>(QLatin1String(name));
}

void MainWindow::makeMenus() {
  makeFileMenu();
  makeChatMenu();
  makeViewMenu();
  makeMemoryMenu();
  makeHelpMenu();
  m_manual = std::make_unique<ManualHelp>(m_file);
  m_manual->setKeys({action("larger"), action("smaller"), action("normalSize"), action("quit")});
  makePresetChips();
  connect(m_side, &SidePanel::menuRequested, this, [this](const QPoint& at) {
    QMenu menu(this);
    menu.addAction(action("rename"));
    menu.addAction(action("delete"));
    menu.addSeparator();
    menu.addAction(action("deletedChats"));
    menu.exec(at);
  });
  connect(m_side->modelCard(), &QAbstractButton::clicked, this, [this] {
    QMenu menu(this);
    menu.addAction(action("openModel"));
    QMenu* recent = menu.addMenu(tr("Recent models"));
    fillRecent(recent);
    recent->setEnabled(!recent->isEmpty());
    menu.addAction(action("cancelOpen"));
    menu.addAction(action("closeModel"));
    const ModelCard* card = m_side->modelCard();
    menu.exec(card->mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)));
  });
}

void MainWindow::makeFileMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&File"));
  m_menus << menu;
  addAction(menu, "newChat", tr("&New chat"), QKeySequence(Qt::CTRL | Qt::Key_N), [this] {
    m_guide->leavePage();
    newChat();
  });
  menu->addSeparator();
  addAction(menu, "openModel", tr("&Open a model…"), QKeySequence(Qt::CTRL | Qt::Key_O),
            [this] { askForModel(); });
  QMenu* recent = menu->addMenu(tr("&Recent models"));
  connect(recent, &QMenu::aboutToShow, this, [this, recent] { fillRecent(recent); });
  addAction(menu, "cancelOpen", tr("Cance&l opening"), {}, [this] { m_engine.cancelOpen(); });
  addAction(menu, "closeModel", tr("&Close the model"),
            QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_W), [this] {
              m_opened = {};
              m_engine.closeModel();
            });
  menu->addSeparator();
  addAction(menu, "settings", tr("&Settings…"), QKeySequence(Qt::CTRL | Qt::Key_Comma),
            [this] { showSettings(); });
  menu->addSeparator();
  addAction(menu, "quit", tr("&Quit"), QKeySequence(Qt::CTRL | Qt::Key_Q), [this] { close(); });
}

void MainWindow::fillRecent(QMenu* menu) {
  menu->clear();
  for (const QString& path : recentModels()) {
    QAction* one = menu->addAction(menuText(QFileInfo(path).fileName()));
    one->setToolTip(boundedText(path));
    one->setEnabled(QFileInfo::exists(path));
    connect(one, &QAction::triggered, this, [this, path] { openModel(path, {}); });
  }
  if (menu->isEmpty()) menu->addAction(tr("None yet"))->setEnabled(false);
}

void MainWindow::makeChatMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&Chat"));
  menu->setProperty(kOfChat, true);
  m_menus << menu;
  addAction(menu, "stop", tr("S&top the answer"), QKeySequence(Qt::Key_Escape),
            [this] { m_conversation.stop(); });
  addAction(menu, "retry", tr("&Retry the answer"), QKeySequence(Qt::CTRL | Qt::Key_R),
            [this] { m_panel->retry(); });
  addAction(menu, "edit", tr("&Edit the message"), QKeySequence(Qt::CTRL | Qt::Key_E),
            [this] { m_panel->edit(); });
  addAction(menu, "previousVersion", tr("&Previous version"), QKeySequence(Qt::ALT | Qt::Key_Left),
            [this] { m_panel->showVersion(-1); });
  addAction(menu, "nextVersion", tr("Ne&xt version"), QKeySequence(Qt::ALT | Qt::Key_Right),
            [this] { m_panel->showVersion(1); });
  menu->addSeparator();
  addAction(menu, "copyMessage", tr("&Copy the message"),
            QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C), [this] {
              if (const TranscriptItem* item = m_panel->view()->target()) {
                m_panel->view()->copyMessage(item->row.id);
              }
            });
  addAction(menu, "copyCode", tr("Copy the last co&de block"),
            QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_X),
            [this] { m_panel->view()->copyLastCodeBlock(); });
  menu->addSeparator();
  addAction(menu, "previousMessage", tr("Previous mess&age"), QKeySequence(Qt::ALT | Qt::Key_Up),
            [this] { m_panel->view()->moveCurrent(-1); });
  addAction(menu, "nextMessage", tr("Next &message"), QKeySequence(Qt::ALT | Qt::Key_Down),
            [this] { m_panel->view()->moveCurrent(1); });
  addAction(menu, "write", tr("&Write a message"), QKeySequence(Qt::CTRL | Qt::Key_L),
            [this] { m_panel->composer()->setFocus(); });
  addAction(menu, "search", tr("&Search chats"), QKeySequence(Qt::CTRL | Qt::Key_K), [this] {
    if (auto* dock = findChild<QDockWidget*>(QStringLiteral("chatsDock"))) dock->show();
    m_side->focusSearch();
  });
  menu->addSeparator();
  addAction(menu, "rename", tr("Re&name the chat"), QKeySequence(Qt::Key_F2),
            [this] { m_side->renameCurrent(); });
  addAction(menu, "delete", tr("De&lete the chat"),
            QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Delete),
            [this] { deleteChat(m_side->current()); });
  addAction(menu, "deletedChats", tr("Recentl&y deleted chats…"), {},
            [this] { showDeletedChats(); });
  addAction(menu, "chatSettings", tr("Settin&gs of this chat…"),
            QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Comma), [this] { showChatSettings(); });
}

void MainWindow::makeViewMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&View"));
  m_menus << menu;
  QAction* ink = addAction(menu, "ink", tr("&Gate ink"), QKeySequence(Qt::CTRL | Qt::Key_G), {});
  ink->setCheckable(true);
  connect(ink, &QAction::triggered, this, [this](bool on) {
    m_guide->leavePage();
    m_panel->setInk(on);
  });
  menu->addSeparator();
  m_presets = new QActionGroup(this);
  const auto preset = [&](const char* name, const QString& text, int key, Preset which) {
    QAction* one = addAction(menu, name, text, QKeySequence(Qt::CTRL | static_cast<Qt::Key>(key)),
                             [this, which] { showPreset(which); });
    m_presets->addAction(one);
    one->setCheckable(true);
  };
  preset("presetChat", tr("&Chat"), Qt::Key_1, Preset::chat);
  preset("presetInspect", tr("&Inspect"), Qt::Key_2, Preset::inspect);
  preset("presetMemory", tr("Ti&ers"), Qt::Key_3, Preset::memory);
  menu->addSeparator();
  QMenu* panels = menu->addMenu(tr("&Panels"));
  panels->menuAction()->setObjectName(QStringLiteral("panels"));
  for (const Dock& dock : m_docks) panels->addAction(dock.widget->toggleViewAction());
  addAction(menu, "log", tr("&Log"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_L), [this] {
    m_guide->leavePage();
    auto* dock = findChild<QDockWidget*>(QStringLiteral("logDock"));
    dock->setVisible(!dock->isVisible());
    if (dock->isVisible()) dock->raise();
  });
  menu->addSeparator();
  QMenu* theme = menu->addMenu(tr("&Theme"));
  auto* themes = new QActionGroup(this);
  const auto addTheme = [&](const QString& text, const std::string& name) {
    QAction* one = theme->addAction(text);
    one->setCheckable(true);
    one->setObjectName(QStringLiteral("theme_") + QString::fromStdString(name));
    one->setChecked(m_settings.now().window.theme == name);
    themes->addAction(one);
    connect(one, &QAction::triggered, this, [this, name] { m_settings.set("window/theme", name); });
  };
  addTheme(tr("As the &system"), "system");
  addTheme(tr("&Light"), "light");
  addTheme(tr("&Dark"), "dark");
  QAction* larger =
      addAction(menu, "larger", tr("La&rger text"), QKeySequence(Qt::CTRL | Qt::Key_Plus),
                [this] { setZoom(Theme::zoom() * 1.1); });
  larger->setShortcuts(
      {QKeySequence(Qt::CTRL | Qt::Key_Plus), QKeySequence(Qt::CTRL | Qt::Key_Equal)});
  addAction(menu, "smaller", tr("Sm&aller text"), QKeySequence(Qt::CTRL | Qt::Key_Minus),
            [this] { setZoom(Theme::zoom() / 1.1); });
  addAction(menu, "normalSize", tr("&Normal text"), QKeySequence(Qt::CTRL | Qt::Key_0),
            [this] { setZoom(1.0); });
}

void MainWindow::makeMemoryMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&N-gram memory"));
  menu->setProperty(kOfChat, true);
  m_menus << menu;
  QAction* on = addAction(menu, "memoryOn", tr("N-gram &memory in this chat"),
                          QKeySequence(Qt::CTRL | Qt::Key_M), {});
  on->setCheckable(true);
  connect(on, &QAction::triggered, this, [this](bool checked) { m_panel->setMemory(checked); });
  addAction(menu, "unpin", tr("&Unpin the token"), QKeySequence(Qt::CTRL | Qt::Key_U),
            [this] { m_selection.clear(); });
}

void MainWindow::makeHelpMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&Help"));
  m_menus << menu;
  addAction(menu, "manual", tr("&Manual"), QKeySequence(Qt::Key_F1),
            [this] { m_manual->openHere(); });
  addAction(menu, "shortcuts", tr("&Keyboard shortcuts"),
            QKeySequence(Qt::CTRL | Qt::Key_Question), [this] {
              auto* dialog = new ShortcutsDialog(m_menus, this);
              dialog->setAttribute(Qt::WA_DeleteOnClose);
              dialog->open();
            });
  addAction(menu, "welcomePage", tr("&Welcome page"), {}, [this] { m_guide->showPage(); });
  addAction(menu, "tour", tr("&Tour of the n-gram memory"), {}, [this] { m_guide->startTour(); });
  menu->addSeparator();
  addAction(menu, "updates", tr("Check for &updates…"), {}, [this] {
    auto* dialog = new UpdateDialog(m_package, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
  });
  addAction(menu, "about", tr("&About Mneme"), {}, [this] {
    auto* dialog = new AboutDialog(m_guide->download() != nullptr, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
  });
}

void MainWindow::makePresetChips() {
  auto* corner = new QWidget(menuBar());
  auto* row = new QHBoxLayout(corner);
  row->setContentsMargins(0, 3, 10, 3);
  row->setSpacing(8);
  for (const char* name : {"presetChat", "presetInspect", "presetMemory"}) {
    QAction* one = action(name);
    auto* chip = new QPushButton(corner);
    chip->setProperty("kind", QStringLiteral("chip"));
    QString text = one->text();
    text.remove(QLatin1Char('&'));
    chip->setText(tr("%1  %2").arg(text, one->shortcut().toString(QKeySequence::NativeText)));
    chip->setAccessibleName(tr("Layout: %1").arg(text));
    chip->setCheckable(true);
    chip->setChecked(one->isChecked());
    connect(chip, &QPushButton::clicked, one, &QAction::trigger);
    connect(one, &QAction::toggled, chip, &QPushButton::setChecked);
    row->addWidget(chip);
  }
  menuBar()->setCornerWidget(corner, Qt::TopRightCorner);
}

void MainWindow::refreshActions() {
  const bool answering = m_conversation.answering();
  const bool messages = m_conversation.transcript().rowCount() > 0;
  const bool free = m_conversation.blockedReason().isEmpty();
  action("stop")->setEnabled(answering);
  action("retry")->setEnabled(messages && free);
  action("edit")->setEnabled(messages && !answering);
  for (const char* name : {"previousVersion", "nextVersion"}) {
    action(name)->setEnabled(messages && !m_conversation.answeringHere());
  }
  for (const char* name : {"copyMessage", "copyCode", "previousMessage", "nextMessage"}) {
    action(name)->setEnabled(messages);
  }
  action("rename")->setEnabled(m_conversation.chat() != 0);
  action("delete")->setEnabled(m_conversation.chat() != 0);
  action("cancelOpen")->setEnabled(m_engine.state() == EngineHost::State::loading);
  action("closeModel")->setEnabled(m_engine.layout() != nullptr);
  action("ink")->setChecked(m_panel->view()->ink());
  action("panels")->setEnabled(m_guide->page() == nullptr);
  action("memoryOn")->setChecked(m_conversation.settings().memory_on);
  action("memoryOn")->setEnabled(m_panel->memorySwitch()->isEnabled());
}

}  // namespace mneme

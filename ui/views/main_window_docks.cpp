// SPDX-License-Identifier: Apache-2.0
// Which inspection views stand where, and the presets that show them.
#include <QAction>
#include <QActionGroup>
#include <QChildEvent>
#include <QDockWidget>
#include <QScrollArea>
#include <QTabBar>
#include <algorithm>

#include "ui/bridge/prompt_probabilities.h"
#include "ui/views/dock_title.h"
#include "ui/views/hot_set_actions.h"
#include "ui/views/hot_set_view.h"
#include "ui/views/main_window.h"
#include "ui/views/slots_view.h"
#include "ui/views/stall_dialog.h"
#include "ui/views/strip_view.h"
#include "ui/views/tiers_view.h"
#include "ui/views/timeline_view.h"
#include "ui/views/token_card.h"

namespace mneme {
namespace {

constexpr Qt::DockWidgetAreas kSides = Qt::LeftDockWidgetArea | Qt::RightDockWidgetArea;

// A view in a dock must not decide how small the window may be: below its own least size it
// scrolls.
QWidget* scrolled(QWidget* view) {
  auto* area = new QScrollArea;
  area->setWidget(view);
  area->setWidgetResizable(true);
  area->setFrameShape(QFrame::NoFrame);
  area->setFocusPolicy(Qt::NoFocus);
  area->setMinimumSize(220, 120);
  area->viewport()->setAutoFillBackground(false);
  return area;
}

}  // namespace

QDockWidget* MainWindow::addDock(const char* name, const QString& title, QWidget* widget,
                                 Qt::DockWidgetArea area) {
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(QLatin1String(name));
  dock->setAccessibleName(title);
  dock->setWidget(widget);
  dock->setTitleBarWidget(new DockTitle(title, dock));
  addDockWidget(area, dock);
  // A dock behind another one's tab counts as shown to Qt: its content would take the Tab key, and
  // would be kept up to date for nobody. A dock with a hidden content has no room of its own.
  QSizePolicy policy = widget->sizePolicy();
  policy.setRetainSizeWhenHidden(true);
  widget->setSizePolicy(policy);
  connect(dock, &QDockWidget::visibilityChanged, widget, &QWidget::setVisible);
  connect(dock, &QDockWidget::visibilityChanged, this, &MainWindow::updateDockTitles,
          Qt::QueuedConnection);
  connect(dock, &QDockWidget::dockLocationChanged, this, &MainWindow::updateDockTitles,
          Qt::QueuedConnection);
  return dock;
}

void MainWindow::makeInspectionDocks() {
  auto* card = new TokenCard(m_branch, m_selection, m_source, this);
  auto* probabilities = new PromptProbabilities(m_engine, m_branch, this);
  connect(card, &TokenCard::promptProbabilitiesRequested, probabilities,
          &PromptProbabilities::request);
  connect(probabilities, &PromptProbabilities::started, card, [card] { card->setComputing(true); });
  connect(probabilities, &PromptProbabilities::failed, card,
          [card](const QString& reason) { card->setComputing(false, reason); });
  connect(&m_branch, &BranchTrace::recordsChanged, card, [card] { card->setComputing(false); });
  m_tokenDock = addDock("tokenDock", tr("Token"), card, Qt::RightDockWidgetArea);
  m_stripDock = addDock("stripDock", tr("Strip"),
                        scrolled(new StripView(m_branch, m_selection, m_source, this)),
                        Qt::BottomDockWidgetArea);
  m_slotsDock =
      addDock("slotsDock", tr("Slots"),
              scrolled(new SlotsView(m_branch, m_selection, m_source, m_engine.jobs(), this)),
              Qt::BottomDockWidgetArea);
  auto* tiers = new TiersView(m_source, this);
  const auto follow = [this, tiers] {
    tiers->setAutomaticBudget(m_settings.now().engine.ram_budget == 0);
  };
  connect(&m_settings, &AppSettings::changed, tiers, follow);
  follow();
  m_tiersDock = addDock("tiersDock", tr("Tiers"), scrolled(tiers), Qt::BottomDockWidgetArea);
  connect(tiers, &TiersView::stallExplanationRequested, this, &MainWindow::explainStall);
  connect(card, &TokenCard::stallExplanationRequested, this, [this](EventIndex event) {
    m_selection.pin(event);
    explainStall();
  });
  auto* hotSet = new HotSetView(m_branch, m_source, m_engine.jobs(), this);
  hotSet->addActions(new HotSetActions(*new HotSetWork(m_store, m_engine, this), m_branch, m_source,
                                       m_chats, hotSet));
  m_hotSetDock = addDock("hotSetDock", tr("Hot set"), scrolled(hotSet), Qt::BottomDockWidgetArea);
  m_timelineDock = addDock("timelineDock", tr("Timeline"),
                           scrolled(new TimelineView(m_branch, m_selection, m_source, this)),
                           Qt::BottomDockWidgetArea);
  m_docks << m_tokenDock << m_stripDock << m_slotsDock << m_timelineDock << m_tiersDock
          << m_hotSetDock;
  splitDockWidget(m_stripDock, m_tiersDock, Qt::Horizontal);
  tabifyDockWidget(m_tiersDock, m_hotSetDock);
  tabifyDockWidget(m_stripDock, m_slotsDock);
  tabifyDockWidget(m_slotsDock, m_timelineDock);
}

void MainWindow::explainStall() {
  auto* dialog = findChild<StallDialog*>();
  if (dialog == nullptr) {
    dialog = new StallDialog(m_branch, m_selection, m_source, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
  }
  dialog->show();
  dialog->raise();
  dialog->activateWindow();
}

// The window makes its tab bars when docks are tabbed, at any time.
void MainWindow::childEvent(QChildEvent* event) {
  QMainWindow::childEvent(event);
  if (event->added())
    QMetaObject::invokeMethod(this, &MainWindow::updateDockTitles, Qt::QueuedConnection);
  if (event->polished() && qobject_cast<QTabBar*>(event->child()) != nullptr)
    event->child()->installEventFilter(this);
}

// A bar that is not needed now is put outside of the window; the Tab key would still stop there.
bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
  if (auto* tabs = qobject_cast<QTabBar*>(watched);
      tabs != nullptr && event->type() == QEvent::Move) {
    tabs->setFocusPolicy(tabs->geometry().intersects(rect()) ? Qt::TabFocus : Qt::NoFocus);
  }
  return QMainWindow::eventFilter(watched, event);
}

// A dock among tabs is named by its tab; one that stands alone by its heading.
void MainWindow::updateDockTitles() {
  for (QDockWidget* dock : m_docks) {
    bool tabbed = false;
    for (const QDockWidget* other : tabifiedDockWidgets(dock))
      tabbed = tabbed || !other->isHidden();
    static_cast<DockTitle*>(dock->titleBarWidget())->setShown(!tabbed && dock != m_tokenDock);
  }
  for (QTabBar* tabs : findChildren<QTabBar*>()) {
    tabs->setDrawBase(false);
    tabs->setExpanding(false);
    tabs->setAccessibleName(tr("Panels"));
  }
}

void MainWindow::showPreset(Preset preset) {
  findChild<QDockWidget*>(QStringLiteral("chatsDock"))->show();
  findChild<QDockWidget*>(QStringLiteral("logDock"))->hide();
  const bool inspect = preset == Preset::inspect;
  const bool memory = preset == Preset::memory;
  m_tokenDock->setVisible(inspect);
  m_stripDock->setVisible(inspect);
  m_slotsDock->setVisible(inspect || memory);
  m_timelineDock->setVisible(inspect || memory);
  m_tiersDock->setVisible(inspect || memory);
  m_hotSetDock->setVisible(inspect || memory);
  if (inspect || memory) m_tiersDock->raise();
  if (memory) m_slotsDock->raise();
  if (inspect) m_stripDock->raise();
  setWantedSizes(preset);
  fitDocks();
  static const char* const kNames[] = {"presetChat", "presetInspect", "presetMemory"};
  if (QAction* one = action(kNames[static_cast<int>(preset)])) one->setChecked(true);
  m_file.setValue(QStringLiteral("window/preset"), static_cast<int>(preset));
  QMetaObject::invokeMethod(this, &MainWindow::saveLayout, Qt::QueuedConnection);
}

void MainWindow::setWantedSizes(Preset preset) {
  m_wanted = {};
  m_wanted.lower = preset == Preset::memory ? 0.55 : 0.4;
}

// Docks stand where the user put them: at a side their width counts, below the height.
bool MainWindow::standsAt(const QDockWidget* dock, Qt::DockWidgetAreas areas) const {
  return !dock->isHidden() && !dock->isFloating() &&
         areas.testFlag(dockWidgetArea(const_cast<QDockWidget*>(dock)));
}

// After the user moved a line between docks.
void MainWindow::rememberSizes() {
  const auto* chats = findChild<QDockWidget*>(QStringLiteral("chatsDock"));
  if (standsAt(chats, kSides)) m_wanted.chats = chats->width();
  if (standsAt(m_tokenDock, kSides)) m_wanted.token = m_tokenDock->width();
  for (const QDockWidget* dock : {m_stripDock, m_slotsDock, m_timelineDock, m_tiersDock}) {
    if (!standsAt(dock, Qt::BottomDockWidgetArea) || !dock->widget()->isVisible()) continue;
    m_wanted.lower = double(dock->height()) / std::max(1, height());
    if (dock == m_tiersDock) m_wanted.tiers = double(dock->width()) / std::max(1, width());
  }
}

// Gives the docks what was wanted for them, as far as the window has it.
void MainWindow::fitDocks() {
  QList<QDockWidget*> sides;
  QList<int> widths;
  const auto side = [&](QDockWidget* dock, int wanted, int percent) {
    if (!standsAt(dock, kSides)) return;
    sides << dock;
    widths << std::min(wanted, std::max(dock->minimumSizeHint().width(), width() * percent / 100));
  };
  side(findChild<QDockWidget*>(QStringLiteral("chatsDock")), m_wanted.chats, 25);
  side(m_tokenDock, m_wanted.token, 28);
  if (!sides.isEmpty()) resizeDocks(sides, widths, Qt::Horizontal);
  QDockWidget* left = nullptr;
  for (QDockWidget* dock : {m_stripDock, m_slotsDock, m_timelineDock}) {
    if (left == nullptr && standsAt(dock, Qt::BottomDockWidgetArea)) left = dock;
  }
  if (left == nullptr || !standsAt(m_tiersDock, Qt::BottomDockWidgetArea) ||
      tabifiedDockWidgets(left).contains(m_tiersDock)) {
    return;
  }
  const int lower = static_cast<int>(height() * m_wanted.lower);
  const int tiers = static_cast<int>(width() * m_wanted.tiers);
  resizeDocks({left, m_tiersDock}, {lower, lower}, Qt::Vertical);
  resizeDocks({left, m_tiersDock}, {width() - tiers, tiers}, Qt::Horizontal);
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Which inspection views stand where, and the presets that show them.
#include <QAction>
#include <QActionGroup>
#include <QChildEvent>
#include <QDockWidget>
#include <QScrollArea>
#include <QTabBar>

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
  m_slotsDock = addDock("slotsDock", tr("Slots"),
                        scrolled(new SlotsView(m_branch, m_selection, m_source, this)),
                        Qt::BottomDockWidgetArea);
  auto* tiers = new TiersView(m_source, this);
  m_tiersDock = addDock("tiersDock", tr("Tiers"), scrolled(tiers), Qt::BottomDockWidgetArea);
  connect(tiers, &TiersView::stallExplanationRequested, this, &MainWindow::explainStall);
  connect(card, &TokenCard::stallExplanationRequested, this, [this](EventIndex event) {
    m_selection.pin(event);
    explainStall();
  });
  auto* hotSet = new HotSetView(m_branch, m_source, this);
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
  if (inspect) {
    m_stripDock->raise();
    resizeDocks({m_tokenDock}, {320}, Qt::Horizontal);
  }
  resizeDocks({findChild<QDockWidget*>(QStringLiteral("chatsDock"))}, {224}, Qt::Horizontal);
  if (inspect || memory) {
    const int bottom = memory ? height() / 2 : std::max(320, height() * 35 / 100);
    const int left = 55;  // percent of the width
    resizeDocks({memory ? m_slotsDock : m_stripDock, m_tiersDock}, {bottom, bottom}, Qt::Vertical);
    resizeDocks({memory ? m_slotsDock : m_stripDock, m_tiersDock},
                {width() * left / 100, width() * (100 - left) / 100}, Qt::Horizontal);
  }
  static const char* const kNames[] = {"presetChat", "presetInspect", "presetMemory"};
  if (QAction* one = action(kNames[static_cast<int>(preset)])) one->setChecked(true);
  m_layout.setValue(QStringLiteral("window/preset"), static_cast<int>(preset));
  QMetaObject::invokeMethod(this, &MainWindow::saveLayout, Qt::QueuedConnection);
}

}  // namespace mneme

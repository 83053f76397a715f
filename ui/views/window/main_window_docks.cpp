// SPDX-License-Identifier: Apache-2.0
// Where the docks of the registry stand, and the presets that show them.
#include <QAction>
#include <QActionGroup>
#include <QChildEvent>
#include <QCoreApplication>
#include <QDockWidget>
#include <QScrollArea>
#include <QTabBar>
#include <algorithm>

#include "ui/manual_topic.h"
#include "ui/views/inspect/stall_dialog.h"
#include "ui/views/window/dock_registry.h"
#include "ui/views/window/dock_title.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/start_guide.h"

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

void MainWindow::addDock(const DockRow& row, const ViewContext& context) {
  const QString title = QCoreApplication::translate("Docks", row.title);
  QWidget* view = row.make(context);
  QWidget* widget = row.scrolls ? scrolled(view) : view;
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(QLatin1String(row.name));
  dock->setAccessibleName(title);
  setManualTopic(dock, QLatin1String(row.manual));
  dock->setWidget(widget);
  dock->setTitleBarWidget(new DockTitle(title, dock));
  addDockWidget(row.place == DockPlace::left    ? Qt::LeftDockWidgetArea
                : row.place == DockPlace::right ? Qt::RightDockWidgetArea
                                                : Qt::BottomDockWidgetArea,
                dock);
  if (row.fixed) {
    dock->setFeatures(QDockWidget::DockWidgetClosable);
    dock->setAllowedAreas(kSides);
  }
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
  m_docks.push_back({&row, dock});
}

void MainWindow::makeDocks() {
  const ViewContext context{m_store,  m_engine, m_branch,   m_selection,
                            m_source, m_chats,  m_settings, [this] { explainStall(); },
                            this};
  for (const DockRow& row : allDocks()) addDock(row, context);
  const auto at = [this](DockPlace place) {
    std::vector<QDockWidget*> docks;
    for (const Dock& dock : m_docks) {
      if (dock.row->place == place) docks.push_back(dock.widget);
    }
    return docks;
  };
  // Before the tabs: what is split from a dock among tabs becomes another tab.
  splitDockWidget(at(DockPlace::lowerLeft).front(), at(DockPlace::lowerRight).front(),
                  Qt::Horizontal);
  for (const auto place :
       {DockPlace::left, DockPlace::right, DockPlace::lowerRight, DockPlace::lowerLeft}) {
    const auto docks = at(place);
    for (std::size_t i = 1; i < docks.size(); ++i) tabifyDockWidget(docks[i - 1], docks[i]);
  }
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
  for (const Dock& dock : m_docks) {
    bool tabbed = false;
    for (const QDockWidget* other : tabifiedDockWidgets(dock.widget))
      tabbed = tabbed || !other->isHidden();
    static_cast<DockTitle*>(dock.widget->titleBarWidget())->setShown(!tabbed && dock.row->heading);
  }
  for (QTabBar* tabs : findChildren<QTabBar*>()) {
    tabs->setDrawBase(false);
    tabs->setExpanding(false);
    tabs->setAccessibleName(tr("Panels"));
  }
}

void MainWindow::showPreset(Preset preset) {
  m_guide->leavePage();
  const unsigned layout = 1U << static_cast<unsigned>(preset);
  for (const Dock& dock : m_docks) dock.widget->setVisible((dock.row->layouts & layout) != 0);
  for (const Dock& dock : m_docks) {
    if ((dock.row->front & layout) != 0) dock.widget->raise();
  }
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
  for (const Dock& dock : m_docks) {
    const QDockWidget* widget = dock.widget;
    switch (dock.row->place) {
      case DockPlace::left:
        if (standsAt(widget, kSides)) m_wanted.chats = widget->width();
        break;
      case DockPlace::right:
        if (standsAt(widget, kSides)) m_wanted.token = widget->width();
        break;
      case DockPlace::lowerLeft:
      case DockPlace::lowerRight:
        if (!standsAt(widget, Qt::BottomDockWidgetArea) || !widget->widget()->isVisible()) break;
        m_wanted.lower = double(widget->height()) / std::max(1, height());
        if (dock.row->place == DockPlace::lowerRight)
          m_wanted.tiers = double(widget->width()) / std::max(1, width());
        break;
    }
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
  QDockWidget* left = nullptr;
  QDockWidget* right = nullptr;
  for (const Dock& dock : m_docks) {
    const DockPlace place = dock.row->place;
    if (place == DockPlace::left) side(dock.widget, m_wanted.chats, 25);
    if (place == DockPlace::right) side(dock.widget, m_wanted.token, 28);
    if (!standsAt(dock.widget, Qt::BottomDockWidgetArea)) continue;
    if (place == DockPlace::lowerLeft && left == nullptr) left = dock.widget;
    if (place == DockPlace::lowerRight && right == nullptr) right = dock.widget;
  }
  if (!sides.isEmpty()) resizeDocks(sides, widths, Qt::Horizontal);
  if (left == nullptr || right == nullptr || tabifiedDockWidgets(left).contains(right)) return;
  const int lower = static_cast<int>(height() * m_wanted.lower);
  const int tiers = static_cast<int>(width() * m_wanted.tiers);
  resizeDocks({left, right}, {lower, lower}, Qt::Vertical);
  resizeDocks({left, right}, {width() - tiers, tiers}, Qt::Horizontal);
}

}  // namespace mneme

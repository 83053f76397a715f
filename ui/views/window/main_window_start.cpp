// SPDX-License-Identifier: Apache-2.0
// The main window's welcome page, and the tour after it.
#include <QDockWidget>
#include <QStackedWidget>
#include <utility>

#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/composer.h"
#include "ui/views/start/download_way.h"
#include "ui/views/start/start_page.h"
#include "ui/views/start/ways_card.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/tour.h"

namespace mneme {
namespace {

// Set by the first start, until the tour was offered.
const QString kTourToOffer = QStringLiteral("window/offer_tour");

}  // namespace

// No window was there before, and nobody has named a model.
bool MainWindow::isFirstStart() const {
  return !m_file.contains(QStringLiteral("window/state")) && m_file.problem().isEmpty() &&
         m_settings.now().engine.model_path.empty();
}

void MainWindow::showFirstStart() {
  m_file.setValue(kTourToOffer, true);
  showStart();
}

void MainWindow::showStart() {
  if (m_start != nullptr) return;
  m_layoutBehind = saveState(kLayoutVersion);
  for (const Dock& dock : m_docks) dock.widget->hide();
  m_start = new StartPage(m_engine, m_defaultModel, m_startSources, m_centre);
  connect(m_start, &StartPage::left, this, &MainWindow::leaveStart);
  connect(m_start, &StartPage::openRequested, this,
          [this](const QString& path) { openModel(path, {}); });
  connect(m_start, &StartPage::chooseRequested, this, [this] { askForModel(); });
  if (m_download) {
    auto* way = new DownloadWay(m_engine.jobs(), m_file, *m_download, m_models);
    connect(way, &DownloadWay::opened, m_start, &StartPage::openRequested);
    m_start->ways()->addWay(way);
  }
  m_centre->addWidget(m_start);
  m_centre->setCurrentWidget(m_start);
  m_start->takeFocus();
  refreshActions();
}

void MainWindow::leaveStart() {
  StartPage* page = std::exchange(m_start, nullptr);
  if (page == nullptr) return;
  m_centre->setCurrentWidget(m_panel);
  m_centre->removeWidget(page);
  page->hide();
  page->deleteLater();  // it may be its button that was pressed
  restoreState(m_layoutBehind, kLayoutVersion);
  fitDocks();
  refreshActions();
  m_panel->composer()->setFocus();
  offerTour();
}

void MainWindow::offerTour() {
  const ModelLayout* layout = m_engine.layout();
  const bool shows = layout != nullptr && layout->memory && layout->chat_available;
  if (m_start != nullptr || !shows || !m_file.contains(kTourToOffer)) return;
  m_file.remove(kTourToOffer);
  m_panel->banner()->tell(Banner::Kind::notice,
                          tr("See what the n-gram memory does: a short tour."), 0,
                          tr("Start the tour"), [this] { startTour(); });
}

void MainWindow::startTour() {
  leaveStart();
  if (m_tour != nullptr) return;
  const auto refuse = [this](const QString& why) {
    m_panel->banner()->tell(Banner::Kind::notice, why, 0, tr("Ways to get a model"),
                            [this] { showStart(); });
  };
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) {
    refuse(tr("The tour shows an n-gram memory at work: open a model that has one first."));
  } else if (!layout->memory) {
    refuse(
        tr("This model has no n-gram memory, so there is nothing to show. The small model of the "
           "welcome page has one."));
  } else if (!layout->chat_available) {
    refuse(
        tr("This model cannot chat, so it cannot answer the tour's question. The small model of "
           "the welcome page can."));
  } else if (const QString blocked = m_conversation.blockedReason(); !blocked.isEmpty()) {
    m_panel->banner()->tell(Banner::Kind::notice, tr("The tour asks a question: %1").arg(blocked));
  } else {
    m_tour = new Tour(*this);
    connect(m_tour, &Tour::ended, this, [this] { m_tour = nullptr; });
    m_tour->start();
  }
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/start_guide.h"

#include <QDockWidget>
#include <QStackedWidget>
#include <utility>

#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/composer.h"
#include "ui/views/start/download_status.h"
#include "ui/views/start/download_way.h"
#include "ui/views/start/start_page.h"
#include "ui/views/start/ways_card.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/status_line.h"
#include "ui/views/window/tour.h"

namespace mneme {
namespace {

// Set by the first start, until the tour was offered.
const QString kTourToOffer = QStringLiteral("window/offer_tour");

bool isFirstStart(AppSettings& settings) {
  return !settings.file().contains(QStringLiteral("window/state")) &&
         settings.file().problem().isEmpty() && settings.now().engine.model_path.empty();
}

}  // namespace

StartGuide::StartGuide(MainWindow& window, QStackedWidget& centre, const WindowSetup& setup)
    : m_window(window),
      m_centre(centre),
      m_defaultModel(setup.defaultModel),
      m_package(setup.package),
      m_first(isFirstStart(*setup.settings)),
      m_sources(setup.start),
      m_survey(window.engine().jobs(), setup.start) {
  connect(&window.engine(), &EngineHost::modelOpened, this, &StartGuide::offerTour);
  if (!setup.download) return;
  m_download = std::make_unique<ModelDownload>(
      window.engine().jobs(), *setup.download,
      DownloadWay::folderFor(setup.settings->file(), setup.models), setup.downloadLimits);
  auto* status = new DownloadStatus(*m_download, window.statusLine());
  window.statusLine()->addPermanentWidget(status);
  connect(this, &StartGuide::pageChanged, status, [this, status] { status->setAway(!m_page); });
  connect(status, &DownloadStatus::clicked, this, &StartGuide::showPage);
  connect(m_download.get(), &ModelDownload::finished, this, &StartGuide::tellDownloaded);
  connect(m_download.get(), &ModelDownload::changed, this, &StartGuide::tellDownloadProblem);
}

StartGuide::~StartGuide() = default;

void StartGuide::begin() {
  if (!m_first) return;
  m_window.settings().file().setValue(kTourToOffer, true);
  showPage();
}

QByteArray StartGuide::layout() const {
  return m_page != nullptr ? m_layoutBehind : m_window.dockLayout();
}

void StartGuide::showPage() {
  if (m_page != nullptr) return;
  m_layoutBehind = m_window.dockLayout();
  for (QDockWidget* dock : m_window.findChildren<QDockWidget*>()) dock->hide();
  m_page = new StartPage(m_window.engine(), m_defaultModel, m_package, m_survey, m_sources.models,
                         &m_centre);
  connect(m_page, &StartPage::left, this, &StartGuide::leavePage);
  connect(m_page, &StartPage::openRequested, &m_window,
          [this](const QString& path) { m_window.openModel(path, {}); });
  connect(m_page, &StartPage::chooseRequested, &m_window, [this] { m_window.askForModel(); });
  if (m_download) m_page->ways()->addWay(new DownloadWay(*m_download, m_window.settings().file()));
  m_centre.addWidget(m_page);
  m_centre.setCurrentWidget(m_page);
  m_page->takeFocus();
  Q_EMIT pageChanged();
}

void StartGuide::leavePage() {
  StartPage* page = std::exchange(m_page, nullptr);
  if (page == nullptr) return;
  m_survey.pause();
  m_centre.setCurrentWidget(m_window.panel());
  m_centre.removeWidget(page);
  page->hide();
  page->deleteLater();  // it may be its button that was pressed
  m_window.restoreDocks(m_layoutBehind);
  Q_EMIT pageChanged();
  m_window.panel()->composer()->setFocus();
  offerTour();
}

// On the page it is what was waited for; a chat that goes on is not left for it.
void StartGuide::tellDownloaded(const QString& path) {
  if (m_page != nullptr) {
    m_window.openModel(path, {});
    return;
  }
  m_window.panel()->banner()->tell(Banner::Kind::notice,
                                   tr("%1 was downloaded.").arg(m_download->offer().name), 0,
                                   tr("Open it"), [this, path] { m_window.openModel(path, {}); });
}

void StartGuide::tellDownloadProblem() {
  if (m_page != nullptr || m_download->state() != ModelDownload::State::failed) return;
  m_window.panel()->banner()->tell(Banner::Kind::error, m_download->problem(), 0,
                                   tr("Show the download"), [this] { showPage(); });
}

void StartGuide::offerTour() {
  const ModelLayout* layout = m_window.engine().layout();
  const bool shows = layout != nullptr && layout->memory && layout->chat_available;
  SettingsFile& file = m_window.settings().file();
  if (m_page != nullptr || !shows || !file.contains(kTourToOffer)) return;
  file.remove(kTourToOffer);
  m_window.panel()->banner()->tell(Banner::Kind::notice,
                                   tr("See what the n-gram memory does: a short tour."), 0,
                                   tr("Start the tour"), [this] { startTour(); });
}

void StartGuide::startTour() {
  leavePage();
  if (m_tour != nullptr) return;
  Banner* banner = m_window.panel()->banner();
  const auto refuse = [&](const QString& why) {
    banner->tell(Banner::Kind::notice, why, 0, tr("Ways to get a model"), [this] { showPage(); });
  };
  const ModelLayout* layout = m_window.engine().layout();
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
  } else if (const QString blocked = m_window.conversation().blockedReason(); !blocked.isEmpty()) {
    banner->tell(Banner::Kind::notice, tr("The tour asks a question: %1").arg(blocked));
  } else {
    m_tour = new Tour(m_window);
    connect(m_tour, &Tour::ended, this, [this] { m_tour = nullptr; });
    m_tour->start();
  }
}

}  // namespace mneme

#include "moc_start_guide.cpp"

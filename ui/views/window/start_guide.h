// SPDX-License-Identifier: Apache-2.0
// What leads a new user: the welcome page, which has the docks' room while it is shown, the tour,
// and what outlives the page: what was measured, a download that runs. UI thread.
#pragma once

#include <QObject>
#include <memory>

#include "ui/bridge/machine_survey.h"
#include "ui/bridge/model_download.h"
#include "ui/package_kind.h"

class QStackedWidget;

namespace mneme {

class MainWindow;
class StartPage;
class Tour;
struct WindowSetup;

class StartGuide : public QObject {
  Q_OBJECT

 public:
  // `window` outlives it and is not laid out yet; the page goes into `centre`, in front of the
  // chat.
  StartGuide(MainWindow& window, QStackedWidget& centre, const WindowSetup& setup);
  ~StartGuide() override;

  // Shows the page, if this is the first start: no window was there before, and nobody has named a
  // model.
  void begin();

  void showPage();
  void leavePage();
  StartPage* page() const { return m_page; }  // null: it is not shown
  void startTour();
  Tour* tour() const { return m_tour; }                         // null: none is under way
  ModelDownload* download() const { return m_download.get(); }  // null: none is offered

  // The docks' layout that is to be kept: while the page is shown, the one behind it.
  QByteArray layout() const;

 Q_SIGNALS:
  void pageChanged();  // it came or went

 private:
  void offerTour();
  void tellDownloaded(const QString& path);
  void tellDownloadProblem();

  MainWindow& m_window;
  QStackedWidget& m_centre;
  const QString m_defaultModel;
  const Package m_package;
  const bool m_first;
  const StartSources m_sources;
  MachineSurvey m_survey;
  std::unique_ptr<ModelDownload> m_download;
  StartPage* m_page = nullptr;  // of m_centre
  QByteArray m_layoutBehind;
  Tour* m_tour = nullptr;  // the window's child
};

}  // namespace mneme

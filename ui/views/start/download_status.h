// SPDX-License-Identifier: Apache-2.0
// The download in the status bar, while the welcome page is not shown: how far it is. Pressed, it
// leads there. UI thread.
#pragma once

#include <QPushButton>

namespace mneme {

class ModelDownload;

class DownloadStatus : public QPushButton {
  Q_OBJECT

 public:
  // `download` outlives what it is told.
  explicit DownloadStatus(ModelDownload& download, QWidget* parent = nullptr);

  void setAway(bool away);  // the page does not show it

 private:
  void refresh();

  ModelDownload& m_download;
  bool m_away = true;
};

}  // namespace mneme

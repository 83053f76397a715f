// SPDX-License-Identifier: Apache-2.0
// The way to a model by a download: what it is, how far it came, and the buttons for what can be
// done now. It exists only where the packager offers a model (configuredDownload()). UI thread.
#pragma once

#include <QWidget>
#include <functional>

#include "ui/bridge/model_download.h"

class QLabel;
class QProgressBar;
class QPushButton;

namespace mneme {

class MessageLine;
class SettingsFile;

class DownloadWay : public QWidget {
  Q_OBJECT

 public:
  // Both outlive it: the download goes on without it. `file` remembers a place that was chosen.
  DownloadWay(ModelDownload& download, SettingsFile& file, QWidget* parent = nullptr);

  // Where models go: the place that was chosen, else `folder`.
  static QString folderFor(const SettingsFile& file, const QString& folder);
  // The question for another place, given the present one; "" = none was chosen.
  void setAskForFolder(std::function<QString(const QString&)> ask) { m_ask = std::move(ask); }

 private:
  void refresh();
  void chooseFolder();

  ModelDownload& m_download;
  SettingsFile& m_file;
  std::function<QString(const QString&)> m_ask;
  QLabel* m_about;
  QProgressBar* m_bar;
  QLabel* m_amount;
  QLabel* m_left;
  MessageLine* m_problem;
  QPushButton* m_start;
  QPushButton* m_pause;
  QPushButton* m_cancel;
  QPushButton* m_place;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/download_status.h"

#include "ui/bridge/model_download.h"

namespace mneme {

DownloadStatus::DownloadStatus(ModelDownload& download, QWidget* parent)
    : QPushButton(parent), m_download(download) {
  setObjectName(QStringLiteral("downloadStatus"));
  setProperty("kind", QStringLiteral("quiet"));
  setFocusPolicy(Qt::TabFocus);
  setToolTip(tr("Show the download"));
  connect(&download, &ModelDownload::changed, this, &DownloadStatus::refresh);
  refresh();
}

void DownloadStatus::setAway(bool away) {
  m_away = away;
  refresh();
}

void DownloadStatus::refresh() {
  using State = ModelDownload::State;
  const State state = m_download.state();
  const DownloadOffer& offer = m_download.offer();
  const auto percent = static_cast<int>(100 * static_cast<double>(m_download.bytes()) /
                                        static_cast<double>(offer.bytes));
  setVisible(m_away && state != State::idle && state != State::done);
  setText(state == State::paused   ? tr("download paused, %1 %").arg(percent)
          : state == State::failed ? tr("download failed, %1 %").arg(percent)
                                   : tr("download %1 %").arg(percent));
  setAccessibleName(tr("%1: %2").arg(offer.name, text()));
}

}  // namespace mneme

#include "moc_download_status.cpp"

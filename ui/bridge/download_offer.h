// SPDX-License-Identifier: Apache-2.0
// The model that the packager offers to download, if there is one: the values MODEL_DOWNLOAD_* of
// the root CMakeLists.txt. Plain data.
#pragma once

#include <QString>
#include <QUrl>
#include <optional>

namespace mneme {

struct DownloadOffer {
  QUrl url;
  QString sha256;  // 64 lower-case digits
  quint64 bytes = 0;
  QString name;  // what the window calls it
  QString licence;

  QString fileName() const { return url.fileName(); }
};

std::optional<DownloadOffer> configuredDownload();

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/download_offer.h"

namespace mneme {
namespace {

#include "ui/download_values.h"

}  // namespace

std::optional<DownloadOffer> configuredDownload() {
  DownloadOffer offer;
  offer.url = QUrl(QString::fromUtf8(kOfferedUrl), QUrl::StrictMode);
  offer.sha256 = QString::fromUtf8(kOfferedSha256);
  offer.bytes = QByteArray(kOfferedBytes).toULongLong();
  offer.name = QString::fromUtf8(kOfferedName);
  offer.licence = QString::fromUtf8(kOfferedLicence);
  return offer.bytes == 0 ? std::nullopt : std::optional(offer);
}

}  // namespace mneme

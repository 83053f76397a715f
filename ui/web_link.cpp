// SPDX-License-Identifier: Apache-2.0
#include "ui/web_link.h"

#include <QCoreApplication>
#include <QDesktopServices>
#include <QMessageBox>

#include "ui/plain_text.h"

namespace mneme {

bool isWebLink(const QUrl& url) {
  const QString scheme = url.scheme().toLower();
  return scheme == QLatin1String("http") || scheme == QLatin1String("https");
}

void askToOpenWebLink(const QUrl& url, QWidget* parent) {
  auto* box = new QMessageBox(
      QMessageBox::Question, QCoreApplication::translate("WebLink", "Open a link"),
      QCoreApplication::translate("WebLink", "Open this address in the web browser?\n\n%1")
          .arg(boundedText(url.toDisplayString())),
      QMessageBox::Yes | QMessageBox::No, parent);
  box->setAttribute(Qt::WA_DeleteOnClose);
  QObject::connect(box, &QMessageBox::finished, box, [url](int answer) {
    if (answer == QMessageBox::Yes) QDesktopServices::openUrl(url);
  });
  box->open();
}

}  // namespace mneme

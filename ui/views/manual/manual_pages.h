// SPDX-License-Identifier: Apache-2.0
// The pages of the manual, which are compiled in: what there is, what they are called, where a text
// stands in them. A topic names a page and a place in it, "reading-the-views#slots". UI thread.
#pragma once

#include <QString>
#include <QUrl>
#include <vector>

class QTextDocument;

namespace mneme {

struct ManualPage {
  QString name;   // of the file, without ".md"
  QString title;  // its first heading
};

const std::vector<ManualPage>& manualPages();  // in the order of the list; the first is the index
int manualPageOf(const QUrl& url);             // its place in manualPages(); -1: is none of them

QUrl manualUrl(const QString& topic);
// As links name it: small letters, "-" for each blank, no punctuation.
QString manualAnchor(const QString& heading);
// Lets links lead to the headings of a page that was just read.
void addManualAnchors(QTextDocument& document);

struct ManualHit {
  int page = 0;      // of manualPages()
  int position = 0;  // in its document
  friend bool operator==(const ManualHit&, const ManualHit&) = default;
};
// Small and capital letters alike. "" is nowhere.
std::vector<ManualHit> findInManual(const QString& text);

}  // namespace mneme

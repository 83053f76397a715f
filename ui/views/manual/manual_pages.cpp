// SPDX-License-Identifier: Apache-2.0
#include "ui/views/manual/manual_pages.h"

#include <QFile>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <algorithm>

#include "resources/resources.h"

namespace mneme {
namespace {

const char* const kNames[] = {"index",        "reading-the-views", "choosing-a-budget",
                              "large-models", "training-a-memory", "formats",
                              "messages"};

QString sourceOf(const QString& name) {
  QFile file(QStringLiteral(":/manual/%1.md").arg(name));
  return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

std::vector<ManualPage> readPages() {
  load_resources();
  std::vector<ManualPage> pages;
  for (const char* name : kNames) {
    const QString first = sourceOf(QLatin1String(name)).section(QLatin1Char('\n'), 0, 0);
    pages.push_back({QLatin1String(name), first.mid(2)});  // after "# "
  }
  return pages;
}

// What is searched: as the documents that are shown, so that positions are theirs.
const std::vector<QString>& pageTexts() {
  static const std::vector<QString> texts = [] {
    std::vector<QString> made;
    for (const ManualPage& page : manualPages()) {
      QTextDocument document;
      document.setMarkdown(sourceOf(page.name));
      made.push_back(document.toPlainText());
    }
    return made;
  }();
  return texts;
}

}  // namespace

const std::vector<ManualPage>& manualPages() {
  static const std::vector<ManualPage> pages = readPages();
  return pages;
}

int manualPageOf(const QUrl& url) {
  const auto& pages = manualPages();
  const auto found = std::ranges::find_if(pages, [&](const ManualPage& page) {
    return manualUrl(page.name) == url.adjusted(QUrl::RemoveFragment);
  });
  return found == pages.end() ? -1 : static_cast<int>(found - pages.begin());
}

QUrl manualUrl(const QString& topic) {
  const QString name = topic.section(QLatin1Char('#'), 0, 0);
  QUrl url(QStringLiteral("qrc:/manual/%1.md").arg(name));
  const QString anchor = topic.section(QLatin1Char('#'), 1);
  if (!anchor.isEmpty()) url.setFragment(anchor);
  return url;
}

QString manualAnchor(const QString& heading) {
  QString anchor;
  for (const QChar c : heading.toLower()) {
    if (c.isLetterOrNumber() || c == QLatin1Char('-')) anchor += c;
    if (c == QLatin1Char(' ')) anchor += QLatin1Char('-');
  }
  return anchor;
}

void addManualAnchors(QTextDocument& document) {
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
    if (block.blockFormat().headingLevel() == 0) continue;
    QTextCursor cursor(block);
    cursor.movePosition(QTextCursor::NextCharacter, QTextCursor::KeepAnchor);
    QTextCharFormat format;
    format.setAnchor(true);
    format.setAnchorNames({manualAnchor(block.text())});
    cursor.mergeCharFormat(format);
  }
}

std::vector<ManualHit> findInManual(const QString& text) {
  std::vector<ManualHit> hits;
  if (text.isEmpty()) return hits;
  const auto& texts = pageTexts();
  for (std::size_t page = 0; page < texts.size(); ++page) {
    for (qsizetype at = 0; (at = texts[page].indexOf(text, at, Qt::CaseInsensitive)) >= 0;
         at += text.size()) {
      hits.push_back({static_cast<int>(page), static_cast<int>(at)});
    }
  }
  return hits;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/plain_text.h"

#include <QApplication>
#include <QEvent>
#include <QLabel>
#include <QStringList>
#include <QTextBoundaryFinder>

namespace mneme {
namespace {

constexpr qsizetype kLineLength = 100;
constexpr qsizetype kLines = 20;

// Qt polishes a widget before it first asks for its size or paints it, so before a label's text is
// read as rich text and its pictures are loaded.
class PlainLabels : public QObject {
 public:
  using QObject::QObject;

  bool eventFilter(QObject* object, QEvent* event) override {
    if (event->type() == QEvent::Polish) {
      if (auto* label = qobject_cast<QLabel*>(object);
          label != nullptr && label->textFormat() == Qt::AutoText) {
        label->setTextFormat(Qt::PlainText);
      }
    }
    return QObject::eventFilter(object, event);
  }
};

}  // namespace

void makePlainTextTheDefault(QApplication& application) {
  const QString name = QStringLiteral("plainLabels");
  if (application.findChild<QObject*>(name, Qt::FindDirectChildrenOnly) != nullptr) return;
  auto* filter = new PlainLabels(&application);
  filter->setObjectName(name);
  application.installEventFilter(filter);
}

QString menuText(const QString& text) {
  QString plain = text;
  plain.replace(QLatin1Char('&'), QStringLiteral("&&"));
  plain.replace(QLatin1Char('\t'), QLatin1Char(' '));
  return plain;
}

QString windowTitleText(const QString& text) {
  QString plain = text.simplified();
  plain.replace(QStringLiteral("[*]"), QStringLiteral("[*][*]"));
  return plain;
}

QString boundedText(const QString& text) {
  // More is never shown, however long the text is.
  const QString start = text.left((kLineLength + 1) * kLines);
  QStringList lines;
  for (const QString& line : start.split(QLatin1Char('\n'))) {
    QTextBoundaryFinder breaks(QTextBoundaryFinder::Line, line);
    QTextBoundaryFinder characters(QTextBoundaryFinder::Grapheme, line);
    qsizetype from = 0;
    while (line.size() - from > kLineLength && lines.size() < kLines) {
      breaks.setPosition(from + kLineLength);
      qsizetype to = breaks.isAtBoundary() ? breaks.position() : breaks.toPreviousBoundary();
      if (to <= from) {  // one long word
        characters.setPosition(from + kLineLength);
        to = characters.isAtBoundary() ? characters.position() : characters.toPreviousBoundary();
      }
      if (to <= from) to = from + kLineLength;
      lines << line.mid(from, to - from);
      from = to;
    }
    lines << line.mid(from);
  }
  if (lines.size() > kLines || text.size() > start.size()) {
    lines = lines.mid(0, kLines);
    lines.back() += QChar(0x2026);
  }
  return lines.join(QLatin1Char('\n'));
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/manual/manual_view.h"

#include <QAbstractTextDocumentLayout>
#include <QFile>
#include <QImage>
#include <QPainter>
#include <QScrollBar>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextList>
#include <QTextTable>
#include <algorithm>
#include <cmath>

#include "ui/theme.h"
#include "ui/views/manual/manual_pages.h"

namespace mneme {
namespace {

constexpr double kTextScale = 1.08;  // as the chat
constexpr int kColumn = 720;         // pixels at normal zoom
constexpr int kSide = 28;

// The unit of all distances: the height of the letters, roughly.
double em() {
  return QFontMetricsF(Theme::current().uiFont(kTextScale)).height() / 1.2;
}

bool inTable(const QTextBlock& block) {
  return QTextCursor(block).currentTable() != nullptr;
}

bool isCode(const QTextBlock& block) {
  return block.blockFormat().hasProperty(QTextFormat::BlockCodeFence) ||
         block.blockFormat().hasProperty(QTextFormat::BlockCodeLanguage);
}

bool isPicture(const QTextBlock& block) {
  return !block.begin().atEnd() && block.begin().fragment().charFormat().isImageFormat();
}

struct Stretch {
  int start;
  int length;
  QTextCharFormat format;
};

std::vector<Stretch> stretchesOf(const QTextDocument& document) {
  std::vector<Stretch> all;
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
    for (auto it = block.begin(); !it.atEnd(); ++it) {
      const QTextFragment fragment = it.fragment();
      all.push_back({fragment.position(), fragment.length(), fragment.charFormat()});
    }
  }
  return all;
}

QTextCursor cursorOver(QTextDocument* document, int start, int length) {
  QTextCursor cursor(document);
  cursor.setPosition(start);
  cursor.setPosition(start + length, QTextCursor::KeepAnchor);
  return cursor;
}

}  // namespace

ManualView::ManualView(QWidget* parent) : QTextBrowser(parent) {
  setObjectName(QStringLiteral("manualView"));
  setAccessibleName(tr("Page of the manual"));
  setOpenLinks(false);
  setFrameShape(QFrame::NoFrame);
  document()->setDocumentMargin(0);
  connect(this, &QTextBrowser::anchorClicked, this, &ManualView::follow);
  connect(this, &QTextBrowser::sourceChanged, this, &ManualView::onSource);
  connect(this, &QTextBrowser::historyChanged, this, &ManualView::pageChanged);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &ManualView::restyle);
}

void ManualView::open(const QString& topic) {
  setSource(manualUrl(topic));
}

int ManualView::page() const {
  return manualPageOf(m_url);
}

QVariant ManualView::loadResource(int type, const QUrl& name) {
  const QUrl url = manualUrl(manualPages().front().name).resolved(name);
  if (url.scheme() != QLatin1String("qrc")) return {};
  QFile file(QLatin1Char(':') + url.path());
  if (!file.open(QIODevice::ReadOnly)) return {};
  if (type != QTextDocument::ImageResource) return file.readAll();
  QImage image = QImage::fromData(file.readAll()).convertToFormat(QImage::Format_RGB32);
  QPainter painter(&image);  // pictures are light: their edge would be lost, or stand out
  painter.setPen(Theme::current().border);
  painter.drawRect(image.rect().adjusted(0, 0, -1, -1));
  return image;
}

void ManualView::follow(const QUrl& url) {
  const QUrl full = m_url.resolved(url);
  if (manualPageOf(full) >= 0) {
    setSource(full);
  } else {
    Q_EMIT webLinkChosen(full);
  }
}

// Also where only the place in a page differs, the browser may have read it anew.
void ManualView::onSource(const QUrl& url) {
  m_url = url;
  style();
  if (url.hasFragment()) scrollToAnchor(url.fragment());
  Q_EMIT pageChanged();
}

// Colours and sizes are the theme's: the page is read again.
void ManualView::restyle() {
  if (m_url.isEmpty()) return;
  QScrollBar* bar = verticalScrollBar();
  const double at = bar->maximum() > 0 ? double(bar->value()) / bar->maximum() : 0;
  reload();
  bar->setValue(static_cast<int>(std::lround(at * bar->maximum())));
}

void ManualView::style() {
  document()->setDefaultFont(Theme::current().uiFont(kTextScale));
  styleBlocks();
  styleText();
  styleTables();
  addManualAnchors(*document());
  fit();
}

void ManualView::styleBlocks() {
  const Theme& t = Theme::current();
  const double unit = em();
  for (QTextBlock block = document()->begin(); block.isValid(); block = block.next()) {
    QTextBlockFormat format = block.blockFormat();
    QTextCursor cursor(block);
    const int level = format.headingLevel();
    double above = 0, below = 0.75, lines = 145;
    if (level == 1) {
      below = 0.55;
      lines = 120;
    } else if (level > 1) {
      above = level == 2 ? 1.15 : 0.8;
      below = 0.35;
      lines = 120;
    } else if (inTable(block)) {
      below = 0;
      lines = 130;
    } else if (isCode(block)) {
      format.setBackground(t.codeBackground);
      const bool last = !block.next().isValid() || !isCode(block.next());
      below = last ? 0.9 : 0;
      lines = 135;
    } else if (block.textList() != nullptr) {
      const bool last = block.next().textList() == nullptr;
      below = last ? 0.75 : 0.3;
    }
    if (isPicture(block)) lines = 100;  // else the gap below grows with the picture
    format.setTopMargin(above * unit);
    format.setBottomMargin(below * unit);
    format.setLineHeight(lines, QTextBlockFormat::ProportionalHeight);
    cursor.setBlockFormat(format);
    if (QTextList* list = block.textList()) {
      QTextListFormat marks = list->format();
      if (marks.style() < QTextListFormat::ListDisc) continue;
      marks.setIndent(1);
      list->setFormat(marks);
    }
  }
  document()->setIndentWidth(1.5 * unit);
}

void ManualView::styleText() {
  const Theme& t = Theme::current();
  for (const Stretch& one : stretchesOf(*document())) {
    const QTextBlock block = document()->findBlock(one.start);
    QTextCharFormat format;
    if (one.format.isAnchor() && !one.format.anchorHref().isEmpty()) {
      format.setForeground(t.accent);
      format.setFontUnderline(true);
    }
    if (const int level = block.blockFormat().headingLevel(); level > 0) {
      // What Markdown made larger has to go: it would count, not the size.
      QTextCharFormat heading = one.format;
      heading.clearProperty(QTextFormat::FontSizeAdjustment);
      heading.setFontPointSize(t.uiFont(level == 1 ? 1.75 : level == 2 ? 1.27 : 1.1).pointSizeF());
      heading.setFontWeight(QFont::DemiBold);
      cursorOver(document(), one.start, one.length).setCharFormat(heading);
    } else if (one.format.fontFixedPitch()) {
      const QFont mono = t.monoFont(isCode(block) ? 1.0 : kTextScale);
      format.setFontFamilies(mono.families());
      format.setFontPointSize(mono.pointSizeF());
      if (!isCode(block)) format.setBackground(t.codeBackground);
    }
    if (format.propertyCount() > 0)
      cursorOver(document(), one.start, one.length).mergeCharFormat(format);
  }
}

void ManualView::styleTables() {
  const Theme& t = Theme::current();
  for (QTextFrame* frame : document()->rootFrame()->childFrames()) {
    auto* table = qobject_cast<QTextTable*>(frame);
    if (table == nullptr) continue;
    QTextTableFormat format = table->format();
    format.setBorder(1);
    format.setBorderBrush(t.border);
    format.setBorderStyle(QTextFrameFormat::BorderStyle_Solid);
    format.setBorderCollapse(true);
    format.setCellPadding(0.42 * em());
    format.setCellSpacing(0);
    format.setBottomMargin(0.9 * em());
    format.setWidth(QTextLength(QTextLength::PercentageLength, 100));
    table->setFormat(format);
    for (int column = 0; column < table->columns(); ++column) {
      QTextTableCell cell = table->cellAt(0, column);
      QTextCharFormat head = cell.format();
      head.setBackground(t.raised);
      cell.setFormat(head);
    }
  }
}

// A column of text that is not too wide to read, and pictures that are not wider than it.
void ManualView::fit() {
  const int column = static_cast<int>(kColumn * std::max(1.0, Theme::zoom()));
  const int room = viewport()->width();
  const int side = std::max(kSide, std::min((room - column) / 2, 3 * kSide));
  const int width = std::max(100, std::min(column, room - 2 * side));
  QTextFrame* root = document()->rootFrame();
  QTextFrameFormat frame = root->frameFormat();
  frame.setTopMargin(22);
  frame.setBottomMargin(30);
  frame.setLeftMargin(side);
  frame.setRightMargin(room - side - width);
  root->setFrameFormat(frame);
  for (const Stretch& one : stretchesOf(*document())) {
    if (!one.format.isImageFormat()) continue;
    QTextImageFormat format = one.format.toImageFormat();
    const auto image =
        document()->resource(QTextDocument::ImageResource, QUrl(format.name())).value<QImage>();
    if (image.isNull()) continue;
    const double shown = std::min(double(width), image.width() / image.devicePixelRatio());
    if (format.width() == shown) continue;
    format.setWidth(shown);
    format.setHeight(std::round(shown * image.height() / image.width()));
    cursorOver(document(), one.start, one.length).setCharFormat(format);
  }
}

void ManualView::resizeEvent(QResizeEvent* event) {
  QTextBrowser::resizeEvent(event);
  if (!m_url.isEmpty()) fit();
}

void ManualView::mark(const std::vector<int>& positions, int length, int current) {
  const Theme& t = Theme::current();
  QList<ExtraSelection> marks;
  for (const int position : positions) {
    ExtraSelection one;
    one.cursor = cursorOver(document(), position, length);
    const bool here = position == current;
    one.format.setBackground(here ? t.accent : t.accentSoft);
    one.format.setForeground(here ? t.accentText : t.text);
    marks << one;
  }
  setExtraSelections(marks);
}

void ManualView::reveal(int position) {
  constexpr int kAround = 40;
  const QRect rect = cursorRect(cursorOver(document(), position, 0));
  const int height = viewport()->height();
  if (rect.top() < kAround || rect.bottom() > height - kAround) {
    verticalScrollBar()->setValue(verticalScrollBar()->value() + rect.top() - height / 3);
  }
}

}  // namespace mneme

#include "moc_manual_view.cpp"

// SPDX-License-Identifier: Apache-2.0
// How the texts of blocks are cut into pieces, laid out, and placed.
#include <QFontMetricsF>
#include <QTextBoundaryFinder>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "ui/theme.h"
#include "ui/views/chat/message_fonts.h"
#include "ui/views/chat/message_layout.h"
#include "ui/views/chat/text_estimate.h"

namespace mneme {
namespace {

constexpr qreal kCellPadding = 9;
// Characters of a piece before it is cut at a line's end. Of a text that grows the last one is laid
// out again with each word: a line or two. Of others longer ones save what is laid out twice.
constexpr int kGrowingPiece = 100;
constexpr int kWholePiece = 600;
constexpr int kAhead = 120;  // characters behind a piece that decide where its last line ends
constexpr int kAheadMost = 2000;
constexpr int kStretchMost = 8000;  // characters without a line's end
constexpr int kCutBack = 200;       // how far before that a better place is looked for
constexpr int kCellMeasured = 300;  // a longer text of a cell does not fit anyway
constexpr qreal kEverywhere = std::numeric_limits<qreal>::max();

int s_piecesLaidOut = 0;
int s_charactersLaidOut = 0;

QColor codeColour(CodeKind kind) {
  const Theme& t = Theme::current();
  switch (kind) {
    case CodeKind::keyword:
      return t.dark ? QColor(0xB7, 0x9C, 0xFF) : QColor(0x6B, 0x3F, 0xC9);
    case CodeKind::string:
      return t.dark ? QColor(0x7F, 0xCF, 0x9B) : QColor(0x1E, 0x6F, 0x45);
    case CodeKind::comment:
      return t.textMuted;
    case CodeKind::number:
      return t.dark ? QColor(0xF2, 0xAE, 0x72) : QColor(0x9C, 0x4A, 0x10);
    case CodeKind::name:
      return t.dark ? QColor(0x8F, 0xB4, 0xFF) : QColor(0x2A, 0x4C, 0xC0);
  }
  return t.text;
}

bool isBreak(QChar c) {
  return c == QLatin1Char('\n') || c == QChar::LineSeparator;
}

// The place of the first break in [from, to), or `to`.
int nextBreak(const QString& text, int from, int to) {
  const auto found = std::find_if(text.begin() + from, text.begin() + to, isBreak);
  return static_cast<int>(found - text.begin());
}

// A long text is laid out in stretches, each of which begins with a line of its own, so that one in
// the middle is laid out without all before it. Where a stretch that begins at `start` ends depends
// only on what is in it: at the end of a line of the text if there is any, so that lines break as
// those of one layout would. Only lines longer than any that people read are cut elsewhere.
int endOfStretch(const QString& text, int start, int end) {
  const int most = std::min(end, start + kStretchMost);
  const int least = start + kWholePiece - 1;
  if (least >= most) return end;
  const int line = nextBreak(text, least, most);
  if (line < most) return line + 1;
  if (most == end) return end;
  const int from = most - kCutBack;
  for (int i = most; i > from; --i) {
    if (text[i - 1].isSpace()) return i;
  }
  QTextBoundaryFinder characters(QTextBoundaryFinder::Grapheme, text.constData() + from, kCutBack);
  characters.toEnd();
  const auto cut = static_cast<int>(characters.toPreviousBoundary());
  if (cut > 0) return from + cut;
  return text[most].isLowSurrogate() ? most - 1 : most;
}

// By the first strong character; nothing where there is none.
std::optional<bool> rightToLeft(QStringView text) {
  for (const QChar c : text) {
    if (c.direction() == QChar::DirL) return false;
    if (c.direction() == QChar::DirR || c.direction() == QChar::DirAL) return true;
  }
  return std::nullopt;
}

// The first of `spans`, which ascend, that ends behind `from`.
template <typename Span>
auto firstSpan(const std::vector<Span>& spans, int from) {
  return std::lower_bound(spans.begin(), spans.end(), from, [](const Span& span, int place) {
    return span.start + span.length <= place;
  });
}

// Formats for the characters [from, to), counted from `from`.
template <typename Span, typename ToFormat>
QList<QTextLayout::FormatRange> formatsIn(const std::vector<Span>& spans, int from, int to,
                                          const ToFormat& toFormat) {
  QList<QTextLayout::FormatRange> formats;
  for (auto span = firstSpan(spans, from); span != spans.end() && span->start < to; ++span) {
    const int start = std::max(span->start, from);
    const int end = std::min(span->start + span->length, to);
    formats.append({start - from, end - start, toFormat(*span)});
  }
  return formats;
}

qreal codeHeaderHeight() {
  return std::ceil(QFontMetricsF(smallFont()).height() + 12);
}

QFont tableHeadFont() {
  QFont font = bodyFont();
  font.setWeight(QFont::DemiBold);
  return font;
}

}  // namespace

int MessageLayout::piecesLaidOut() {
  return s_piecesLaidOut;
}

int MessageLayout::charactersLaidOut() {
  return s_charactersLaidOut;
}

void MessageLayout::layoutBlock(Block& block, qreal width, bool estimate) const {
  using Kind = MarkdownBlock::Kind;
  const Kind kind = block.content.kind;
  block.copy = QRectF();
  block.indent = kIndent * (block.content.listDepth + block.content.quoteDepth * 0.8);
  block.width = std::max<qreal>(width - block.indent, 60);
  block.rightToLeft = kind != Kind::code && kind != Kind::table &&
                      rightToLeft(block.content.text.text).value_or(false);
  // Lists and quotes of a right-to-left text are indented on its side.
  block.x = block.rightToLeft ? 0 : block.indent;
  if (kind == Kind::table) measureColumns(block);
  if (kind == Kind::code) {
    const QFontMetricsF metrics(smallFont());
    const qreal copyWidth = std::max(metrics.horizontalAdvance(copyText(false)),
                                     metrics.horizontalAdvance(copyText(true))) +
                            16;
    block.copy = QRectF(block.width - copyWidth - 4, 2, copyWidth, codeHeaderHeight() - 4);
    if (m_inked) {
      block.spans.clear();
    } else {
      highlight(block);
    }
  }
  cutTexts(block, estimate);
  if (!estimate) {
    for (std::size_t p = 0; p < block.pieces.size(); ++p) {
      if (!block.pieces[p].layout) layoutPiece(block, p, kEverywhere);
    }
  }
  placePieces(block);
}

QTextCharFormat MessageLayout::formatOf(const MarkdownSpan& span, const QFont& base) const {
  const Theme& t = Theme::current();
  QTextCharFormat format;
  if (span.code) {
    QFont mono = t.monoFont();
    mono.setPointSizeF(base.pointSizeF() * 0.92);
    format.setFont(mono);
    if (!m_inked) format.setBackground(t.codeBackground);
  }
  if (span.bold) format.setFontWeight(QFont::DemiBold);
  if (span.italic) format.setFontItalic(true);
  if (span.strike) format.setFontStrikeOut(true);
  if (!span.link.isEmpty()) {
    if (!m_inked) format.setForeground(t.accent);
    format.setFontUnderline(true);
  }
  return format;
}

// How one text of a block is laid out; as long as the block is.
MessageLayout::Look MessageLayout::lookOf(const Block& block, int text) const {
  const MarkdownBlock& content = block.content;
  Look look;
  switch (content.kind) {
    case MarkdownBlock::Kind::code:
      look.font = codeFont();
      look.wrap = QTextOption::WrapAnywhere;
      look.leftToRight = true;
      look.formats = [&block](int from, int to) {
        return formatsIn(block.spans, from, to, [](const CodeSpan& span) {
          QTextCharFormat format;
          format.setForeground(codeColour(span.kind));
          return format;
        });
      };
      return look;
    case MarkdownBlock::Kind::table: {
      const Cell& cell = block.cells[static_cast<std::size_t>(text)];
      look.font = cell.row == 0 ? tableHeadFont() : bodyFont();
      if (cell.column < content.alignments.size()) {
        look.alignment = content.alignments[cell.column];
      }
      break;
    }
    case MarkdownBlock::Kind::heading:
      look.font = headingFont(content.level);
      break;
    case MarkdownBlock::Kind::paragraph:
    case MarkdownBlock::Kind::rule:
      look.font = bodyFont();
      break;
  }
  look.linesAreParagraphs = m_plain;
  look.formats = [this, &shown = textOf(block, text), font = look.font](int from, int to) {
    return formatsIn(shown.spans, from, to,
                     [&](const MarkdownSpan& span) { return formatOf(span, font); });
  };
  return look;
}

qreal MessageLayout::widthOf(const Block& block, int text) {
  if (block.content.kind == MarkdownBlock::Kind::code) return block.width - 2 * kPadding;
  if (block.cells.empty()) return block.width;
  const std::size_t column = block.cells[static_cast<std::size_t>(text)].column;
  return column < block.columns.size() ? block.columns[column] : 24;
}

// One piece of text from `start` on, in a stretch that ends at `stretchEnd`.
MessageLayout::Piece MessageLayout::makePiece(const MarkdownText& text, int start, int stretchEnd,
                                              bool rightToLeft, const Look& look,
                                              qreal width) const {
  Piece piece;
  piece.start = start;
  piece.rightToLeft = rightToLeft;
  QTextOption option;
  option.setWrapMode(look.wrap);
  option.setTextDirection(rightToLeft ? Qt::RightToLeft : Qt::LeftToRight);
  option.setAlignment(rightToLeft && look.alignment == Qt::AlignLeft ? Qt::AlignRight
                                                                     : look.alignment);
  if (look.wrap == QTextOption::WrapAnywhere) {
    option.setTabStopDistance(QFontMetricsF(look.font).horizontalAdvance(QLatin1Char(' ')) * 4);
  }
  const qreal leading = leadingOf(look.font);
  const int least = m_growing ? kGrowingPiece : kWholePiece;
  // Seldom does it take more.
  for (int ahead = kAhead;; ahead *= 4) {
    ++s_piecesLaidOut;
    int end = std::min(start + least + ahead, stretchEnd);
    if (end < stretchEnd && text.text[end].isLowSurrogate()) ++end;
    piece.length = end - start;
    s_charactersLaidOut += piece.length;
    QString shown = text.text.mid(start, piece.length);
    // The line that would follow belongs to the next stretch.
    const bool breaks = !shown.isEmpty() && isBreak(shown.back());
    if (breaks && end == stretchEnd && end < text.text.size()) shown.chop(1);
    shown.replace(QLatin1Char('\n'), QChar::LineSeparator);
    piece.bidi = std::any_of(shown.begin(), shown.end(), [](QChar c) {
      return c.direction() == QChar::DirR || c.direction() == QChar::DirAL;
    });
    piece.layout = std::make_unique<QTextLayout>(shown, look.font);
    QTextLayout& layout = *piece.layout;
    layout.setTextOption(option);
    layout.setCacheEnabled(true);
    if (look.formats) {
      layout.setFormats(look.formats(start, start + static_cast<int>(shown.size())));
    }
    bool whole = true;
    piece.height = 0;
    piece.naturalWidth = 0;
    layout.beginLayout();
    for (;;) {
      QTextLine line = layout.createLine();
      if (!line.isValid()) break;
      line.setLineWidth(std::max<qreal>(width, 24));
      line.setPosition(QPointF(0, piece.height));
      piece.height += std::ceil(line.height()) + leading;
      piece.naturalWidth = std::max(piece.naturalWidth, line.naturalTextWidth());
      const int lineEnd = line.textStart() + line.textLength();
      if (end == stretchEnd || lineEnd < least) continue;
      whole = lineEnd < piece.length;
      piece.length = lineEnd;
      break;
    }
    layout.endLayout();
    if (whole || ahead > kAheadMost) return piece;
  }
}

void MessageLayout::cutTexts(Block& block, bool estimate) const {
  std::size_t texts = 1;
  if (block.content.kind == MarkdownBlock::Kind::rule) texts = 0;
  if (block.content.kind == MarkdownBlock::Kind::table) {
    texts = block.columns.empty() ? 0 : block.cells.size();
  }
  for (std::size_t text = 0; text < texts; ++text) {
    cutText(block, static_cast<int>(text), estimate);
  }
}

void MessageLayout::cutText(Block& block, int text, bool estimate) const {
  const MarkdownText& content = textOf(block, text);
  const Look look = lookOf(block, text);
  const auto size = static_cast<int>(content.text.size());
  bool backwards = !look.leftToRight && rightToLeft(content.text).value_or(false);
  // The end of the lines from `at` on that run the same way; a line without letters goes along.
  const auto paragraphFrom = [&](int at) {
    if (!look.linesAreParagraphs) return size;
    std::optional<bool> direction;
    for (int line = at; line < size;) {
      const int end = nextBreak(content.text, line, size);
      const auto own = rightToLeft(QStringView(content.text).mid(line, end - line));
      if (direction && own && *own != *direction) return line;
      if (own) direction = backwards = *own;
      line = end + 1;
    }
    return size;
  };
  const auto mine = [&] { return !block.pieces.empty() && block.pieces.back().text == text; };
  int stretch = mine() ? block.pieces.back().stretch : 0;
  int paragraphEnd = stretch;
  do {
    if (stretch >= paragraphEnd) paragraphEnd = paragraphFrom(stretch);
    const int end = endOfStretch(content.text, stretch, paragraphEnd);
    // Pieces that are kept may reach beyond where their stretch, which has grown, is cut now.
    while (mine() && block.pieces.back().end() > end) block.pieces.pop_back();
    const int start = mine() ? std::max(block.pieces.back().end(), stretch) : stretch;
    if (start < end || !mine()) {
      Piece piece;
      piece.text = text;
      piece.start = start;
      piece.length = end - start;
      piece.stretch = stretch;
      piece.rightToLeft = backwards;
      if (estimate) estimateHeight(block, piece, look);
      block.pieces.push_back(std::move(piece));
    }
    stretch = end;
  } while (stretch < size);
}

void MessageLayout::estimateHeight(const Block& block, Piece& piece, const Look& look) const {
  const TextEstimate& estimate = TextEstimate::of(look.font);
  const QStringView text =
      QStringView(textOf(block, piece.text).text).mid(piece.start, piece.length);
  const int lines =
      estimate.lines(text, widthOf(block, piece.text), look.wrap == QTextOption::WrapAnywhere);
  piece.height = lines * (estimate.lineHeight() + leadingOf(look.font));
}

bool MessageLayout::layoutPiece(Block& block, std::size_t index, qreal bottom) const {
  Piece rest = std::move(block.pieces[index]);
  const MarkdownText& text = textOf(block, rest.text);
  const Look look = lookOf(block, rest.text);
  const qreal width = widthOf(block, rest.text);
  const int end = rest.end();
  std::vector<Piece> made;
  qreal height = 0;
  do {
    Piece piece = makePiece(text, rest.start, end, rest.rightToLeft, look, width);
    piece.text = rest.text;
    piece.stretch = rest.stretch;
    rest.start = piece.end();
    rest.length = end - rest.start;
    height += piece.height;
    made.push_back(std::move(piece));
  } while (rest.length > 0 && rest.origin.y() + height <= bottom);
  const qreal before = rest.height;
  if (rest.length > 0) {
    estimateHeight(block, rest, look);
    height += rest.height;
    made.push_back(std::move(rest));
  }
  const auto at = block.pieces.begin() + static_cast<std::ptrdiff_t>(index);
  *at = std::move(made.front());
  block.pieces.insert(at + 1, std::make_move_iterator(made.begin() + 1),
                      std::make_move_iterator(made.end()));
  return height != before;
}

// From behind the last span that ends in the pieces that are kept: between spans a scan can begin
// anywhere.
void MessageLayout::highlight(Block& block) {
  const int kept = block.pieces.empty() ? 0 : block.pieces.back().end();
  std::vector<CodeSpan>& spans = block.spans;
  const auto end = [&] { return spans.empty() ? 0 : spans.back().start + spans.back().length; };
  while (!spans.empty() && end() >= kept) spans.pop_back();
  const MarkdownBlock& content = block.content;
  const auto more = highlightCode(content.language, content.text.text, end());
  spans.insert(spans.end(), more.begin(), more.end());
}

// What every column would like; shrunk in proportion where the sum is too wide.
void MessageLayout::measureColumns(Block& block) {
  const auto columns = block.content.alignments.size();
  block.columns.assign(columns, 24);
  const QFontMetricsF headMetrics(tableHeadFont());
  const QFontMetricsF bodyMetrics(bodyFont());
  qreal sum = 0;
  for (const Cell& cell : block.cells) {
    if (cell.column >= columns) continue;
    const QString start = cell.text->text.left(kCellMeasured);
    const QFontMetricsF& metrics = cell.row == 0 ? headMetrics : bodyMetrics;
    qreal& widest = block.columns[cell.column];
    widest = std::max(widest, metrics.horizontalAdvance(start) + 4);
  }
  for (const qreal w : block.columns) sum += w;
  const qreal room =
      std::max<qreal>(block.width - 2 * kCellPadding * static_cast<qreal>(columns), 60);
  if (sum <= room) return;
  for (qreal& w : block.columns) w = std::max<qreal>(w * room / sum, 24);
}

void MessageLayout::placePieces(Block& block) {
  block.frame = QRectF();
  block.naturalWidth = 0;
  block.lines.clear();
  const MarkdownBlock::Kind kind = block.content.kind;
  if (kind == MarkdownBlock::Kind::rule) {
    block.height = 9;
    block.naturalWidth = block.width;
    return;
  }
  if (kind == MarkdownBlock::Kind::table) return placeCells(block);
  const bool code = kind == MarkdownBlock::Kind::code;
  const bool heading = kind == MarkdownBlock::Kind::heading;
  const QPointF origin = code ? QPointF(kPadding, codeHeaderHeight() + kPadding * 0.8) : QPointF();
  qreal height = 0;
  for (Piece& piece : block.pieces) {
    piece.origin = origin + QPointF(0, height);
    height += piece.height;
    block.naturalWidth = std::max(block.naturalWidth, piece.naturalWidth);
  }
  height -= leadingOf(code ? codeFont() : heading ? headingFont(block.content.level) : bodyFont());
  block.height = origin.y() + std::max<qreal>(height, 0);
  if (!code) return;
  block.height += kPadding * 0.8;
  block.naturalWidth = block.width;
  block.frame = QRectF(0, 0, block.width, block.height);
}

void MessageLayout::placeCells(Block& block) {
  if (block.columns.empty()) {
    block.height = 0;
    return;
  }
  const qreal least = QFontMetricsF(bodyFont()).height();
  const qreal headLeading = leadingOf(tableHeadFont());
  const qreal bodyLeading = leadingOf(bodyFont());
  qreal y = 0;
  block.lines.push_back(y);
  auto piece = block.pieces.begin();
  int cell = 0;
  for (std::size_t r = 0; r < block.content.rows.size(); ++r) {
    qreal x = 0;
    qreal rowHeight = least;
    for (std::size_t c = 0; c < block.content.rows[r].size(); ++c, ++cell) {
      qreal height = 0;
      for (; piece != block.pieces.end() && piece->text == cell; ++piece) {
        piece->origin = QPointF(x + kCellPadding, y + 5 + height);
        height += piece->height;
      }
      rowHeight = std::max(rowHeight, height - (r == 0 ? headLeading : bodyLeading));
      x += widthOf(block, cell) + 2 * kCellPadding;
    }
    y += std::ceil(rowHeight) + 10;
    block.lines.push_back(y);
  }
  for (const qreal w : block.columns) block.naturalWidth += w + 2 * kCellPadding;
  block.height = y + 1;
  block.frame = QRectF(0, 0, block.naturalWidth, y);
}

}  // namespace mneme

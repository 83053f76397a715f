// SPDX-License-Identifier: Apache-2.0
// Which blocks there are, and where their lines stand. See message_paint.cpp and message_place.cpp
// for what is made of that.
#include "ui/views/chat/message_layout.h"

#include <QFontMetricsF>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "ui/theme.h"
#include "ui/views/chat/message_fonts.h"

namespace mneme {
namespace {

constexpr double kLeading = 0.26;  // space between lines, of the font's height
constexpr qreal kCellPadding = 9;
// Characters of a piece before it is cut at a line's end. Of a text that grows the last one is laid
// out again with each word: a line or two. Of others longer ones save what is laid out twice.
constexpr int kGrowingPiece = 100;
constexpr int kWholePiece = 600;
constexpr int kAhead = 120;  // characters behind a piece that decide where its last line ends
constexpr int kAheadMost = 2000;
constexpr int kCellMeasured = 300;  // a longer text of a cell does not fit anyway

int s_piecesLaidOut = 0;
int s_charactersLaidOut = 0;

qreal leadingOf(const QFont& font) {
  return std::round(QFontMetricsF(font).height() * kLeading);
}

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

int nextBreak(const QString& text, int from) {
  const auto found = std::find_if(text.begin() + from, text.end(), isBreak);
  return static_cast<int>(found - text.begin());
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

}  // namespace

int MessageLayout::piecesLaidOut() {
  return s_piecesLaidOut;
}

int MessageLayout::charactersLaidOut() {
  return s_charactersLaidOut;
}

qreal MessageLayout::leading() const {
  return leadingOf(bodyFont());
}

void MessageLayout::setMarkdown(const QString& source, bool growing) {
  if (!m_plain && source == m_source) return;
  // A finished answer is parsed as a whole: a definition of a link may stand anywhere.
  const bool same = growing && !m_plain && m_settled > 0 &&
                    QStringView(source).startsWith(QStringView(m_source).left(m_settledEnd));
  if (!same) {
    m_settled = 0;
    m_settledEnd = 0;
  }
  m_plain = false;
  m_growing = growing;
  m_source = source;
  ParsedMarkdown parsed = parseMarkdown(source, m_settledEnd);
  setBlocks(std::move(parsed.blocks), m_settled);
  m_settled += parsed.settled;
  m_settledEnd = parsed.settledEnd;
}

void MessageLayout::setPlain(const QString& text) {
  if (m_plain && text == m_source) return;
  m_plain = true;
  m_growing = false;
  m_source = text;
  m_settled = 0;
  m_settledEnd = 0;
  setBlocks({plainBlock(text)}, 0);
}

void MessageLayout::setInked(bool on) {
  if (on == m_inked) return;
  m_inked = on;
  forgetLayout();
}

// `blocks` follow the first `settled`, which stay. Of the others those at the front that are as
// they were keep their layout, and the first that differs keeps what it can.
void MessageLayout::setBlocks(std::vector<MarkdownBlock> blocks, std::size_t settled) {
  std::size_t same = 0;
  while (same < blocks.size() && settled + same < m_blocks.size() &&
         blocks[same] == m_blocks[settled + same].content) {
    ++same;
  }
  std::size_t at = settled + same;
  if (at < m_blocks.size() && same < blocks.size()) {
    Block& block = m_blocks[at];
    const std::size_t keep = piecesToKeep(block, blocks[same]);
    if (keep > 0) {
      block.content = std::move(blocks[same]);
      block.kept = keep;
      block.height = -1;
      ++same;
      ++at;
    }
  }
  if (at < m_blocks.size()) m_changedFrom = std::min(m_changedFrom, m_blocks[at].y);
  m_blocks.resize(at);
  m_blocks.reserve(settled + blocks.size());
  for (std::size_t i = same; i < blocks.size(); ++i) {
    m_blocks.emplace_back();
    m_blocks.back().content = std::move(blocks[i]);
  }
  buildText(settled);
  m_width = -1;
}

// How many pieces of `old` show the beginning of `next` as well. Not the last: its last line may
// not be full.
std::size_t MessageLayout::piecesToKeep(const Block& old, const MarkdownBlock& next) {
  const MarkdownBlock& before = old.content;
  if (before.kind != next.kind || before.kind == MarkdownBlock::Kind::table ||
      before.level != next.level || before.quoteDepth != next.quoteDepth ||
      before.listDepth != next.listDepth || before.marker != next.marker ||
      before.tight != next.tight || before.language != next.language || old.pieces.empty()) {
    return 0;
  }
  const std::size_t most = old.height < 0 ? old.kept : old.pieces.size() - 1;
  const QString& a = before.text.text;
  const QString& b = next.text.text;
  auto same =
      static_cast<int>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const auto& spans = before.text.spans;
  const auto& nextSpans = next.text.spans;
  const auto differ = std::mismatch(spans.begin(), spans.end(), nextSpans.begin(), nextSpans.end());
  if (differ.first != spans.end()) same = std::min(same, differ.first->start);
  if (differ.second != nextSpans.end()) same = std::min(same, differ.second->start);
  std::size_t keep = 0;
  while (keep < most && old.pieces[keep].start + old.pieces[keep].length <= same) ++keep;
  return keep;
}

void MessageLayout::forgetLayout() {
  for (Block& block : m_blocks) {
    block.height = -1;
    block.kept = 0;
  }
  m_width = -1;
  m_changedFrom = 0;
}

// The flat text that selection and copying refer to, from block `from` on.
void MessageLayout::buildText(std::size_t from) {
  qsizetype end = 0;  // of what stays
  if (from > 0) {
    const Block& last = m_blocks[from - 1];
    end = last.textStart + last.content.text.text.size();
    if (!last.cellOffsets.empty()) {
      end = last.textStart + last.cellOffsets.back() + last.content.rows.back().back().text.size();
    }
  }
  m_text.truncate(end);
  for (std::size_t i = from; i < m_blocks.size(); ++i) {
    Block& block = m_blocks[i];
    const MarkdownBlock& content = block.content;
    if (i > 0) m_text += content.tight ? QStringLiteral("\n") : QStringLiteral("\n\n");
    if (!content.marker.isEmpty()) {
      m_text += QString(2 * std::max(0, content.listDepth - 1), QLatin1Char(' ')) + content.marker +
                QLatin1Char(' ');
    }
    block.textStart = static_cast<int>(m_text.size());
    block.cells.clear();
    block.cellOffsets.clear();
    block.cellSources.clear();
    // Texts without characters of the source are where the text before them is.
    int source = i > 0 ? m_blocks[i - 1].sourceStart : 0;
    const auto begin = [&source](const MarkdownText& text) {
      if (!text.runs.empty()) source = text.runs[0].source;
      return source;
    };
    block.sourceStart = begin(content.text);
    for (std::size_t r = 0; r < content.rows.size(); ++r) {
      for (std::size_t c = 0; c < content.rows[r].size(); ++c) {
        if (c > 0) m_text += QLatin1Char('\t');
        block.cells.push_back(&content.rows[r][c]);
        block.cellSources.push_back(begin(content.rows[r][c]));
        if (r == 0 && c == 0) block.sourceStart = source;
        block.cellOffsets.push_back(static_cast<int>(m_text.size()) - block.textStart);
        m_text += content.rows[r][c].text;
      }
      if (r + 1 < content.rows.size()) m_text += QLatin1Char('\n');
    }
    if (content.rows.empty()) m_text += content.text.text;
  }
  std::replace(m_text.begin() + end, m_text.end(), QChar(QChar::LineSeparator),
               QChar(QLatin1Char('\n')));
}

const MarkdownText& MessageLayout::textOf(const Block& block, const Piece& piece) {
  return block.cells.empty() ? block.content.text
                             : *block.cells[static_cast<std::size_t>(piece.text)];
}

// Of the piece's first character behind the block's textStart.
int MessageLayout::offsetOf(const Block& block, const Piece& piece) {
  const int cell =
      block.cellOffsets.empty() ? 0 : block.cellOffsets[static_cast<std::size_t>(piece.text)];
  return cell + piece.start;
}

qreal MessageLayout::layout(qreal width) {
  if (width == m_width) return m_height;
  const bool otherWidth = m_laidWidth != width;
  if (otherWidth) m_changedFrom = 0;
  m_width = width;
  m_laidWidth = width;
  m_naturalWidth = 0;
  qreal y = 0;
  const qreal gap = std::round(QFontMetricsF(bodyFont()).height() * 0.62);
  for (std::size_t i = 0; i < m_blocks.size(); ++i) {
    Block& block = m_blocks[i];
    const bool heading = block.content.kind == MarkdownBlock::Kind::heading;
    if (i > 0) {
      y += block.content.tight ? std::round(gap * 0.45) : heading ? std::round(gap * 1.5) : gap;
    }
    block.y = y;
    if (block.height < 0 || otherWidth) {
      if (otherWidth) block.kept = 0;
      block.pieces.resize(block.kept);
      const qreal keptHeight =
          block.pieces.empty() ? 0 : block.pieces.back().origin.y() + block.pieces.back().height;
      m_changedFrom = std::min(m_changedFrom, block.y + keptHeight);
      layoutBlock(block, width);
      block.kept = 0;
    }
    y += block.height;
    m_naturalWidth = std::max(m_naturalWidth, block.indent + block.naturalWidth);
  }
  m_height = y;
  return m_height;
}

qreal MessageLayout::takeChangedFrom() {
  return std::exchange(m_changedFrom, std::numeric_limits<qreal>::max());
}

void MessageLayout::layoutBlock(Block& block, qreal width) const {
  block.lines.clear();
  block.frame = QRectF();
  block.copy = QRectF();
  block.naturalWidth = 0;
  block.indent = kIndent * (block.content.listDepth + block.content.quoteDepth * 0.8);
  block.width = std::max<qreal>(width - block.indent, 60);
  block.rightToLeft = block.content.kind != MarkdownBlock::Kind::code &&
                      block.content.kind != MarkdownBlock::Kind::table &&
                      rightToLeft(block.content.text.text).value_or(false);
  // Lists and quotes of a right-to-left text are indented on its side.
  block.x = block.rightToLeft ? 0 : block.indent;
  switch (block.content.kind) {
    case MarkdownBlock::Kind::paragraph:
    case MarkdownBlock::Kind::heading:
      layoutText(block, block.width);
      break;
    case MarkdownBlock::Kind::code:
      layoutCode(block, block.width);
      break;
    case MarkdownBlock::Kind::table:
      layoutTable(block, block.width);
      break;
    case MarkdownBlock::Kind::rule:
      block.height = 9;
      block.naturalWidth = block.width;
      break;
  }
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

MessageLayout::Look MessageLayout::lookOf(const MarkdownText& text, const QFont& font) const {
  Look look;
  look.font = font;
  look.formats = [this, &text, font](int from, int to) {
    return formatsIn(text.spans, from, to,
                     [&](const MarkdownSpan& span) { return formatOf(span, font); });
  };
  return look;
}

// One piece of text from `start` on. `paragraphEnd` is where the next text of another direction
// begins, or the end.
MessageLayout::Piece MessageLayout::makePiece(const MarkdownText& text, int start, int paragraphEnd,
                                              bool rightToLeft, const Look& look,
                                              qreal width) const {
  Piece piece;
  piece.start = start;
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
    int end = std::min(start + least + ahead, paragraphEnd);
    if (end < paragraphEnd && text.text[end].isLowSurrogate()) ++end;
    piece.length = end - start;
    s_charactersLaidOut += piece.length;
    QString shown = text.text.mid(start, piece.length);
    if (end == paragraphEnd && end < text.text.size() && !shown.isEmpty()) shown.chop(1);
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
      if (end == paragraphEnd || lineEnd < least) continue;
      whole = lineEnd < piece.length;
      piece.length = lineEnd;
      break;
    }
    layout.endLayout();
    if (whole || ahead > kAheadMost) return piece;
  }
}

qreal MessageLayout::layoutPieces(Block& block, int text, const Look& look, QPointF origin,
                                  qreal width) const {
  const MarkdownText& content =
      block.cells.empty() ? block.content.text : *block.cells[static_cast<std::size_t>(text)];
  const auto size = static_cast<int>(content.text.size());
  int start = 0;
  qreal y = 0;
  const auto mine = [&] { return !block.pieces.empty() && block.pieces.back().text == text; };
  if (mine()) {  // kept
    start = block.pieces.back().start + block.pieces.back().length;
    y = block.pieces.back().origin.y() - origin.y() + block.pieces.back().height;
  }
  bool backwards = !look.leftToRight && rightToLeft(content.text).value_or(false);
  // The end of the lines from `at` on that run the same way; a line without letters goes along.
  const auto paragraphFrom = [&](int at) {
    if (!look.linesAreParagraphs) return size;
    std::optional<bool> direction;
    for (int line = at; line < size;) {
      const int end = nextBreak(content.text, line);
      const auto own = rightToLeft(QStringView(content.text).mid(line, end - line));
      if (direction && own && *own != *direction) return line;
      if (own) direction = backwards = *own;
      line = end + 1;
    }
    return size;
  };
  int paragraphEnd = start;
  while (start < size || !mine()) {
    if (start >= paragraphEnd) paragraphEnd = paragraphFrom(start);
    Piece piece = makePiece(content, start, paragraphEnd, backwards, look, width);
    piece.text = text;
    piece.origin = origin + QPointF(0, y);
    y += piece.height;
    start += piece.length;
    block.pieces.push_back(std::move(piece));
    if (start >= size) break;
  }
  return std::max<qreal>(0, y - leadingOf(look.font));
}

void MessageLayout::layoutText(Block& block, qreal width) const {
  const bool heading = block.content.kind == MarkdownBlock::Kind::heading;
  Look look = lookOf(block.content.text, heading ? headingFont(block.content.level) : bodyFont());
  look.linesAreParagraphs = m_plain;
  block.height = layoutPieces(block, 0, look, {}, width);
  for (const Piece& piece : block.pieces) {
    block.naturalWidth = std::max(block.naturalWidth, piece.naturalWidth);
  }
}

// From behind the last span that ends in the pieces that are kept: between spans a scan can begin
// anywhere.
void MessageLayout::highlight(Block& block) {
  const int kept =
      block.pieces.empty() ? 0 : block.pieces.back().start + block.pieces.back().length;
  std::vector<CodeSpan>& spans = block.spans;
  const auto end = [&] { return spans.empty() ? 0 : spans.back().start + spans.back().length; };
  while (!spans.empty() && end() >= kept) spans.pop_back();
  const MarkdownBlock& content = block.content;
  const auto more = highlightCode(content.language, content.text.text, end());
  spans.insert(spans.end(), more.begin(), more.end());
}

void MessageLayout::layoutCode(Block& block, qreal width) const {
  const qreal header = std::ceil(QFontMetricsF(smallFont()).height() + 12);
  Look look;
  look.font = codeFont();
  look.wrap = QTextOption::WrapAnywhere;
  look.leftToRight = true;
  std::vector<CodeSpan>& spans = block.spans;
  if (m_inked) {
    spans.clear();
  } else {
    highlight(block);
    look.formats = [&spans](int from, int to) {
      return formatsIn(spans, from, to, [](const CodeSpan& span) {
        QTextCharFormat format;
        format.setForeground(codeColour(span.kind));
        return format;
      });
    };
  }
  const qreal height = layoutPieces(block, 0, look, QPointF(kPadding, header + kPadding * 0.8),
                                    width - 2 * kPadding);
  block.height = header + height + 1.6 * kPadding;
  block.naturalWidth = width;
  block.frame = QRectF(0, 0, width, block.height);
  const QFontMetricsF metrics(smallFont());
  const qreal copyWidth = std::max(metrics.horizontalAdvance(copyText(false)),
                                   metrics.horizontalAdvance(copyText(true))) +
                          16;
  block.copy = QRectF(width - copyWidth - 4, 2, copyWidth, header - 4);
}

void MessageLayout::layoutTable(Block& block, qreal width) const {
  const auto columns = block.content.alignments.size();
  if (columns == 0) {
    block.height = 0;
    return;
  }
  // What every column would like; shrunk in proportion where the sum is too wide.
  std::vector<qreal> widths(columns, 24);
  QFont headFont = bodyFont();
  headFont.setWeight(QFont::DemiBold);
  const QFontMetricsF headMetrics(headFont);
  const QFontMetricsF bodyMetrics(bodyFont());
  for (std::size_t r = 0; r < block.content.rows.size(); ++r) {
    const auto& row = block.content.rows[r];
    for (std::size_t c = 0; c < row.size() && c < columns; ++c) {
      const QString start = row[c].text.left(kCellMeasured);
      const QFontMetricsF& metrics = r == 0 ? headMetrics : bodyMetrics;
      widths[c] = std::max(widths[c], metrics.horizontalAdvance(start) + 4);
    }
  }
  qreal sum = 0;
  for (const qreal w : widths) sum += w;
  const qreal room = std::max<qreal>(width - 2 * kCellPadding * static_cast<qreal>(columns), 60);
  if (sum > room) {
    for (qreal& w : widths) w = std::max<qreal>(w * room / sum, 24);
  }
  qreal tableWidth = 0;
  for (const qreal w : widths) tableWidth += w + 2 * kCellPadding;

  qreal y = 0;
  int cell = 0;
  block.lines.push_back(y);
  for (std::size_t r = 0; r < block.content.rows.size(); ++r) {
    qreal x = 0;
    qreal rowHeight = bodyMetrics.height();
    for (std::size_t c = 0; c < block.content.rows[r].size(); ++c) {
      const qreal cellWidth = c < columns ? widths[c] : 24;
      Look look = lookOf(block.content.rows[r][c], r == 0 ? headFont : bodyFont());
      if (c < columns) look.alignment = block.content.alignments[c];
      rowHeight = std::max(rowHeight, layoutPieces(block, cell++, look,
                                                   QPointF(x + kCellPadding, y + 5), cellWidth));
      x += cellWidth + 2 * kCellPadding;
    }
    y += std::ceil(rowHeight) + 10;
    block.lines.push_back(y);
  }
  block.height = y + 1;
  block.naturalWidth = tableWidth;
  block.frame = QRectF(0, 0, tableWidth, y);
}

}  // namespace mneme

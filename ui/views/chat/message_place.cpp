// SPDX-License-Identifier: Apache-2.0
// Where in a message's body something is: points, characters of the shown text, characters of the
// source.
#include <QGlyphRun>
#include <algorithm>
#include <cmath>

#include "ui/views/chat/message_layout.h"

namespace mneme {
namespace {

constexpr qreal kBreakWidth = 4;  // a line break has no width of its own

const MarkdownSpan* spanAt(const MarkdownText& text, int position) {
  for (const MarkdownSpan& span : text.spans) {
    if (position >= span.start && position < span.start + span.length) return &span;
  }
  return nullptr;
}

// Of a shown character, or of the first one behind it that has a place; -1 = none.
int sourceOf(const MarkdownText& text, int shown) {
  const auto run =
      std::upper_bound(text.runs.begin(), text.runs.end(), shown,
                       [](int place, const SourceRun& r) { return place < r.start + r.length; });
  if (run == text.runs.end()) return -1;
  if (shown <= run->start || run->length != run->sourceLength) return run->source;
  return run->source + shown - run->start;
}

int sourceEnd(const SourceRun& run) {
  return run.source + run.sourceLength;
}

}  // namespace

// The last block that begins at or above y.
std::size_t MessageLayout::blockAt(qreal y) const {
  const auto after = std::upper_bound(m_blocks.begin(), m_blocks.end(), y,
                                      [](qreal place, const Block& b) { return place < b.y; });
  return after == m_blocks.begin() ? 0 : static_cast<std::size_t>(after - m_blocks.begin()) - 1;
}

// The last block whose text begins at or before a position.
std::size_t MessageLayout::blockOf(int position) const {
  const auto after =
      std::upper_bound(m_blocks.begin(), m_blocks.end(), position,
                       [](int place, const Block& b) { return place < b.textStart; });
  return after == m_blocks.begin() ? 0 : static_cast<std::size_t>(after - m_blocks.begin()) - 1;
}

// The first piece that ends behind a position in one of the block's texts.
std::size_t MessageLayout::pieceAt(const Block& block, int text, int position) {
  const auto piece = std::partition_point(
      block.pieces.begin(), block.pieces.end(),
      [&](const Piece& p) { return p.text < text || (p.text == text && p.end() <= position); });
  return static_cast<std::size_t>(piece - block.pieces.begin());
}

MessageLayout::Hit MessageLayout::hitTest(QPointF point) const {
  Hit hit;
  qreal best = -1;
  const std::size_t first = blockAt(point.y());
  // The block at this height, and the next one where the point is in the gap between.
  for (std::size_t i = first; i < std::min(first + 2, m_blocks.size()); ++i) {
    const Block& block = m_blocks[i];
    const QPointF local = point - QPointF(block.x, block.y);
    if (!block.copy.isEmpty() && block.copy.contains(local)) hit.copyBlock = static_cast<int>(i);
    for (const Piece& piece : block.pieces) {
      if (!piece.layout) continue;
      const qreal away =
          std::max(piece.origin.y() - local.y(), local.y() - piece.origin.y() - piece.height);
      if (best >= 0 && away * 1000 >= best) continue;
      const QRectF bounds = piece.layout->boundingRect().translated(piece.origin);
      const qreal dy = std::max({bounds.top() - local.y(), local.y() - bounds.bottom(), 0.0});
      const qreal dx = std::max({bounds.left() - local.x(), local.x() - bounds.right(), 0.0});
      const qreal distance = dy * 1000 + dx;
      if (best >= 0 && distance >= best) continue;
      best = distance;
      const QPointF inside = local - piece.origin;
      for (int l = 0; l < piece.layout->lineCount(); ++l) {
        const QTextLine line = piece.layout->lineAt(l);
        const bool last = l + 1 == piece.layout->lineCount();
        if (inside.y() >= line.y() + line.height() && !last) continue;
        hit.position = positionOf(block, piece) + line.xToCursor(inside.x());
        hit.link.clear();
        const int under = line.xToCursor(inside.x(), QTextLine::CursorOnCharacter);
        const QRectF used = line.naturalTextRect();
        const bool on = distance == 0 && inside.x() >= used.left() && inside.x() <= used.right();
        const MarkdownSpan* span =
            on ? spanAt(textOf(block, piece.text), piece.start + under) : nullptr;
        if (span != nullptr) hit.link = span->link;
        break;
      }
    }
  }
  return hit;
}

QRectF MessageLayout::cursorRect(int position) const {
  const std::size_t i = blockOf(position);
  if (i >= m_blocks.size()) return {};
  const Block& block = m_blocks[i];
  // Behind the last character of a piece, unless another one begins there.
  const auto after = std::partition_point(
      block.pieces.begin(), block.pieces.end(),
      [&](const Piece& piece) { return positionOf(block, piece) <= position; });
  if (after == block.pieces.begin()) return {};
  const Piece& piece = *std::prev(after);
  const int local = position - positionOf(block, piece);
  if (!piece.layout || local > piece.length) return {};
  const QTextLine line = piece.layout->lineForTextPosition(local);
  if (!line.isValid()) return {};
  const QPointF at = QPointF(block.x, block.y) + piece.origin;
  return {at.x() + line.cursorToX(local), at.y() + line.y(), 1, line.height()};
}

std::optional<int> MessageLayout::firstPosition(qreal top, qreal bottom) const {
  for (std::size_t i = blockAt(top); i < m_blocks.size() && m_blocks[i].y <= bottom; ++i) {
    const Block& block = m_blocks[i];
    for (const Piece& piece : block.pieces) {
      const qreal y = block.y + piece.origin.y();
      if (!piece.layout || y > bottom || y + piece.height < top) continue;
      for (int l = 0; l < piece.layout->lineCount(); ++l) {
        const QTextLine line = piece.layout->lineAt(l);
        if (y + line.y() > bottom) break;
        if (y + line.y() + line.height() > top) return positionOf(block, piece) + line.textStart();
      }
    }
  }
  return std::nullopt;
}

MessageLayout::Range MessageLayout::charactersIn(qreal top, qreal bottom) const {
  Range range{-1, -1};
  for (std::size_t i = blockAt(top); i < m_blocks.size() && m_blocks[i].y <= bottom; ++i) {
    const Block& block = m_blocks[i];
    for (const Piece& piece : block.pieces) {
      const qreal y = block.y + piece.origin.y();
      if (y > bottom || y + piece.height < top) continue;
      const int from = positionOf(block, piece);
      if (range.from < 0) range.from = from;
      range.to = std::max(range.to, from + piece.length);
    }
  }
  return range.from < 0 ? Range{} : range;
}

// `shown` counts within the piece and may reach beyond its layout: then the line break behind it
// belongs to the range, of which `length` characters are shown on all lines together.
void MessageLayout::addRects(const Block& block, const Piece& piece, Range shown, int length,
                             std::vector<QRectF>& rects) const {
  const QTextLayout& layout = *piece.layout;
  const QString text = layout.text();
  const QPointF at = QPointF(block.x, block.y) + piece.origin;
  for (int i = 0; i < layout.lineCount(); ++i) {
    const QTextLine line = layout.lineAt(i);
    const int start = line.textStart();
    int end = start + line.textLength();
    const bool last = i + 1 == layout.lineCount();
    bool breaks = last && shown.to > text.size();
    if (end > start && text[end - 1] == QChar::LineSeparator) {
      --end;
      breaks = shown.from <= end && shown.to > end;
    }
    if (start > shown.to) break;
    const int a = std::max(shown.from, start);
    const int b = std::min(shown.to, end);
    if (a > b || (a == b && !breaks)) continue;
    // The blank before a word that wrapped: the word's own line shows the range.
    const bool part = b > a && b - a < length;
    if (part && !breaks && QStringView(text).mid(a, b - a).trimmed().isEmpty()) continue;
    qreal x1 = line.cursorToX(a);
    qreal x2 = line.cursorToX(b);
    if (piece.bidi && b > a) {
      // Cursor places are ambiguous where directions meet; glyphs are not.
      QRectF ink;
      for (const QGlyphRun& run : line.glyphRuns(a, b - a)) ink |= run.boundingRect();
      if (!ink.isEmpty()) {
        x1 = ink.left();
        x2 = ink.right();
      }
    }
    if (x2 < x1) std::swap(x1, x2);
    if (breaks) x2 += kBreakWidth;
    rects.emplace_back(at.x() + x1, at.y() + line.y(), std::max(x2 - x1, 1.0),
                       std::ceil(line.height()));
  }
}

// What of a text shows any of `source`. Marks between leave no gap in what is shown.
MessageLayout::Range MessageLayout::shownOf(const MarkdownText& text, Range source) {
  Range shown{-1, -1};
  for (auto run =
           std::lower_bound(text.runs.begin(), text.runs.end(), source.from,
                            [](const SourceRun&r, int place) { return sourceEnd(r) <= place; });
       run != text.runs.end() && run->source < source.to; ++run) {
    Range here{run->start, run->start + run->length};
    if (run->length == run->sourceLength) {
      here.from += std::max(0, source.from - run->source);
      here.to -= std::max(0, sourceEnd(*run) - source.to);
    }
    if (shown.from < 0) shown.from = here.from;
    shown.to = here.to;
  }
  return shown;
}

// The texts that show any of `source`.
std::vector<MessageLayout::TextPart> MessageLayout::textsOf(Range source) const {
  std::vector<TextPart> parts;
  if (source.from >= source.to) return parts;
  const auto add = [&](std::size_t block, int text, const MarkdownText& content) {
    const Range shown = shownOf(content, source);
    if (shown.from < shown.to) parts.push_back({block, text, shown});
  };
  // The last block that begins before the range may reach into it; those without text behind it
  // stand where it does.
  const auto byStart = [](const Block& b, int place) { return b.sourceStart < place; };
  auto block = std::lower_bound(m_blocks.begin(), m_blocks.end(), source.from, byStart);
  if (block != m_blocks.begin()) {
    block = std::lower_bound(m_blocks.begin(), block, std::prev(block)->sourceStart, byStart);
  }
  for (; block != m_blocks.end() && block->sourceStart < source.to; ++block) {
    const auto index = static_cast<std::size_t>(block - m_blocks.begin());
    const auto& cells = block->cells;
    if (cells.empty()) {
      add(index, 0, block->content.text);
      continue;
    }
    const auto before = [](const Cell& c, int place) { return c.source < place; };
    auto cell = std::lower_bound(cells.begin(), cells.end(), source.from, before);
    if (cell != cells.begin()) {
      cell = std::lower_bound(cells.begin(), cell, std::prev(cell)->source, before);
    }
    for (; cell != cells.end() && cell->source < source.to; ++cell) {
      add(index, static_cast<int>(cell - cells.begin()), *cell->text);
    }
  }
  return parts;
}

void MessageLayout::addTextRects(const Block& block, int text, Range shown,
                                 std::vector<QRectF>& rects) const {
  for (std::size_t p = pieceAt(block, text, shown.from); p < block.pieces.size(); ++p) {
    const Piece& piece = block.pieces[p];
    if (piece.text != text || piece.start >= shown.to) break;
    const int from = std::max(shown.from - piece.start, 0);
    const int to = std::min(shown.to - piece.start, piece.length);
    if (piece.layout && from < to) {
      addRects(block, piece, {from, to}, shown.to - shown.from, rects);
    }
  }
}

std::vector<QRectF> MessageLayout::rectsOfSource(Range source) const {
  std::vector<QRectF> rects;
  for (const TextPart& part : textsOf(source)) {
    addTextRects(m_blocks[part.block], part.text, part.shown, rects);
  }
  return rects;
}

std::vector<QRectF> MessageLayout::rectsOf(Range shown) const {
  std::vector<QRectF> rects;
  for (const TextPart& part : textsAt(shown)) {
    addTextRects(m_blocks[part.block], part.text, part.shown, rects);
  }
  return rects;
}

// The texts that hold characters of text().
std::vector<MessageLayout::TextPart> MessageLayout::textsAt(Range shown) const {
  std::vector<TextPart> parts;
  for (std::size_t i = blockOf(shown.from); i < m_blocks.size() && m_blocks[i].textStart < shown.to;
       ++i) {
    const Block& block = m_blocks[i];
    const auto add = [&](int text, int start, const MarkdownText& content) {
      const Range here{std::max(shown.from - start, 0),
                       std::min(shown.to - start, static_cast<int>(content.text.size()))};
      if (here.from < here.to) parts.push_back({i, text, here});
    };
    if (block.cells.empty()) add(0, block.textStart, block.content.text);
    for (std::size_t c = 0; c < block.cells.size(); ++c) {
      const Cell& cell = block.cells[c];
      add(static_cast<int>(c), block.textStart + cell.offset, *cell.text);
    }
  }
  return parts;
}

MessageLayout::Range MessageLayout::sourceIn(const QRectF& area) const {
  Range source{-1, -1};
  for (std::size_t i = blockAt(area.top()); i < m_blocks.size(); ++i) {
    const Block& block = m_blocks[i];
    if (block.y > area.bottom()) break;
    for (const Piece& piece : block.pieces) {
      const qreal top = block.y + piece.origin.y();
      if (!piece.layout || top > area.bottom() || top + piece.height < area.top()) continue;
      const MarkdownText& text = textOf(block, piece.text);
      for (int l = 0; l < piece.layout->lineCount(); ++l) {
        const QTextLine line = piece.layout->lineAt(l);
        if (top + line.y() > area.bottom()) break;
        if (top + line.y() + line.height() + leading() < area.top()) continue;
        const int from = sourceOf(text, piece.start + line.textStart());
        if (from < 0) continue;
        if (source.from < 0) source.from = from;
        // The line's last character, and the break behind a piece's last line.
        const bool last = l + 1 == piece.layout->lineCount();
        const int end =
            last ? piece.start + piece.length : piece.start + line.textStart() + line.textLength();
        const int to = sourceOf(text, std::max(end - 1, 0));
        source.to = std::max({source.to, from, to});
      }
    }
  }
  if (source.from < 0) return {};
  source.to += 16;  // as a whole: the longest entity
  return source;
}

QString MessageLayout::code(int block) const {
  if (block < 0 || block >= static_cast<int>(m_blocks.size())) return {};
  return m_blocks[static_cast<std::size_t>(block)].content.text.text;
}

int MessageLayout::lastCodeBlock() const {
  for (int i = static_cast<int>(m_blocks.size()) - 1; i >= 0; --i) {
    if (m_blocks[static_cast<std::size_t>(i)].content.kind == MarkdownBlock::Kind::code) return i;
  }
  return -1;
}

QRectF MessageLayout::copyRect(int block) const {
  if (block < 0 || block >= static_cast<int>(m_blocks.size())) return {};
  const Block& b = m_blocks[static_cast<std::size_t>(block)];
  return b.copy.translated(b.x, b.y);
}

}  // namespace mneme

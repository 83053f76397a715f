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
        hit.position = block.textStart + offsetOf(block, piece) + line.xToCursor(inside.x());
        hit.link.clear();
        const int under = line.xToCursor(inside.x(), QTextLine::CursorOnCharacter);
        const QRectF used = line.naturalTextRect();
        const bool on = distance == 0 && inside.x() >= used.left() && inside.x() <= used.right();
        const MarkdownSpan* span = on ? spanAt(textOf(block, piece), piece.start + under) : nullptr;
        if (span != nullptr) hit.link = span->link;
        break;
      }
    }
  }
  return hit;
}

QRectF MessageLayout::cursorRect(int position) const {
  QRectF rect;  // behind the last character of a piece, unless another one begins there
  for (const Block& block : m_blocks) {
    for (const Piece& piece : block.pieces) {
      const int local = position - block.textStart - offsetOf(block, piece);
      if (local < 0) return rect;
      if (local > piece.length) continue;
      const QTextLine line = piece.layout->lineForTextPosition(local);
      if (!line.isValid()) continue;
      const QPointF at = QPointF(block.x, block.y) + piece.origin;
      rect = QRectF(at.x() + line.cursorToX(local), at.y() + line.y(), 1, line.height());
      if (local < piece.length) return rect;
    }
  }
  return rect;
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

// Of what one text of a block shows of `source`. Marks between leave no gap in what is shown.
void MessageLayout::addTextRects(const Block& block, int text, Range source,
                                 std::vector<QRectF>& rects) const {
  const MarkdownText& content =
      block.cells.empty() ? block.content.text : *block.cells[static_cast<std::size_t>(text)];
  Range shown{-1, -1};
  for (auto run =
           std::lower_bound(content.runs.begin(), content.runs.end(), source.from,
                            [](const SourceRun&r, int place) { return sourceEnd(r) <= place; });
       run != content.runs.end() && run->source < source.to; ++run) {
    Range here{run->start, run->start + run->length};
    if (run->length == run->sourceLength) {
      here.from += std::max(0, source.from - run->source);
      here.to -= std::max(0, sourceEnd(*run) - source.to);
    }
    if (shown.from < 0) shown.from = here.from;
    shown.to = here.to;
  }
  if (shown.from >= shown.to) return;
  auto piece = std::partition_point(block.pieces.begin(), block.pieces.end(), [&](const Piece& p) {
    return p.text < text || (p.text == text && p.start + p.length <= shown.from);
  });
  for (; piece != block.pieces.end() && piece->text == text && piece->start < shown.to; ++piece) {
    const int from = std::max(shown.from - piece->start, 0);
    const int to = std::min(shown.to - piece->start, piece->length);
    if (from < to) addRects(block, *piece, {from, to}, shown.to - shown.from, rects);
  }
}

std::vector<QRectF> MessageLayout::rectsOfSource(Range source) const {
  std::vector<QRectF> rects;
  if (source.from >= source.to) return rects;
  // The last block that begins before the range may reach into it; those without text behind it
  // stand where it does.
  const auto byStart = [](const Block& b, int place) { return b.sourceStart < place; };
  auto block = std::lower_bound(m_blocks.begin(), m_blocks.end(), source.from, byStart);
  if (block != m_blocks.begin()) {
    block = std::lower_bound(m_blocks.begin(), block, std::prev(block)->sourceStart, byStart);
  }
  for (; block != m_blocks.end() && block->sourceStart < source.to; ++block) {
    if (block->cells.empty()) {
      addTextRects(*block, 0, source, rects);
      continue;
    }
    const auto& starts = block->cellSources;
    auto cell = std::lower_bound(starts.begin(), starts.end(), source.from);
    if (cell != starts.begin()) cell = std::lower_bound(starts.begin(), cell, *std::prev(cell));
    for (; cell != starts.end() && *cell < source.to; ++cell) {
      addTextRects(*block, static_cast<int>(cell - starts.begin()), source, rects);
    }
  }
  return rects;
}

MessageLayout::Range MessageLayout::sourceIn(const QRectF& area) const {
  Range source{-1, -1};
  for (std::size_t i = blockAt(area.top()); i < m_blocks.size(); ++i) {
    const Block& block = m_blocks[i];
    if (block.y > area.bottom()) break;
    for (const Piece& piece : block.pieces) {
      const qreal top = block.y + piece.origin.y();
      if (top > area.bottom() || top + piece.height < area.top()) continue;
      const MarkdownText& text = textOf(block, piece);
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

// SPDX-License-Identifier: Apache-2.0
// Which blocks there are, and where they stand. See message_pieces.cpp for how their texts are laid
// out, message_paint.cpp and message_place.cpp for what is made of that.
#include "ui/views/chat/message_layout.h"

#include <QFontMetricsF>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ui/views/chat/message_fonts.h"

namespace mneme {
namespace {

// A message of more work than this is laid out where it is looked at; a shorter one at once, so
// that nothing of it is an estimate. In characters.
constexpr int kAtOnce = 20'000;
constexpr int kTextWork = 40;  // what a text takes besides its characters

constexpr qreal kEverything = std::numeric_limits<qreal>::max();

}  // namespace

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
  while (keep < most && old.pieces[keep].end() <= same) ++keep;
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
    if (!last.cells.empty()) {
      end = last.textStart + last.cells.back().offset + last.cells.back().text->text.size();
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
        const MarkdownText& cell = content.rows[r][c];
        const int offset = static_cast<int>(m_text.size()) - block.textStart;
        block.cells.push_back({&cell, r, c, offset, begin(cell)});
        if (r == 0 && c == 0) block.sourceStart = source;
        m_text += cell.text;
      }
      if (r + 1 < content.rows.size()) m_text += QLatin1Char('\n');
    }
    if (content.rows.empty()) m_text += content.text.text;
  }
  std::replace(m_text.begin() + end, m_text.end(), QChar(QChar::LineSeparator),
               QChar(QLatin1Char('\n')));
}

const MarkdownText& MessageLayout::textOf(const Block& block, int text) {
  return block.cells.empty() ? block.content.text
                             : *block.cells[static_cast<std::size_t>(text)].text;
}

int MessageLayout::positionOf(const Block& block, const Piece& piece) {
  const int cell =
      block.cells.empty() ? 0 : block.cells[static_cast<std::size_t>(piece.text)].offset;
  return block.textStart + cell + piece.start;
}

// What laying out all of a block takes.
int MessageLayout::work(const Block& block) {
  int work = kTextWork + static_cast<int>(block.content.text.text.size());
  for (const Cell& cell : block.cells) work += kTextWork + static_cast<int>(cell.text->text.size());
  return work;
}

bool MessageLayout::isLong() const {
  int all = 0;
  for (const Block& block : m_blocks) all += work(block);
  return all > kAtOnce;
}

qreal MessageLayout::layout(qreal width) {
  if (width == m_width) return m_height;
  const bool otherWidth = m_laidWidth != width;
  if (otherWidth) m_changedFrom = 0;
  m_width = width;
  m_laidWidth = width;
  int todo = 0;
  for (Block& block : m_blocks) {
    if (otherWidth) block.height = -1;
    if (block.height >= 0) continue;
    block.pieces.resize(otherWidth ? 0 : block.kept);
    block.kept = 0;
    todo += work(block) - (block.pieces.empty() ? 0 : block.pieces.back().end());
  }
  const bool estimate = todo > kAtOnce;
  const Block* changed = nullptr;  // the first
  qreal keptHeight = 0;
  for (Block& block : m_blocks) {
    if (block.height >= 0) continue;
    if (changed == nullptr) {
      changed = &block;
      if (!block.pieces.empty()) {
        keptHeight = block.pieces.back().origin.y() + block.pieces.back().height;
      }
    }
    layoutBlock(block, width, estimate);
  }
  if (m_growing && estimate && !m_blocks.back().pieces.empty()) {
    // What is appended next changes the end only.
    Block& last = m_blocks.back();
    if (!last.pieces.back().layout) layoutPiece(last, last.pieces.size() - 1, kEverything);
    placePieces(last);
  }
  placeBlocks();
  if (changed != nullptr) m_changedFrom = std::min(m_changedFrom, changed->y + keptHeight);
  return m_height;
}

void MessageLayout::placeBlocks() {
  m_naturalWidth = 0;
  qreal y = 0;
  const qreal gap = std::round(QFontMetricsF(bodyFont()).height() * 0.62);
  for (Block& block : m_blocks) {
    const bool heading = block.content.kind == MarkdownBlock::Kind::heading;
    if (&block != &m_blocks.front()) {
      y += block.content.tight ? std::round(gap * 0.45) : heading ? std::round(gap * 1.5) : gap;
    }
    block.y = y;
    y += block.height;
    m_naturalWidth = std::max(m_naturalWidth, block.indent + block.naturalWidth);
  }
  m_height = y;
}

bool MessageLayout::layoutArea(qreal top, qreal bottom) {
  bool moved = false;
  for (std::size_t i = blockAt(top); i < m_blocks.size() && m_blocks[i].y <= bottom; ++i) {
    Block& block = m_blocks[i];
    bool movedHere = false;
    for (std::size_t p = 0; p < block.pieces.size(); ++p) {
      const Piece& piece = block.pieces[p];
      const qreal y = block.y + piece.origin.y();
      if (piece.layout || y > bottom || y + piece.height < top) continue;
      m_changedFrom = std::min(m_changedFrom, y);
      movedHere |= layoutPiece(block, p, bottom - block.y);
      placePieces(block);
    }
    if (movedHere) placeBlocks();
    moved |= movedHere;
  }
  return moved;
}

// Those of one text that show any of `shown`, and what of its stretches stands before them.
bool MessageLayout::layoutPieces(Block& block, int text, Range shown) const {
  bool moved = false;
  for (std::size_t p = pieceAt(block, text, shown.from);
       p < block.pieces.size() && block.pieces[p].text == text && block.pieces[p].start < shown.to;
       ++p) {
    if (block.pieces[p].layout) continue;
    moved |= layoutPiece(block, p, kEverything);
    placePieces(block);
  }
  return moved;
}

bool MessageLayout::layoutTexts(const std::vector<TextPart>& parts) {
  bool moved = false;
  for (const TextPart& part : parts) {
    moved |= layoutPieces(m_blocks[part.block], part.text, part.shown);
  }
  if (moved) placeBlocks();
  return moved;
}

bool MessageLayout::layoutCharacters(Range shown) {
  return layoutTexts(textsAt(shown));
}

bool MessageLayout::layoutSource(Range source) {
  return layoutTexts(textsOf(source));
}

qreal MessageLayout::takeChangedFrom() {
  return std::exchange(m_changedFrom, std::numeric_limits<qreal>::max());
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/message_layout.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QTextOption>
#include <algorithm>
#include <array>
#include <cmath>

#include "ui/highlight.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr double kBodyScale = 1.08;
constexpr double kLeading = 0.26;  // space between lines, of the font's height
constexpr qreal kIndent = 22;      // a list or quote level
constexpr qreal kPadding = 12;     // inside code cards
constexpr qreal kCellPadding = 9;
constexpr qreal kRadius = 7;

QString tr(const char* text) {
  return QCoreApplication::translate("MessageLayout", text);
}

QFont bodyFont() {
  return Theme::current().uiFont(kBodyScale);
}
QFont codeFont() {
  return Theme::current().monoFont(kBodyScale * 0.98);
}
QFont smallFont() {
  return Theme::current().uiFont(0.9);
}

QFont headingFont(int level) {
  constexpr std::array<double, 6> kScale{1.45, 1.28, 1.16, 1.08, 1.08, 1.08};
  QFont font =
      Theme::current().uiFont(kScale[static_cast<std::size_t>(std::clamp(level, 1, 6) - 1)]);
  font.setWeight(QFont::DemiBold);
  return font;
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

QTextCharFormat spanFormat(const MarkdownSpan& span, const QFont& base) {
  const Theme& t = Theme::current();
  QTextCharFormat format;
  if (span.code) {
    QFont mono = t.monoFont();
    mono.setPointSizeF(base.pointSizeF() * 0.92);
    format.setFont(mono);
    format.setBackground(t.codeBackground);
  }
  if (span.bold) format.setFontWeight(QFont::DemiBold);
  if (span.italic) format.setFontItalic(true);
  if (span.strike) format.setFontStrikeOut(true);
  if (!span.link.isEmpty()) {
    format.setForeground(t.accent);
    format.setFontUnderline(true);
  }
  return format;
}

// A layout for `text` in `font`, its lines broken at `width`; the height it takes.
qreal breakLines(QTextLayout& layout, qreal width, qreal* naturalWidth) {
  const qreal leading = std::round(QFontMetricsF(layout.font()).height() * kLeading);
  qreal y = 0;
  layout.beginLayout();
  for (;;) {
    QTextLine line = layout.createLine();
    if (!line.isValid()) break;
    line.setLineWidth(std::max<qreal>(width, 24));
    line.setPosition(QPointF(0, y));
    y += std::ceil(line.height()) + leading;
    if (naturalWidth != nullptr) *naturalWidth = std::max(*naturalWidth, line.naturalTextWidth());
  }
  layout.endLayout();
  return std::max<qreal>(0, y - leading);
}

std::unique_ptr<QTextLayout> makeLayout(const MarkdownText& content, const QFont& font,
                                        QTextOption::WrapMode wrap, Qt::Alignment alignment) {
  QString text = content.text;
  text.replace(QLatin1Char('\n'), QChar::LineSeparator);
  auto layout = std::make_unique<QTextLayout>(text, font);
  QTextOption option;
  option.setWrapMode(wrap);
  option.setAlignment(alignment);
  if (wrap == QTextOption::WrapAnywhere) {
    option.setTabStopDistance(QFontMetricsF(font).horizontalAdvance(QLatin1Char(' ')) * 4);
  }
  layout->setTextOption(option);
  layout->setCacheEnabled(true);
  QList<QTextLayout::FormatRange> formats;
  for (const MarkdownSpan& span : content.spans) {
    formats.append({span.start, span.length, spanFormat(span, font)});
  }
  layout->setFormats(formats);
  return layout;
}

const MarkdownSpan* spanAt(const MarkdownText& text, int position) {
  for (const MarkdownSpan& span : text.spans) {
    if (position >= span.start && position < span.start + span.length) return &span;
  }
  return nullptr;
}

}  // namespace

void MessageLayout::setMarkdown(const QString& source) {
  if (!m_plain && source == m_source) return;
  m_plain = false;
  m_source = source;
  setBlocks(parseMarkdown(source));
}

void MessageLayout::setPlain(const QString& text) {
  if (m_plain && text == m_source) return;
  m_plain = true;
  m_source = text;
  MarkdownBlock block;
  block.text.text = text;
  setBlocks({block});
}

void MessageLayout::setBlocks(std::vector<MarkdownBlock> blocks) {
  std::size_t same = 0;
  while (same < blocks.size() && same < m_blocks.size() && blocks[same] == m_blocks[same].content) {
    ++same;
  }
  m_blocks.resize(same);
  for (std::size_t i = same; i < blocks.size(); ++i) {
    m_blocks.emplace_back();
    m_blocks.back().content = std::move(blocks[i]);
  }
  buildText();
  m_width = -1;
}

void MessageLayout::forgetLayout() {
  for (Block& block : m_blocks) block.height = -1;
  m_width = -1;
}

// The flat text that selection and copying refer to; a block's offsets follow in layoutBlock().
void MessageLayout::buildText() {
  m_text.clear();
  for (std::size_t i = 0; i < m_blocks.size(); ++i) {
    const MarkdownBlock& block = m_blocks[i].content;
    if (i > 0) m_text += block.tight ? QStringLiteral("\n") : QStringLiteral("\n\n");
    if (!block.marker.isEmpty()) {
      m_text += QString(2 * std::max(0, block.listDepth - 1), QLatin1Char(' ')) + block.marker +
                QLatin1Char(' ');
    }
    const auto start = static_cast<int>(m_text.size());
    int cell = 0;
    if (block.kind == MarkdownBlock::Kind::table) {
      for (std::size_t r = 0; r < block.rows.size(); ++r) {
        for (std::size_t c = 0; c < block.rows[r].size(); ++c) {
          if (c > 0) m_text += QLatin1Char('\t');
          const auto at = static_cast<std::size_t>(cell++);
          if (at < m_blocks[i].fragments.size()) {
            m_blocks[i].fragments[at].offset = static_cast<int>(m_text.size());
          }
          m_text += block.rows[r][c].text;
        }
        if (r + 1 < block.rows.size()) m_text += QLatin1Char('\n');
      }
    } else {
      if (!m_blocks[i].fragments.empty()) m_blocks[i].fragments.front().offset = start;
      m_text += block.text.text;
    }
  }
  m_text.replace(QChar::LineSeparator, QLatin1Char('\n'));
}

qreal MessageLayout::layout(qreal width) {
  if (width == m_width) return m_height;
  const bool otherWidth = m_laidWidth != width;
  m_width = width;
  m_laidWidth = width;
  m_naturalWidth = 0;
  bool rebuilt = false;
  qreal y = 0;
  const qreal gap = std::round(QFontMetricsF(bodyFont()).height() * 0.62);
  for (std::size_t i = 0; i < m_blocks.size(); ++i) {
    Block& block = m_blocks[i];
    if (block.height < 0 || otherWidth) {
      layoutBlock(block, width);
      rebuilt = true;
    }
    if (i > 0) {
      const bool heading = block.content.kind == MarkdownBlock::Kind::heading;
      y += block.content.tight ? std::round(gap * 0.45) : heading ? std::round(gap * 1.5) : gap;
    }
    block.y = y;
    y += block.height;
    m_naturalWidth = std::max(m_naturalWidth, block.indent + block.naturalWidth);
  }
  if (rebuilt) buildText();
  m_height = y;
  return m_height;
}

void MessageLayout::layoutBlock(Block& block, qreal width) const {
  block.fragments.clear();
  block.lines.clear();
  block.frame = QRectF();
  block.copy = QRectF();
  block.naturalWidth = 0;
  block.indent = kIndent * (block.content.listDepth + block.content.quoteDepth * 0.8);
  const qreal inner = std::max<qreal>(width - block.indent, 60);
  switch (block.content.kind) {
    case MarkdownBlock::Kind::paragraph:
    case MarkdownBlock::Kind::heading:
      layoutText(block, inner);
      break;
    case MarkdownBlock::Kind::code:
      layoutCode(block, inner);
      break;
    case MarkdownBlock::Kind::table:
      layoutTable(block, inner);
      break;
    case MarkdownBlock::Kind::rule:
      block.height = 9;
      block.naturalWidth = inner;
      break;
  }
}

void MessageLayout::layoutText(Block& block, qreal width) const {
  const bool heading = block.content.kind == MarkdownBlock::Kind::heading;
  Fragment fragment;
  fragment.layout =
      makeLayout(block.content.text, heading ? headingFont(block.content.level) : bodyFont(),
                 QTextOption::WrapAtWordBoundaryOrAnywhere, Qt::AlignLeft);
  block.height = breakLines(*fragment.layout, width, &block.naturalWidth);
  block.fragments.push_back(std::move(fragment));
}

void MessageLayout::layoutCode(Block& block, qreal width) const {
  const qreal header = std::ceil(QFontMetricsF(smallFont()).height() + 12);
  Fragment fragment;
  fragment.layout =
      makeLayout(block.content.text, codeFont(), QTextOption::WrapAnywhere, Qt::AlignLeft);
  QList<QTextLayout::FormatRange> formats;
  for (const CodeSpan& span : highlightCode(block.content.language, block.content.text.text)) {
    QTextCharFormat format;
    format.setForeground(codeColour(span.kind));
    formats.append({span.start, span.length, format});
  }
  fragment.layout->setFormats(formats);
  const qreal height = breakLines(*fragment.layout, width - 2 * kPadding, nullptr);
  fragment.origin = QPointF(kPadding, header + kPadding * 0.8);
  block.height = header + height + 1.6 * kPadding;
  block.naturalWidth = width;
  block.frame = QRectF(0, 0, width, block.height);
  const qreal copyWidth = std::max(QFontMetricsF(smallFont()).horizontalAdvance(tr("Copy")),
                                   QFontMetricsF(smallFont()).horizontalAdvance(tr("Copied"))) +
                          16;
  block.copy = QRectF(width - copyWidth - 4, 2, copyWidth, header - 4);
  block.fragments.push_back(std::move(fragment));
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
  for (std::size_t r = 0; r < block.content.rows.size(); ++r) {
    const auto& row = block.content.rows[r];
    for (std::size_t c = 0; c < row.size() && c < columns; ++c) {
      const QFontMetricsF metrics(r == 0 ? headFont : bodyFont());
      widths[c] = std::max(widths[c], metrics.horizontalAdvance(row[c].text) + 4);
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
  block.lines.push_back(y);
  for (std::size_t r = 0; r < block.content.rows.size(); ++r) {
    qreal x = 0;
    qreal rowHeight = QFontMetricsF(bodyFont()).height();
    for (std::size_t c = 0; c < block.content.rows[r].size(); ++c) {
      const qreal cellWidth = c < columns ? widths[c] : 24;
      Fragment fragment;
      fragment.layout = makeLayout(block.content.rows[r][c], r == 0 ? headFont : bodyFont(),
                                   QTextOption::WrapAtWordBoundaryOrAnywhere,
                                   c < columns ? block.content.alignments[c] : Qt::AlignLeft);
      rowHeight = std::max(rowHeight, breakLines(*fragment.layout, cellWidth, nullptr));
      fragment.origin = QPointF(x + kCellPadding, y + 5);
      x += cellWidth + 2 * kCellPadding;
      block.fragments.push_back(std::move(fragment));
    }
    y += std::ceil(rowHeight) + 10;
    block.lines.push_back(y);
  }
  block.height = y + 1;
  block.naturalWidth = tableWidth;
  block.frame = QRectF(0, 0, tableWidth, y);
}

void MessageLayout::paintCode(QPainter& painter, const Block& block, int index) const {
  const Theme& t = Theme::current();
  const QRectF frame = block.frame.translated(block.indent, block.y);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(t.border, 1));
  painter.setBrush(t.codeBackground);
  painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
  painter.setRenderHint(QPainter::Antialiasing, false);
  const qreal rule = block.y + block.copy.bottom() + 2;
  painter.drawLine(QPointF(frame.left() + 1, rule), QPointF(frame.right() - 2, rule));
  painter.setFont(smallFont());
  painter.setPen(t.textMuted);
  const QRectF copy = block.copy.translated(block.indent, block.y);
  const QRectF label(frame.left() + kPadding, copy.top(), frame.width() / 2, copy.height());
  painter.drawText(label, Qt::AlignLeft | Qt::AlignVCenter,
                   block.content.language.isEmpty() ? tr("code") : block.content.language.left(40));
  painter.drawText(copy, Qt::AlignCenter, m_copiedBlock == index ? tr("Copied") : tr("Copy"));
}

void MessageLayout::paint(QPainter& painter, QPointF origin, const QRectF& clip,
                          Range selection) const {
  const Theme& t = Theme::current();
  painter.save();
  painter.translate(origin);
  const QRectF area = clip.translated(-origin);
  QTextCharFormat selected;
  selected.setBackground(t.accent);
  selected.setForeground(t.accentText);
  for (std::size_t i = 0; i < m_blocks.size(); ++i) {
    const Block& block = m_blocks[i];
    if (block.y + block.height < area.top() || block.y > area.bottom()) continue;
    for (int q = 0; q < block.content.quoteDepth; ++q) {
      painter.fillRect(QRectF(q * kIndent * 0.8 + 2, block.y, 3, block.height), t.border);
    }
    if (block.content.kind == MarkdownBlock::Kind::rule) {
      painter.fillRect(QRectF(block.indent, block.y + 4, block.naturalWidth, 1), t.border);
    }
    if (block.content.kind == MarkdownBlock::Kind::code) {
      paintCode(painter, block, static_cast<int>(i));
    }
    for (const qreal y : block.lines) {
      painter.fillRect(QRectF(block.indent, block.y + y, block.frame.width(), 1), t.border);
    }
    painter.setPen(block.content.quoteDepth > 0 ? t.textMuted : t.text);
    if (!block.content.marker.isEmpty()) {
      const QRectF mark(block.indent - kIndent * 2, block.y, kIndent * 2 - 7,
                        QFontMetricsF(bodyFont()).height());
      painter.setFont(bodyFont());
      painter.drawText(mark, Qt::AlignRight | Qt::AlignVCenter, block.content.marker);
    }
    for (const Fragment& fragment : block.fragments) {
      QList<QTextLayout::FormatRange> marks;
      const auto length = static_cast<int>(fragment.layout->text().size());
      const int from = std::max(selection.from - fragment.offset, 0);
      const int to = std::min(selection.to - fragment.offset, length);
      if (from < to) marks.append({from, to - from, selected});
      fragment.layout->draw(&painter, QPointF(block.indent, block.y) + fragment.origin, marks,
                            area);
    }
  }
  painter.restore();
}

MessageLayout::Hit MessageLayout::hitTest(QPointF point) const {
  Hit hit;
  qreal best = -1;
  for (std::size_t i = 0; i < m_blocks.size(); ++i) {
    const Block& block = m_blocks[i];
    const QPointF local = point - QPointF(block.indent, block.y);
    if (!block.copy.isEmpty() && block.copy.contains(local)) hit.copyBlock = static_cast<int>(i);
    for (std::size_t f = 0; f < block.fragments.size(); ++f) {
      const Fragment& fragment = block.fragments[f];
      const QRectF bounds = fragment.layout->boundingRect().translated(fragment.origin);
      const qreal dy = std::max({bounds.top() - local.y(), local.y() - bounds.bottom(), 0.0});
      const qreal dx = std::max({bounds.left() - local.x(), local.x() - bounds.right(), 0.0});
      const qreal distance = dy * 1000 + dx;
      if (best >= 0 && distance >= best) continue;
      best = distance;
      const QPointF inside = local - fragment.origin;
      for (int l = 0; l < fragment.layout->lineCount(); ++l) {
        const QTextLine line = fragment.layout->lineAt(l);
        if (inside.y() >= line.y() + line.height() && l + 1 < fragment.layout->lineCount())
          continue;
        hit.position = fragment.offset + line.xToCursor(inside.x());
        hit.link.clear();
        const int under = line.xToCursor(inside.x(), QTextLine::CursorOnCharacter);
        const bool on = distance == 0 && inside.x() <= line.naturalTextWidth();
        const bool table = block.content.kind == MarkdownBlock::Kind::table;
        const MarkdownText* text = &block.content.text;
        if (table) {
          std::size_t index = f;
          for (const auto& row : block.content.rows) {
            if (index < row.size()) {
              text = &row[index];
              break;
            }
            index -= row.size();
          }
        }
        if (const MarkdownSpan* span = on ? spanAt(*text, under) : nullptr) hit.link = span->link;
        break;
      }
    }
  }
  return hit;
}

QRectF MessageLayout::cursorRect(int position) const {
  for (const Block& block : m_blocks) {
    for (const Fragment& fragment : block.fragments) {
      const int local = position - fragment.offset;
      if (local < 0 || local > fragment.layout->text().size()) continue;
      const QTextLine line = fragment.layout->lineForTextPosition(local);
      if (!line.isValid()) continue;
      const QPointF at = QPointF(block.indent, block.y) + fragment.origin;
      return QRectF(at.x() + line.cursorToX(local), at.y() + line.y(), 1, line.height());
    }
  }
  return {};
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
  return b.copy.translated(b.indent, b.y);
}

}  // namespace mneme

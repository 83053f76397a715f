// SPDX-License-Identifier: Apache-2.0
#include "ui/views/ink_text.h"

#include <QCoreApplication>
#include <QGlyphRun>
#include <QPainter>
#include <QTextOption>
#include <algorithm>
#include <cmath>

#include "ui/theme.h"

namespace mneme {
namespace {

constexpr double kLineGap = 5;  // pixels below a line: room for the underlines of n-grams

struct Words {
  Q_DECLARE_TR_FUNCTIONS(mneme::InkText)
};

}  // namespace

struct InkText::Paragraph {
  int start = 0;   // into m_text
  int length = 0;  // without the line break
  double top = 0;
  double height = 0;
  bool bidi = false;  // holds text that runs right to left
  QTextLayout layout;
};

InkText::InkText(const BranchTrace& trace, const Selection& selection, const InspectSource& source)
    : m_trace(trace), m_selection(selection), m_source(source), m_font(Theme::current().uiFont()) {}

InkText::~InkText() = default;

void InkText::setMessage(const QString& text, EventIndex first, EventIndex end, TokenSource whose) {
  m_text = text;
  m_first = first;
  m_end = end;
  m_whose = whose;
  m_events.clear();
  readRecords();
  align(false);
  dropLayoutsFrom(0);
}

void InkText::grow(const QString& text, EventIndex end) {
  // The common start stays as it is; a reply only grows, but its end may be taken back (a stop
  // word), so look for where they part.
  const auto same = std::mismatch(m_text.begin(), m_text.end(), text.begin(), text.end()).first;
  const auto parted = static_cast<int>(same - m_text.begin());
  m_text = text;
  m_end = end;
  readRecords();
  align(true);
  dropLayoutsFrom(parted);
}

void InkText::setMeasure(Measure measure) {
  if (m_measure == measure) return;
  m_measure = measure;
  measureCells();
  for (auto& paragraph : m_paragraphs) applyFormats(*paragraph);
}

void InkText::setFont(const QFont& font) {
  m_font = font;
  dropLayoutsFrom(0);
}

void InkText::retheme() {
  for (auto& paragraph : m_paragraphs) applyFormats(*paragraph);
}

void InkText::traceChanged() {
  m_events.clear();
  readRecords();
  align(false);
  for (auto& paragraph : m_paragraphs) applyFormats(*paragraph);
}

void InkText::readRecords() {
  // The range comes from a file: what counts is where it meets the branch, whose parts are checked.
  const EventIndex next = m_events.empty() ? m_first : m_events.back() + 1;
  for (const BranchTrace::Part& part : m_trace.parts()) {
    const EventIndex end = std::min(m_end, part.end);
    for (EventIndex event = std::max(next, part.first); event < end; ++event) {
      if (m_trace.record(event).header().source == m_whose) m_events.push_back(event);
    }
  }
  std::sort(m_events.begin(), m_events.end());
  m_events.erase(std::unique(m_events.begin(), m_events.end()), m_events.end());
}

void InkText::align(bool growing) {
  m_cells.clear();
  m_whyEmpty.clear();
  const auto model = m_source.model();
  if (m_events.empty()) {
    if (m_end <= m_first)
      m_whyEmpty = Words::tr("No trace was kept for this message.");
    else if (!growing)
      m_whyEmpty = Words::tr("The trace of this message holds none of its text.");
    return;
  }
  if (const auto index = m_trace.indexOf(m_events.front());
      index && m_trace.partAt(*index).otherModel) {
    m_whyEmpty = Words::tr("Another model made this message. Open that model to see its tokens.");
    return;
  }
  if (!model) {
    m_whyEmpty = Words::tr("Open the model to see the tokens of this message.");
    return;
  }
  std::vector<std::string> tokens;
  tokens.reserve(m_events.size());
  for (const EventIndex event : m_events) {
    tokens.push_back(model->tokenBytes(m_trace.record(event).token()));
  }
  for (const TokenCell& cell : placeCells(spellTokens(tokens, growing), m_text)) {
    m_cells.push_back({.start = cell.start,
                       .length = cell.length,
                       .first = static_cast<std::size_t>(cell.firstToken),
                       .end = static_cast<std::size_t>(cell.endToken)});
  }
  if (m_cells.empty() && !growing) {
    m_whyEmpty =
        Words::tr("The recorded tokens do not spell this text, so they cannot be shown on it.");
    return;
  }
  measureCells();
}

void InkText::measureCells() {
  bool anyKnown = false;
  for (Cell& cell : m_cells) {
    cell.value = 0;
    cell.tier = Tier::device;
    cell.known = false;
    for (std::size_t i = cell.first; i < cell.end; ++i) {
      const TraceRecord record = m_trace.record(m_events[i]);
      const bool memory = record.shape().layers > 0;
      switch (m_measure) {
        case Measure::gate:
          if (memory) cell.value = std::max(cell.value, double{record.gate_max()});
          cell.known |= memory;
          break;
        case Measure::write:
          if (memory) cell.value = std::max(cell.value, double{record.write_max()});
          cell.known |= memory;
          break;
        case Measure::tier:
          if (memory) cell.tier = std::max(cell.tier, record.slowest_tier());
          cell.known |= memory && record.shape().orders > 0;
          break;
        case Measure::probability: {
          // Of a character that several tokens spell, the least likely step.
          const bool given = record.header().top_count > 0;
          const double p = std::exp(double{record.header().log_prob});
          if (given) cell.value = cell.known ? std::min(cell.value, p) : p;
          cell.known |= given;
          break;
        }
      }
    }
    if (!std::isfinite(cell.value)) cell.value = 0;
    anyKnown |= cell.known;
  }
  if (m_cells.empty()) return;
  m_whyEmpty.clear();
  if (anyKnown) return;
  m_whyEmpty =
      m_measure == Measure::probability
          ? Words::tr("Probabilities of prompt tokens are computed on request (token card).")
          : Words::tr("Memory was off for this message, so there are no gates.");
}

QColor InkText::background(const Cell& cell) const {
  const Theme& theme = Theme::current();
  switch (m_measure) {
    case Measure::gate:
      return theme.gate(cell.value);
    case Measure::write:
      return theme.write(cell.value);
    case Measure::tier:
      return theme.tier(cell.tier);
    case Measure::probability:
      return theme.probability(cell.value);
  }
  return theme.base;
}

void InkText::dropLayoutsFrom(int character) {
  while (!m_paragraphs.empty() &&
         m_paragraphs.back()->start + m_paragraphs.back()->length >= character) {
    m_paragraphs.pop_back();
  }
  m_height = -1;
}

void InkText::applyFormats(Paragraph& paragraph) const {
  QList<QTextLayout::FormatRange> formats;
  const auto from = std::lower_bound(
      m_cells.begin(), m_cells.end(), paragraph.start,
      [](const Cell& cell, int start) { return cell.start + cell.length <= start; });
  for (auto cell = from; cell != m_cells.end() && cell->start < paragraph.start + paragraph.length;
       ++cell) {
    if (!cell->known) continue;
    QTextLayout::FormatRange range;
    range.start = std::max(cell->start - paragraph.start, 0);
    range.length = std::min(cell->start + cell->length, paragraph.start + paragraph.length) -
                   paragraph.start - range.start;
    range.format.setForeground(Theme::textOn(background(*cell)));
    formats.push_back(range);
  }
  paragraph.layout.setFormats(formats);
}

void InkText::layOut(double width) {
  if (width != m_width)
    m_paragraphs.clear();
  else if (m_height >= 0)
    return;
  m_width = width;
  QTextOption option;
  option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
  option.setTabStopDistance(QFontMetricsF(m_font).horizontalAdvance(QLatin1Char(' ')) * 8);
  double top = m_paragraphs.empty() ? 0 : m_paragraphs.back()->top + m_paragraphs.back()->height;
  qsizetype start =
      m_paragraphs.empty() ? 0 : m_paragraphs.back()->start + m_paragraphs.back()->length + 1;
  while (start <= m_text.size()) {
    qsizetype end = m_text.indexOf(QLatin1Char('\n'), start);
    if (end < 0) end = m_text.size();
    auto paragraph = std::make_unique<Paragraph>();
    paragraph->start = static_cast<int>(start);
    paragraph->length = static_cast<int>(end - start);
    paragraph->top = top;
    QTextLayout& layout = paragraph->layout;
    layout.setCacheEnabled(true);
    layout.setFont(m_font);
    layout.setTextOption(option);
    layout.setText(m_text.mid(start, end - start));
    applyFormats(*paragraph);
    const QString& words = layout.text();
    paragraph->bidi = std::any_of(words.begin(), words.end(), [](QChar c) {
      return c.direction() == QChar::DirR || c.direction() == QChar::DirAL;
    });
    layout.beginLayout();
    double y = 0;
    for (QTextLine line = layout.createLine(); line.isValid(); line = layout.createLine()) {
      line.setLineWidth(width);
      line.setPosition(QPointF(0, y));
      y += std::ceil(line.height()) + kLineGap;
    }
    layout.endLayout();
    paragraph->height = y;
    top += y;
    m_paragraphs.push_back(std::move(paragraph));
    start = end + 1;
  }
  m_height = top;
}

double InkText::heightForWidth(double width) {
  layOut(width);
  return m_height;
}

std::vector<QRectF> InkText::rectsOfCell(const Cell& cell) const {
  std::vector<QRectF> rects;
  const auto after =
      std::upper_bound(m_paragraphs.begin(), m_paragraphs.end(), cell.start,
                       [](int start, const auto& paragraph) { return start < paragraph->start; });
  if (after == m_paragraphs.begin()) return rects;
  for (auto it = after - 1; it != m_paragraphs.end(); ++it) {
    const Paragraph& paragraph = **it;
    if (paragraph.start >= cell.start + cell.length) break;
    const int from = std::max(cell.start - paragraph.start, 0);
    const int to = std::min(cell.start + cell.length - paragraph.start, paragraph.length);
    const bool isBreak = cell.start + cell.length > paragraph.start + paragraph.length;
    for (int i = 0; i < paragraph.layout.lineCount(); ++i) {
      const QTextLine line = paragraph.layout.lineAt(i);
      const int lineEnd = line.textStart() + line.textLength();
      const int a = std::max(from, line.textStart());
      const int b = std::min(to, lineEnd);
      const bool last = i == paragraph.layout.lineCount() - 1;
      if (a > b || (a == b && !(isBreak && last && from <= lineEnd))) continue;
      const QStringView piece = QStringView(m_text).mid(paragraph.start + a, b - a);
      // The blank before a word that wrapped: the word's own line shows the token.
      if (b > a && b - a < cell.length && piece.trimmed().isEmpty() && !isBreak) continue;
      double x1 = line.cursorToX(a);
      double x2 = line.cursorToX(b);
      if (paragraph.bidi && b > a) {
        // Cursor places are ambiguous where directions meet; glyphs are not.
        QRectF ink;
        for (const QGlyphRun& run : line.glyphRuns(a, b - a)) ink |= run.boundingRect();
        if (!ink.isEmpty()) {
          x1 = ink.left();
          x2 = ink.right();
        }
      }
      if (x2 < x1) std::swap(x1, x2);
      // A line break has no width of its own: show a slim cell at the end of its line.
      if (isBreak && last) x2 += 4;
      const double y = paragraph.top + line.y();
      rects.emplace_back(x1, y, std::max(x2 - x1, 1.0), std::ceil(line.height()));
    }
  }
  return rects;
}

std::optional<std::size_t> InkText::cellOf(EventIndex event) const {
  const auto at = std::lower_bound(m_events.begin(), m_events.end(), event);
  if (at == m_events.end() || *at != event) return std::nullopt;
  const auto token = static_cast<std::size_t>(at - m_events.begin());
  const auto cell = std::upper_bound(m_cells.begin(), m_cells.end(), token,
                                     [](std::size_t t, const Cell& c) { return t < c.end; });
  if (cell == m_cells.end() || cell->first > token) return std::nullopt;
  return static_cast<std::size_t>(cell - m_cells.begin());
}

std::vector<QRectF> InkText::rectsOf(EventIndex event) const {
  const auto cell = cellOf(event);
  return cell ? rectsOfCell(m_cells[*cell]) : std::vector<QRectF>{};
}

bool InkText::contains(EventIndex event) const {
  return cellOf(event).has_value();
}

std::optional<EventIndex> InkText::tokenAt(const QPointF& point) const {
  for (const auto& paragraph : m_paragraphs) {
    if (point.y() < paragraph->top || point.y() >= paragraph->top + paragraph->height) continue;
    for (int i = 0; i < paragraph->layout.lineCount(); ++i) {
      const QTextLine line = paragraph->layout.lineAt(i);
      const double y = point.y() - paragraph->top - line.y();
      if (y < 0 || y >= std::ceil(line.height()) + kLineGap) continue;
      if (paragraph->bidi) {
        for (const Cell& cell : m_cells) {
          for (const QRectF& rect : rectsOfCell(cell)) {
            if (rect.contains(point)) return m_events[cell.end - 1];
          }
        }
        return std::nullopt;
      }
      const QRectF used = line.naturalTextRect();
      if (point.x() < used.left() || point.x() > used.right() + 4) return std::nullopt;
      int at = line.xToCursor(point.x(), QTextLine::CursorOnCharacter) + paragraph->start;
      if (point.x() > used.right()) at = paragraph->start + line.textStart() + line.textLength();
      const auto cell =
          std::upper_bound(m_cells.begin(), m_cells.end(), at,
                           [](int place, const Cell& c) { return place < c.start + c.length; });
      if (cell == m_cells.end() || cell->start > at) return std::nullopt;
      return m_events[cell->end - 1];
    }
  }
  return std::nullopt;
}

std::optional<EventIndex> InkText::neighbour(EventIndex event, int step) const {
  const auto at = std::lower_bound(m_events.begin(), m_events.end(), event);
  if (at == m_events.end() || *at != event) return std::nullopt;
  const auto target = (at - m_events.begin()) + step;
  if (target < 0 || target >= static_cast<std::ptrdiff_t>(m_events.size())) return std::nullopt;
  return m_events[static_cast<std::size_t>(target)];
}

void InkText::paint(QPainter* painter, const QRectF& rect, const QRectF& visible) {
  layOut(rect.width());
  const QRectF clip = visible.translated(-rect.topLeft());
  painter->save();
  paintCells(painter, rect.topLeft(), clip);
  painter->setPen(Theme::current().text);
  for (const auto& paragraph : m_paragraphs) {
    if (paragraph->top > clip.bottom() || paragraph->top + paragraph->height < clip.top()) continue;
    paragraph->layout.draw(painter, rect.topLeft() + QPointF(0, paragraph->top));
  }
  paintSelection(painter, rect.topLeft());
  painter->restore();
}

void InkText::paintCells(QPainter* painter, const QPointF& origin, const QRectF& visible) const {
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(Qt::NoPen);
  // Cells ascend with the text, so the visible ones are one stretch.
  int firstChar = 0;
  for (const auto& paragraph : m_paragraphs) {
    if (paragraph->top + paragraph->height >= visible.top()) {
      firstChar = paragraph->start;
      break;
    }
  }
  auto cell = std::lower_bound(m_cells.begin(), m_cells.end(), firstChar,
                               [](const Cell& c, int at) { return c.start + c.length <= at; });
  for (; cell != m_cells.end(); ++cell) {
    if (!cell->known) continue;
    const std::vector<QRectF> rects = rectsOfCell(*cell);
    if (!rects.empty() && rects.front().top() > visible.bottom()) break;
    painter->setBrush(background(*cell));
    for (const QRectF& r : rects) {
      painter->drawRoundedRect(r.translated(origin).adjusted(0.25, 0.5, -0.25, -0.5), 3, 3);
    }
  }
}

void InkText::paintSelection(QPainter* painter, const QPointF& origin) const {
  const Theme& theme = Theme::current();
  painter->setRenderHint(QPainter::Antialiasing);
  if (const auto shown = m_selection.shown(); shown && contains(*shown)) {
    // The n-grams that end here, longest lowest.
    const auto index = m_trace.indexOf(*shown);
    const int orders = index ? m_trace.recordAt(*index).shape().orders : 0;
    for (int order = 2; order <= orders + 1 && *index - order + 1 >= 0; ++order) {
      const double drop = 0.5 + 2.0 * (order - 2);
      painter->setPen(QPen(theme.accent, order == 2 ? 1.6 : 1.0));
      for (int i = *index - order + 1; i <= *index; ++i) {
        for (const QRectF& r : rectsOf(m_trace.eventAt(i))) {
          const double y = origin.y() + r.bottom() + drop;
          painter->drawLine(QPointF(origin.x() + r.left(), y), QPointF(origin.x() + r.right(), y));
        }
      }
    }
  }
  if (const auto pinned = m_selection.pinned()) {
    painter->setBrush(Qt::NoBrush);
    for (const QRectF& r : rectsOf(*pinned)) {
      painter->setPen(QPen(theme.accent, 2));
      painter->drawRoundedRect(r.translated(origin).adjusted(-1, -0.5, 1, 0.5), 4, 4);
    }
  }
}

}  // namespace mneme

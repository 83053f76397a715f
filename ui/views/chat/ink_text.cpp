// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/ink_text.h"

#include <QCoreApplication>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/theme.h"
#include "ui/tier_ink.h"

namespace mneme {
namespace {

struct InkWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::InkText)
};

}  // namespace

InkText::InkText(const BranchTrace& trace, const Selection& selection, const InspectSource& source)
    : m_trace(trace), m_selection(selection), m_source(source) {}

void InkText::setMessage(const QString& text, EventIndex first, EventIndex end, TokenSource whose) {
  m_text = text;
  m_first = first;
  m_end = end;
  m_whose = whose;
  m_events.clear();
  m_cells.clear();
  readRecords();
  align(false);
}

void InkText::grow(const QString& text, EventIndex end) {
  // The text only grows, but its end may be taken back (a stop word): then all is aligned again.
  const int placed = m_cells.empty() ? 0 : m_tailSpelled + m_shift;
  if (!QStringView(text).startsWith(QStringView(m_text).left(placed))) m_cells.clear();
  m_text = text;
  m_end = end;
  readRecords();
  align(true);
}

void InkText::setMeasure(Measure measure) {
  if (m_measure == measure) return;
  m_measure = measure;
  m_changedFrom = 0;
  measureCells(0);
  explain();
}

void InkText::traceChanged() {
  m_events.clear();
  m_cells.clear();
  readRecords();
  align(false);
}

void InkText::readRecords() {
  // The range comes from a file: what counts is where it meets the branch, whose parts are checked.
  const EventIndex next = m_events.empty() ? m_first : m_events.back() + 1;
  const auto known = static_cast<std::ptrdiff_t>(m_events.size());
  for (const BranchTrace::MessageRange& part : m_trace.parts()) {
    const EventIndex end = std::min(m_end, part.end);
    for (EventIndex event = std::max({next, m_first, part.first}); event < end; ++event) {
      if (m_trace.record(event).header().source == m_whose) m_events.push_back(event);
    }
  }
  std::sort(m_events.begin() + known, m_events.end());
  m_events.erase(std::unique(m_events.begin() + known, m_events.end()), m_events.end());
}

// From the last cell on while the message grows, else from the start.
void InkText::align(bool growing) {
  m_whyEmpty.clear();
  const std::size_t before = m_cells.size();
  m_changedFrom = before > 0 ? m_cells.back().start : 0;
  const bool aligned = growing && before > 0 && spellFrom(m_tailToken, m_tailSpelled, growing);
  if (!aligned) {
    m_changedFrom = 0;
    m_cells.clear();
    m_tailToken = 0;
    m_tailSpelled = 0;
    m_anyKnown = false;
    const bool readable = !m_events.empty() && m_source.model() != nullptr && [&] {
      const auto index = m_trace.indexOf(m_events.front());
      return !index || !m_trace.messageAt(*index).otherModel;
    }();
    if (readable) spellFrom(0, 0, growing);
  }
  const auto fresh =
      std::lower_bound(m_cells.begin(), m_cells.end(), m_changedFrom,
                       [](const Cell& cell, int place) { return cell.start < place; });
  measureCells(static_cast<std::size_t>(fresh - m_cells.begin()));
  explain();
  if (growing && m_cells.empty() && m_end > m_first) m_whyEmpty.clear();  // not yet
}

// Places the cells of the tokens from `token` on, before which the tokens spell `spelled`
// characters. False: they do not spell the text.
bool InkText::spellFrom(std::size_t token, int spelled, bool growing) {
  const auto model = m_source.model();
  if (model == nullptr) return false;
  std::vector<std::string> tokens;
  tokens.reserve(m_events.size() - token);
  for (std::size_t i = token; i < m_events.size(); ++i) {
    tokens.push_back(model->tokenBytes(m_trace.record(m_events[i]).token()));
  }
  const TokenSpans spans = spellTokens(tokens, growing);
  if (token == 0) {
    const auto shift = placeSpans(spans.text, m_text);
    if (!shift) return false;
    m_shift = *shift;
  } else {
    const QStringView rest = QStringView(m_text).mid(spelled + m_shift);
    const qsizetype common = std::min(rest.size(), spans.text.size());
    if (rest.left(common) != QStringView(spans.text).left(common)) return false;
  }
  while (!m_cells.empty() && m_cells.back().first >= token) m_cells.pop_back();
  for (const TokenCell& placed : spans.cells) {
    Cell cell;
    m_tailToken = token + static_cast<std::size_t>(placed.firstToken);
    m_tailSpelled = spelled + placed.start;
    cell.first = m_tailToken;
    cell.end = token + static_cast<std::size_t>(placed.endToken);
    const int start = m_tailSpelled + m_shift;
    cell.start = std::max(start, 0);
    cell.length = start + placed.length - cell.start;
    // A finished message may lack what its last tokens spelled: a stop word, white space.
    if (!growing) cell.length = std::min(cell.length, static_cast<int>(m_text.size()) - cell.start);
    if (cell.length > 0) m_cells.push_back(cell);
  }
  return true;
}

// Why there is no ink, if so.
void InkText::explain() {
  m_whyEmpty.clear();
  if (m_events.empty()) {
    m_whyEmpty = m_end <= m_first
                     ? InkWords::tr("No trace was kept for this message.")
                     : InkWords::tr("The trace of this message holds none of its text.");
    return;
  }
  if (const auto index = m_trace.indexOf(m_events.front());
      index && m_trace.messageAt(*index).otherModel) {
    m_whyEmpty =
        InkWords::tr("Another model made this message. Open that model to see its tokens.");
  } else if (m_source.model() == nullptr) {
    m_whyEmpty = InkWords::tr("Open the model to see the tokens of this message.");
  } else if (m_cells.empty()) {
    m_whyEmpty =
        InkWords::tr("The recorded tokens do not spell this text, so they cannot be shown on it.");
  } else if (!m_anyKnown) {
    m_whyEmpty =
        m_measure == Measure::probability
            ? InkWords::tr("Probabilities of prompt tokens are computed on request (token card).")
            : InkWords::tr("The n-gram memory was off for this message, so there are no gates.");
  }
}

void InkText::measureCells(std::size_t from) {
  if (from == 0) m_anyKnown = false;
  for (std::size_t c = from; c < m_cells.size(); ++c) {
    Cell& cell = m_cells[c];
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
    m_anyKnown |= cell.known;
  }
}

QColor InkText::background(const Cell& cell) const {
  const Theme& theme = Theme::current();
  switch (m_measure) {
    case Measure::gate:
      return theme.gate(cell.value);
    case Measure::write:
      return theme.write(cell.value);
    case Measure::tier:
      return tierInk(cell.tier);
    case Measure::probability:
      return theme.probability(cell.value);
  }
  return theme.base;
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

MessageLayout::Range InkText::sourceOf(EventIndex event) const {
  const auto at = cellOf(event);
  if (!at) return {};
  const Cell& cell = m_cells[*at];
  return {cell.start, cell.start + cell.length};
}

std::vector<QRectF> InkText::rectsOf(const MessageLayout& layout, EventIndex event) const {
  return layout.rectsOfSource(sourceOf(event));
}

bool InkText::contains(EventIndex event) const {
  return cellOf(event).has_value();
}

std::optional<EventIndex> InkText::tokenAt(const MessageLayout& layout,
                                           const QPointF& point) const {
  const MessageLayout::Range line = layout.sourceIn(QRectF(point, QSizeF(1, 1)));
  auto cell = std::lower_bound(m_cells.begin(), m_cells.end(), line.from,
                               [](const Cell& c, int at) { return c.start + c.length <= at; });
  for (; cell != m_cells.end() && cell->start < line.to; ++cell) {
    for (const QRectF& rect : layout.rectsOfSource({cell->start, cell->start + cell->length})) {
      // The room between two lines belongs to the upper one.
      if (rect.adjusted(0, 0, 0, layout.leading()).contains(point)) return m_events[cell->end - 1];
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

void InkText::paintCells(QPainter* painter, const MessageLayout& layout,
                         const QRectF& visible) const {
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(Qt::NoPen);
  const MessageLayout::Range range = layout.sourceIn(visible);
  // Cells ascend with the text, so the visible ones are one stretch.
  auto cell = std::lower_bound(m_cells.begin(), m_cells.end(), range.from,
                               [](const Cell& c, int at) { return c.start + c.length <= at; });
  for (; cell != m_cells.end() && cell->start < range.to; ++cell) {
    if (!cell->known) continue;
    painter->setBrush(background(*cell));
    for (const QRectF& r : layout.rectsOfSource({cell->start, cell->start + cell->length})) {
      painter->drawRoundedRect(r.adjusted(0.25, 0.5, -0.25, -0.5), 3, 3);
    }
  }
  painter->setRenderHint(QPainter::Antialiasing, false);
}

void InkText::paintSelection(QPainter* painter, const MessageLayout& layout) const {
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
        for (const QRectF& r : rectsOf(layout, m_trace.eventAt(i))) {
          const double y = r.bottom() + drop;
          painter->drawLine(QPointF(r.left(), y), QPointF(r.right(), y));
        }
      }
    }
  }
  if (const auto pinned = m_selection.pinned()) {
    painter->setBrush(Qt::NoBrush);
    for (const QRectF& r : rectsOf(layout, *pinned)) {
      painter->setPen(QPen(theme.accent, 2));
      painter->drawRoundedRect(r.adjusted(-1, -0.5, 1, 0.5), 4, 4);
    }
  }
  painter->setRenderHint(QPainter::Antialiasing, false);
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/timeline_canvas.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kTimelineMargin = 14;
constexpr int kColumnLeast = 4;
constexpr int kColumnMost = 12;
constexpr double kLaneGap = 5;   // between lanes
constexpr double kRowsMost = 9;  // pixels of a row where a lane has several
constexpr double kRowMost = 20;  // .. where it has one
constexpr double kRowLeast = 3;
constexpr int kTicks = 5;  // at most

QFont laneFont() {
  return Theme::current().uiFont(0.9);
}

bool isHatched(TimelineBar::Kind kind) {
  return kind == TimelineBar::Kind::wait || kind == TimelineBar::Kind::lateRead;
}

}  // namespace

QColor timelineColour(TimelineBar::Kind kind) {
  const Theme& theme = Theme::current();
  switch (kind) {
    case TimelineBar::Kind::pick:
      return theme.textMuted;
    case TimelineBar::Kind::read:
      return theme.tier(Tier::ssd_in_time);
    case TimelineBar::Kind::lateRead:
    case TimelineBar::Kind::wait:
      return theme.tier(Tier::ssd_late);
    case TimelineBar::Kind::copy:
      return theme.tier(Tier::device);
    case TimelineBar::Kind::compute:
      break;
  }
  return theme.accent;
}

TimelineCanvas::TimelineCanvas(BranchTrace& trace, Selection& selection, QWidget* parent)
    : QWidget(parent), m_trace(trace), m_selection(selection) {
  setAccessibleName(tr("Timeline"));
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

QSize TimelineCanvas::minimumSizeHint() const {
  return {260, 6 * QFontMetrics(laneFont()).height() + 60};
}

void TimelineCanvas::setTimeline(StepTimeline timeline, std::optional<int> shown) {
  m_timeline = std::move(timeline);
  m_shown = shown;
  setAccessibleDescription(m_timeline.heading);
  update();
}

void TimelineCanvas::follow() {
  moveTo(m_trace.size() - visible());
}

void TimelineCanvas::reveal(int index) {
  if (index < m_first || index >= m_first + visible()) moveTo(index - visible() / 2);
}

void TimelineCanvas::moveTo(int first) {
  m_first = std::clamp(first, 0, std::max(0, m_trace.size() - visible()));
  update();
}

// Less than half for the bars, so that the lanes of three parts have room.
QRect TimelineCanvas::overview() const {
  const int height = std::clamp(this->height() * 3 / 10, 28, 96);
  return {kTimelineMargin, 2, std::max(kColumnMost, width() - 2 * kTimelineMargin), height};
}

QRect TimelineCanvas::lanes() const {
  const int top = overview().bottom() + 12;
  const int axis = QFontMetrics(laneFont()).height() + 4;
  const int left = kTimelineMargin + nameWidth();
  return {left, top, std::max(40, width() - left - kTimelineMargin),
          std::max(10, height() - top - axis)};
}

int TimelineCanvas::nameWidth() const {
  const QFontMetrics metrics(laneFont());
  int widest = metrics.horizontalAdvance(tr("Waiting"));
  for (const TimelineLane& lane : m_timeline.lanes) {
    widest = std::max(widest, metrics.horizontalAdvance(lane.name));
  }
  return std::min(widest, width() / 4) + 12;
}

int TimelineCanvas::column() const {
  return std::clamp(overview().width() / std::max(1, m_trace.size()), kColumnLeast, kColumnMost);
}

int TimelineCanvas::visible() const {
  return std::max(1, overview().width() / column());
}

double TimelineCanvas::rowHeight() const {
  double rows = 0;
  double gaps = 0;
  for (const TimelineLane& lane : m_timeline.lanes) {
    rows += lane.rows == 1 ? kRowMost / kRowsMost : lane.rows;
    gaps += kLaneGap;
  }
  return rows == 0 ? kRowsMost : std::clamp((lanes().height() - gaps) / rows, kRowLeast, kRowsMost);
}

double TimelineCanvas::laneTop(std::size_t lane) const {
  double top = lanes().top();
  const double row = rowHeight();
  for (std::size_t i = 0; i < lane; ++i) {
    const int rows = m_timeline.lanes[i].rows;
    top += kLaneGap + row * (rows == 1 ? kRowMost / kRowsMost : rows);
  }
  return top;
}

double TimelineCanvas::xOf(double microseconds) const {
  const double span = std::max(1.0, m_timeline.end - m_timeline.begin);
  return lanes().left() + (microseconds - m_timeline.begin) / span * lanes().width();
}

QRectF TimelineCanvas::rectOf(std::size_t lane, const TimelineBar& bar) const {
  const double row = rowHeight();
  const bool single = m_timeline.lanes[lane].rows == 1;
  const double left = xOf(bar.begin);
  const double height = single ? row * kRowMost / kRowsMost : std::max(1.0, row - 1);
  // What took next to no time is still a mark.
  return {left, laneTop(lane) + (single ? 0 : row * bar.row), std::max(1.5, xOf(bar.end) - left),
          height};
}

std::optional<int> TimelineCanvas::tokenAt(const QPointF& place) const {
  const QRect area = overview();
  if (!area.contains(place.toPoint())) return std::nullopt;
  const int index = m_first + static_cast<int>((place.x() - area.left()) / column());
  return index < m_trace.size() ? std::optional(index) : std::nullopt;
}

const TimelineBar* TimelineCanvas::barAt(const QPointF& place) const {
  for (std::size_t lane = 0; lane < m_timeline.lanes.size(); ++lane) {
    for (const TimelineBar& bar : m_timeline.lanes[lane].bars) {
      if (rectOf(lane, bar).adjusted(-2, -1, 2, 1).contains(place)) return &bar;
    }
  }
  return nullptr;
}

void TimelineCanvas::paintBar(QPainter* painter, const QRectF& rect, TimelineBar::Kind kind) const {
  const QColor fill = timelineColour(kind);
  painter->fillRect(rect, fill);
  if (!isHatched(kind) || rect.width() < 4 || rect.height() < 3) return;
  QColor ink = Theme::textOn(fill);
  ink.setAlphaF(0.45F);
  painter->fillRect(rect, QBrush(ink, Qt::BDiagPattern));
}

void TimelineCanvas::paintOverview(QPainter* painter) const {
  const Theme& theme = Theme::current();
  const QRect area = overview();
  painter->fillRect(area, theme.base);
  const int column = this->column();
  const int end = std::min(m_trace.size(), m_first + visible());
  std::vector<TokenCost> costs;
  std::vector<double> totals;
  for (int i = m_first; i < end; ++i) {
    costs.push_back(costOf(m_trace.recordAt(i)));
    totals.push_back(costs.back().totalUs());
  }
  if (totals.empty()) return;
  // One long stall must not make all others flat: what is above is cut, and marked.
  const auto at = totals.begin() + static_cast<std::ptrdiff_t>((totals.size() - 1) * 98 / 100);
  std::nth_element(totals.begin(), at, totals.end());
  const double top = std::max(1.0, *at * 1.15);
  for (int i = m_first; i < end; ++i) {
    const TokenCost& cost = costs[static_cast<std::size_t>(i - m_first)];
    const double x = area.left() + (i - m_first) * column;
    double bottom = area.bottom() + 1;
    const auto stack = [&](double microseconds, TimelineBar::Kind kind) {
      const double height =
          std::min(microseconds / top * area.height(), bottom - static_cast<double>(area.top()));
      if (height <= 0) return;
      paintBar(painter, {x, bottom - height, column - 1.0, height}, kind);
      bottom -= height;
    };
    if (m_shown == i) {
      painter->fillRect(QRectF(x - 1, area.top(), column + 1, area.height()), theme.accentSoft);
    }
    stack(cost.computeUs, TimelineBar::Kind::compute);
    stack(cost.waitUs, TimelineBar::Kind::wait);
    stack(cost.pickUs, TimelineBar::Kind::pick);
    if (cost.totalUs() > top) {
      painter->fillRect(QRectF(x, area.top(), column - 1.0, 2), theme.error);
    }
  }
  const QString label = format::microseconds(top);
  const QSize size = painter->fontMetrics().size(0, label);
  const QRect box(area.left(), area.top(), size.width() + 6, size.height());
  QColor ground = theme.window;
  ground.setAlphaF(0.8F);
  painter->fillRect(box, ground);
  painter->setPen(theme.textMuted);
  painter->drawText(box, Qt::AlignCenter, label);
  painter->setPen(theme.border);
  painter->drawLine(area.bottomLeft(), area.bottomRight());
}

// Ticks at 1, 2 or 5 times a power of ten.
void TimelineCanvas::paintAxis(QPainter* painter, const QRect& area) const {
  const Theme& theme = Theme::current();
  const double span = std::max(1.0, m_timeline.end - m_timeline.begin);
  const double power = std::pow(10, std::floor(std::log10(span / kTicks)));
  double step = 10 * power;
  for (const double times : {1.0, 2.0, 5.0}) {
    if (span / (times * power) <= kTicks) {
      step = times * power;
      break;
    }
  }
  QColor grid = theme.border;
  grid.setAlphaF(0.7F);
  for (double at = std::ceil(m_timeline.begin / step) * step; at <= m_timeline.end; at += step) {
    const double x = std::round(xOf(at)) + 0.5;
    painter->setPen(QPen(grid, 1));
    painter->drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
    painter->setPen(theme.textMuted);
    const QString text = at == 0 ? QStringLiteral("0") : format::microseconds(at);
    const double width = painter->fontMetrics().horizontalAdvance(text) + 4;
    const double left = std::clamp(x - width / 2, 0.0, this->width() - width);
    painter->drawText(QRectF(left, area.bottom() + 3, width, painter->fontMetrics().height()),
                      Qt::AlignCenter, text);
  }
}

void TimelineCanvas::paintLanes(QPainter* painter) const {
  const Theme& theme = Theme::current();
  const QRect area = lanes();
  paintAxis(painter, area);
  const double row = rowHeight();
  for (std::size_t i = 0; i < m_timeline.lanes.size(); ++i) {
    const TimelineLane& lane = m_timeline.lanes[i];
    const double height = row * (lane.rows == 1 ? kRowMost / kRowsMost : lane.rows);
    painter->setPen(theme.text);
    // Of a lane lower than its name the name stands in the middle.
    const double text = std::max(height, static_cast<double>(painter->fontMetrics().height()));
    const QRectF name(kTimelineMargin, laneTop(i) + (height - text) / 2, nameWidth() - 12, text);
    painter->drawText(name, Qt::AlignLeft | Qt::AlignVCenter,
                      painter->fontMetrics().elidedText(lane.name, Qt::ElideRight,
                                                        static_cast<int>(name.width())));
    for (const TimelineBar& bar : lane.bars) {
      const QRectF rect = rectOf(i, bar);
      // Segments lie side by side: a hairline parts them.
      paintBar(painter, rect.width() > 4 ? rect.adjusted(0, 0, -1, 0) : rect, bar.kind);
      if (bar.label.isEmpty() || rect.height() < painter->fontMetrics().height() - 2) continue;
      const QRectF inside = rect.adjusted(5, 0, -5, 0);
      if (painter->fontMetrics().horizontalAdvance(bar.label) > inside.width()) continue;
      painter->setPen(Theme::textOn(timelineColour(bar.kind)));
      painter->drawText(inside, Qt::AlignLeft | Qt::AlignVCenter, bar.label);
    }
  }
}

void TimelineCanvas::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setFont(laneFont());
  paintOverview(&painter);
  if (!m_timeline.lanes.empty()) {
    paintLanes(&painter);
  } else {
    painter.setPen(Theme::current().textMuted);
    painter.drawText(lanes(), Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap,
                     tr("Click a bar to see what happened when."));
  }
  if (hasFocus()) {
    painter.setPen(QPen(Theme::current().accent, 1));
    painter.drawRect(overview().adjusted(-1, -1, 0, 0));
  }
}

void TimelineCanvas::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  if (const auto index = tokenAt(event->position())) {
    m_selection.hover(std::nullopt);
    m_selection.pin(m_trace.eventAt(*index));
  }
}

void TimelineCanvas::wheelEvent(QWheelEvent* event) {
  const QPoint angle = event->angleDelta();
  const int turn = std::abs(angle.x()) > std::abs(angle.y()) ? angle.x() : angle.y();
  moveTo(m_first - turn * 10 / 120);
  event->accept();
}

void TimelineCanvas::step(int by) {
  if (m_trace.size() == 0) return;
  const auto pinned = m_selection.pinned() ? m_trace.indexOf(*m_selection.pinned()) : std::nullopt;
  const int from = pinned.value_or(by > 0 ? m_first - 1 : m_first + visible());
  m_selection.hover(std::nullopt);
  m_selection.pin(m_trace.eventAt(std::clamp(from + by, 0, m_trace.size() - 1)));
}

void TimelineCanvas::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Left:
      step(-1);
      return;
    case Qt::Key_Right:
      step(1);
      return;
    case Qt::Key_PageUp:
      moveTo(m_first - visible());
      return;
    case Qt::Key_PageDown:
      moveTo(m_first + visible());
      return;
    case Qt::Key_Home:
      moveTo(0);
      return;
    case Qt::Key_End:
      follow();
      return;
    case Qt::Key_Escape:
      m_selection.clear();
      return;
    default:
      QWidget::keyPressEvent(event);
  }
}

void TimelineCanvas::focusInEvent(QFocusEvent*) {
  update();
}
void TimelineCanvas::focusOutEvent(QFocusEvent*) {
  update();
}

void TimelineCanvas::resizeEvent(QResizeEvent*) {
  moveTo(m_first);
}

bool TimelineCanvas::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    if (const TimelineBar* bar = barAt(help->pos())) {
      QToolTip::showText(help->globalPos(), bar->tip, this);
    } else if (const auto index = tokenAt(help->pos())) {
      const TokenCost cost = costOf(m_trace.recordAt(*index));
      QToolTip::showText(help->globalPos(),
                         tr("token %1: %2\nwaited %3 for rows")
                             .arg(format::count(*index), format::microseconds(cost.totalUs()),
                                  format::microseconds(cost.waitUs)),
                         this);
    } else {
      QToolTip::hideText();
    }
    return true;
  }
  return QWidget::event(event);
}

}  // namespace mneme

#include "moc_timeline_canvas.cpp"

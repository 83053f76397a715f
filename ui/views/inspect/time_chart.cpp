// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/time_chart.h"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {

TimeChart::TimeChart(const QString& title, Style style, QWidget* parent)
    : QWidget(parent), m_title(title), m_style(style) {
  setAccessibleName(title);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

void TimeChart::setSeries(std::vector<Series> series, double top, double seconds) {
  m_series = std::move(series);
  m_top = top;
  m_seconds = seconds;
  QStringList spoken;
  for (const Series& line : m_series) {
    if (line.values.empty() || !line.values.back() || !m_valueText) continue;
    spoken += tr("%1: %2").arg(line.name, m_valueText(*line.values.back()));
  }
  setAccessibleDescription(spoken.isEmpty() ? m_emptyText : spoken.join(QStringLiteral(", ")));
  update();
}

int TimeChart::paintLegend(QPainter* painter, const QRect& head) const {
  constexpr int kSwatch = 9;
  const QFontMetrics metrics = painter->fontMetrics();
  int needs = metrics.horizontalAdvance(m_title);
  for (const Series& series : m_series) needs += metrics.horizontalAdvance(series.name) + 25;
  const int gap = needs > head.width() ? 6 : 12;
  int x = head.right() + 1;
  for (auto series = m_series.rbegin(); series != m_series.rend(); ++series) {
    const int words = painter->fontMetrics().horizontalAdvance(series->name);
    x -= words;
    painter->setPen(Theme::current().textMuted);
    painter->drawText(QRect(x, head.top(), words + 2, head.height()), Qt::AlignLeft | Qt::AlignTop,
                      series->name);
    x -= kSwatch + 4;
    const int height = m_style == Style::line ? 3 : kSwatch;
    painter->fillRect(
        QRect(x, head.top() + (painter->fontMetrics().height() - height) / 2, kSwatch, height),
        series->colour);
    x -= gap;
  }
  return head.right() - x;
}

QRect TimeChart::plot() const {
  const int title = QFontMetrics(Theme::current().uiFont(0.95)).height() + 3;
  return rect().adjusted(0, title, 0, -1);
}

bool TimeChart::hasValues() const {
  for (const Series& series : m_series) {
    for (const auto& value : series.values) {
      if (value.has_value()) return true;
    }
  }
  return false;
}

// The largest value, rounded up to 1, 2 or 5 times a power of ten, so that the scale is calm.
double TimeChart::topValue() const {
  if (m_top > 0) return m_top;
  double largest = 0;
  const std::size_t count = m_series.empty() ? 0 : m_series.front().values.size();
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (const Series& series : m_series) {
      const double value = series.values[i].value_or(0);
      sum = m_style == Style::stack ? sum + value : std::max(sum, value);
    }
    largest = std::max(largest, sum);
  }
  if (largest <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(largest)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (largest <= step * power) return step * power;
  }
  return 10 * power;
}

void TimeChart::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setFont(theme.uiFont(0.95));
  const QRect area = plot();
  const QRect head(0, 0, width(), area.top());
  painter.setPen(theme.text);
  int taken = 0;
  if (m_now.isEmpty()) {
    taken = paintLegend(&painter, head);
  } else {
    taken = painter.fontMetrics().horizontalAdvance(m_now) + 10;
    painter.setPen(theme.textMuted);
    painter.drawText(head, Qt::AlignRight | Qt::AlignTop, m_now);
  }
  painter.setPen(theme.text);
  // Where there is no room for "Rows, 60 s", "Rows" says enough.
  const int room = width() - taken;
  const QFontMetrics metrics = painter.fontMetrics();
  const QString title = metrics.horizontalAdvance(m_title) <= room
                            ? m_title
                            : m_title.section(QLatin1Char(','), 0, 0);
  painter.drawText(head, Qt::AlignLeft | Qt::AlignTop,
                   metrics.elidedText(title, Qt::ElideRight, room));
  painter.setPen(theme.textMuted);
  painter.fillRect(area, theme.base);
  if (!hasValues()) {
    painter.drawText(area.adjusted(8, 0, -8, 0), Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
    return;
  }
  const double top = topValue();
  painter.save();
  painter.setClipRect(area);
  if (m_style == Style::stack)
    paintStack(&painter, area, top);
  else
    paintLines(&painter, area, top);
  painter.restore();
  painter.setPen(theme.border);
  painter.drawLine(area.bottomLeft(), area.bottomRight());
  if (m_valueText) {
    // The scale's upper end, on a ground of its own so that it reads over the curve.
    painter.setFont(theme.uiFont(0.85));
    const QString label = m_valueText(top);
    const QSize size = painter.fontMetrics().size(0, label);
    const QRect box(area.left(), area.top(), size.width() + 6, size.height());
    QColor ground = theme.window;
    ground.setAlphaF(0.8F);
    painter.fillRect(box, ground);
    painter.setPen(theme.textMuted);
    painter.drawText(box, Qt::AlignCenter, label);
  }
}

void TimeChart::paintStack(QPainter* painter, const QRect& area, double top) const {
  if (m_series.empty()) return;
  const auto count = m_series.front().values.size();
  for (std::size_t i = 0; i < count; ++i) {
    // Whole pixels, so that bars are equally crisp.
    const int left =
        area.left() + static_cast<int>(i * static_cast<std::size_t>(area.width()) / count);
    const int right =
        area.left() + static_cast<int>((i + 1) * static_cast<std::size_t>(area.width()) / count);
    const int gap = right - left >= 4 ? 1 : 0;
    double below = 0;
    int bottom = area.bottom() + 1;
    for (const Series& series : m_series) {
      if (!series.values[i]) continue;
      below += *series.values[i];
      const int y = area.bottom() + 1 -
                    static_cast<int>(std::lround(std::min(below / top, 1.0) * area.height()));
      if (y < bottom)
        painter->fillRect(QRect(left, y, right - left - gap, bottom - y), series.colour);
      bottom = y;
    }
  }
}

void TimeChart::paintLines(QPainter* painter, const QRect& area, double top) const {
  painter->setRenderHint(QPainter::Antialiasing);
  for (const Series& series : m_series) {
    const auto count = series.values.size();
    if (count < 2) continue;
    QPainterPath path;
    bool pen = false;
    double lastX = 0;
    const auto close = [&] {
      if (!pen || m_style != Style::area) return;
      path.lineTo(lastX, area.bottom() + 1);
    };
    for (std::size_t i = 0; i < count; ++i) {
      if (!series.values[i]) {
        close();
        pen = false;
        continue;
      }
      const double x = area.left() + double(i) * area.width() / double(count - 1);
      const double y = area.bottom() - std::min(*series.values[i] / top, 1.0) * (area.height() - 3);
      if (pen) {
        path.lineTo(x, y);
      } else if (m_style == Style::area) {
        path.moveTo(x, area.bottom() + 1);
        path.lineTo(x, y);
      } else {
        path.moveTo(x - 1.5, y);  // a lone value is a short dash
        path.lineTo(x, y);
      }
      pen = true;
      lastX = x;
    }
    close();
    if (m_style == Style::area) {
      QColor fill = series.colour;
      fill.setAlphaF(0.75F);
      painter->fillPath(path, fill);
    } else {
      painter->setPen(QPen(series.colour, 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
      painter->drawPath(path);
    }
  }
}

bool TimeChart::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const QRect area = plot();
  if (m_series.empty() || !area.contains(help->pos()) || !m_valueText) {
    QToolTip::hideText();
    return true;
  }
  const auto count = m_series.front().values.size();
  const auto at = std::min(count - 1, static_cast<std::size_t>(help->pos().x() - area.left()) *
                                          count / static_cast<std::size_t>(area.width()));
  QStringList lines{
      tr("%1 s ago").arg(format::decimal(double(count - 1 - at) * m_seconds / double(count), 1))};
  for (const Series& series : m_series) {
    lines += series.values[at] ? tr("%1: %2").arg(series.name, m_valueText(*series.values[at]))
                               : tr("%1: nothing").arg(series.name);
  }
  QToolTip::showText(help->globalPos(), lines.join(QLatin1Char('\n')), this);
  return true;
}

}  // namespace mneme

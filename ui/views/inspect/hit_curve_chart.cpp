// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/hit_curve_chart.h"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {
namespace {

// Fewer look-ups say nothing about a rate: about a hundred tokens.
constexpr double kLookupsMin = 300;

}  // namespace

HitCurveChart::HitCurveChart(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Predicted hit rate by RAM budget"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

void HitCurveChart::setStats(const TierStats& stats) {
  m_predicted = stats.predicted;
  m_budget = stats.budget_bytes;
  m_lookups = stats.measured_lookups;
  m_hits = stats.measured_hits;
  setAccessibleDescription(describe());
  update();
}

bool HitCurveChart::known() const {
  return m_predicted.count > 1 && m_predicted.lookups >= kLookupsMin;
}

double HitCurveChart::measured() const {
  return m_lookups >= kLookupsMin ? m_hits / m_lookups : -1;
}

QString HitCurveChart::whyUnknown() const {
  if (m_predicted.lookups < kLookupsMin) {
    return format::counted(
        static_cast<std::int64_t>(std::ceil(kLookupsMin - m_predicted.lookups)),
        tr("Not enough look-ups yet to predict the hit rate: it needs %1 more. Each token makes a "
           "few."),
        tr("Not enough look-ups yet to predict the hit rate: it needs %1 more. Each token makes a "
           "few."));
  }
  return tr("These tables are so small that every budget holds them.");
}

QString HitCurveChart::describe() const {
  if (!known()) return whyUnknown();
  const QString present =
      measured() < 0 ? tr("%1 predicted at the present %2")
                           .arg(format::percent(m_predicted.at(m_budget)), format::bytes(m_budget))
                     : tr("%1 predicted and %2 measured at the present %3")
                           .arg(format::percent(m_predicted.at(m_budget)),
                                format::percent(measured()), format::bytes(m_budget));
  return tr("%1; %2 with twice as much")
      .arg(present, format::percent(m_predicted.at(m_budget * 2)));
}

QRect HitCurveChart::plot() const {
  const int line = QFontMetrics(Theme::current().uiFont(0.95)).height();
  const int foot = QFontMetrics(Theme::current().uiFont(0.85)).height();
  return rect().adjusted(0, line + 3, 0, -foot - 3);
}

double HitCurveChart::xOf(std::uint64_t budgetBytes) const {
  const double first = std::log2(static_cast<double>(m_predicted.points[0].budget_bytes));
  const double last =
      std::log2(static_cast<double>(m_predicted.points[m_predicted.count - 1].budget_bytes));
  const double at = std::log2(static_cast<double>(std::max<std::uint64_t>(1, budgetBytes)));
  const double share = std::clamp((at - first) / (last - first), 0.0, 1.0);
  return plot().left() + 4 + share * (plot().width() - 8);
}

std::uint64_t HitCurveChart::budgetAt(double x) const {
  const double first = std::log2(static_cast<double>(m_predicted.points[0].budget_bytes));
  const double last =
      std::log2(static_cast<double>(m_predicted.points[m_predicted.count - 1].budget_bytes));
  const double share = std::clamp((x - plot().left() - 4) / (plot().width() - 8), 0.0, 1.0);
  return static_cast<std::uint64_t>(std::exp2(first + share * (last - first)));
}

double HitCurveChart::yOf(double rate) const {
  return plot().bottom() - 2 - rate * (plot().height() - 8);
}

void HitCurveChart::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setFont(theme.uiFont(0.95));
  painter.setPen(theme.text);
  const QRect area = plot();
  painter.drawText(QRect(0, 0, width(), area.top()), Qt::AlignLeft | Qt::AlignTop,
                   painter.fontMetrics().elidedText(tr("Hit rate by budget, predicted"),
                                                    Qt::ElideRight, width()));
  painter.fillRect(area, theme.base);
  painter.setPen(theme.textMuted);
  if (!known()) {
    painter.drawText(area.adjusted(8, 0, -8, 0), Qt::AlignCenter | Qt::TextWordWrap, whyUnknown());
    return;
  }
  painter.setRenderHint(QPainter::Antialiasing);
  // Quarters, so that the height reads as a share.
  QColor grid = theme.border;
  grid.setAlphaF(0.6F);
  painter.setPen(QPen(grid, 1));
  for (const double rate : {0.25, 0.5, 0.75, 1.0}) {
    const double y = std::round(yOf(rate)) + 0.5;
    painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
  }
  painter.setFont(theme.uiFont(0.85));
  painter.setPen(theme.textMuted);
  painter.drawText(QPointF(area.left() + 3, yOf(1.0) + painter.fontMetrics().ascent() + 2),
                   format::percent(1.0));
  QPainterPath curve;
  for (std::size_t i = 0; i < m_predicted.count; ++i) {
    const CurvePoint& point = m_predicted.points[i];
    const QPointF at(xOf(point.budget_bytes), yOf(point.hit_rate));
    if (i == 0)
      curve.moveTo(at);
    else
      curve.lineTo(at);
  }
  painter.setPen(QPen(theme.tier(Tier::ram), 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  painter.drawPath(curve);
  paintMarker(&painter);
  painter.setFont(theme.uiFont(0.85));
  painter.setPen(theme.textMuted);
  const QRect foot(0, area.bottom() + 3, width(), height() - area.bottom() - 3);
  painter.drawText(foot, Qt::AlignLeft | Qt::AlignTop,
                   format::bytes(m_predicted.points[0].budget_bytes));
  painter.drawText(foot, Qt::AlignRight | Qt::AlignTop,
                   format::bytes(m_predicted.points[m_predicted.count - 1].budget_bytes));
}

void HitCurveChart::paintMarker(QPainter* painter) const {
  const Theme& theme = Theme::current();
  const QRect area = plot();
  const double x = xOf(m_budget);
  painter->setPen(QPen(theme.accent, 1, Qt::DashLine));
  painter->drawLine(QPointF(x, area.top() + 2), QPointF(x, area.bottom()));
  const double rate = measured();
  if (rate >= 0) {
    painter->setPen(QPen(theme.base, 1.5));
    painter->setBrush(theme.accent);
    painter->drawEllipse(QPointF(x, yOf(rate)), 4, 4);
    painter->setBrush(Qt::NoBrush);
  }
  const QString text =
      rate < 0 ? format::percent(m_predicted.at(m_budget))
               : tr("%1 predicted, %2 measured")
                     .arg(format::percent(m_predicted.at(m_budget)), format::percent(rate));
  painter->setFont(theme.uiFont(0.85));
  const QSize size = painter->fontMetrics().size(0, text);
  // On the side with more room, under the curve, on a ground of its own.
  const bool left = x > area.center().x();
  QRectF box(left ? x - size.width() - 10 : x + 6, area.bottom() - size.height() - 3,
             size.width() + 4, size.height());
  box.moveLeft(std::clamp(box.left(), double(area.left()),
                          std::max(double(area.left()), area.right() - box.width())));
  QColor ground = theme.base;
  ground.setAlphaF(0.85F);
  painter->fillRect(box, ground);
  painter->setPen(theme.text);
  painter->drawText(box, Qt::AlignCenter, text);
}

bool HitCurveChart::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip || !known()) return QWidget::event(event);
  auto* help = static_cast<QHelpEvent*>(event);
  if (!plot().contains(help->pos())) {
    QToolTip::hideText();
    return true;
  }
  const std::uint64_t budget = budgetAt(help->pos().x());
  QToolTip::showText(help->globalPos(),
                     tr("With %1 of RAM, %2 of the n-grams asked for lately would have been there.")
                         .arg(format::bytes(budget), format::percent(m_predicted.at(budget))),
                     this);
  return true;
}

}  // namespace mneme

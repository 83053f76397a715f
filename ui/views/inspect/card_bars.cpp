// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/card_bars.h"

#include <QPainter>
#include <algorithm>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

int lineHeight(const QFont& font) {
  return QFontMetrics(font).height() + 3;
}

void paintBar(QPainter& painter, const QRectF& track, double share, const QColor& fill) {
  painter.setPen(Qt::NoPen);
  painter.setBrush(Theme::current().codeBackground);
  painter.drawRoundedRect(track, 2, 2);
  const double width = track.width() * std::clamp(share, 0.0, 1.0);
  if (width <= 0) return;
  painter.setBrush(fill);
  painter.drawRoundedRect(QRectF(track.topLeft(), QSizeF(std::max(width, 1.0), track.height())), 2,
                          2);
}

}  // namespace

ProbabilityBars::ProbabilityBars(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Most probable tokens"));
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void ProbabilityBars::setFacts(const TokenFacts& facts) {
  m_lines.clear();
  bool found = false;
  QStringList spoken;
  for (const TokenFacts::Choice& choice : facts.choices) {
    const bool taken = choice.token == facts.header.token;
    found |= taken;
    m_lines.push_back({choice.text, choice.probability, taken});
  }
  if (!found && !facts.choices.empty()) m_lines.push_back({facts.text, facts.probability, true});
  for (const Line& line : m_lines) {
    spoken += tr("%1 %2").arg(line.text, format::probability(line.probability));
  }
  setAccessibleDescription(spoken.join(QStringLiteral(", ")));
  updateGeometry();
  update();
}

QSize ProbabilityBars::sizeHint() const {
  return {240, std::max<int>(1, static_cast<int>(m_lines.size())) *
                   lineHeight(Theme::current().monoFont())};
}

void ProbabilityBars::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QFont mono = theme.monoFont();
  const int step = lineHeight(mono);
  const double figures = QFontMetricsF(theme.uiFont())
                             .horizontalAdvance(format::probability(0.999) + QLatin1Char(' '));
  const double names = std::min(width() * 0.38, 130.0);
  for (std::size_t i = 0; i < m_lines.size(); ++i) {
    const Line& line = m_lines[i];
    const QRectF row(0, static_cast<double>(i) * step, width(), step);
    painter.setFont(mono);
    painter.setPen(line.taken ? theme.text : theme.textMuted);
    painter.drawText(QRectF(row.left(), row.top(), names - 8, step), Qt::AlignVCenter,
                     QFontMetrics(mono).elidedText(withoutLigatures(line.text), Qt::ElideRight,
                                                   static_cast<int>(names) - 8));
    const QRectF track(names, row.center().y() - 3.5, width() - names - figures - 10, 7);
    QColor grey = theme.textMuted;
    grey.setAlphaF(0.55F);
    paintBar(painter, track, line.probability, line.taken ? theme.accent : grey);
    painter.setFont(theme.uiFont());
    painter.setPen(line.taken ? theme.text : theme.textMuted);
    painter.drawText(row, Qt::AlignRight | Qt::AlignVCenter, format::probability(line.probability));
  }
}

GateBars::GateBars(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Gates, and how much was added"));
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void GateBars::setFacts(const TokenFacts& facts, bool streamsOpen) {
  m_lines.clear();
  QStringList spoken;
  for (const TokenFacts::Layer& layer : facts.layers) {
    m_lines.push_back({layer.name, layer.gate, layer.write, false});
    if (!streamsOpen || layer.gates.size() < 2) continue;
    for (std::size_t g = 0; g < layer.gates.size(); ++g) {
      m_lines.push_back({tr("stream %1").arg(g + 1), layer.gates[g], layer.writes[g], true});
    }
  }
  for (const Line& line : m_lines) {
    spoken += tr("%1 gate %2, added %3")
                  .arg(line.name, format::decimal(line.gate), format::decimal(line.write));
  }
  setAccessibleDescription(spoken.join(QStringLiteral("; ")));
  updateGeometry();
  update();
}

QSize GateBars::sizeHint() const {
  return {240, std::max<int>(1, static_cast<int>(m_lines.size())) *
                   lineHeight(Theme::current().uiFont())};
}

void GateBars::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QFont font = theme.uiFont();
  QFont bold = font;
  bold.setWeight(QFont::DemiBold);
  const QFontMetricsF metrics(font);
  const int step = lineHeight(font);
  const double writes = metrics.horizontalAdvance(tr("added %1").arg(QStringLiteral("0.00"))) + 4;
  const double figures = QFontMetricsF(bold).horizontalAdvance(QStringLiteral("0.00")) + 10;
  double names = 0;
  for (const Line& line : m_lines) {
    names = std::max(names, metrics.horizontalAdvance(line.name) + (line.stream ? 10 : 0));
  }
  names = std::min(names + 10, width() * 0.4);
  for (std::size_t i = 0; i < m_lines.size(); ++i) {
    const Line& line = m_lines[i];
    const QRectF row(0, static_cast<double>(i) * step, width(), step);
    painter.setFont(font);
    painter.setPen(line.stream ? theme.textMuted : theme.text);
    painter.drawText(row.adjusted(line.stream ? 10 : 0, 0, 0, 0), Qt::AlignVCenter, line.name);
    const QRectF track(names, row.center().y() - 3.5, width() - names - writes - figures - 6, 7);
    // The bar has one strong colour, because its length is the figure; a shut gate stays visible.
    paintBar(painter, track, line.gate, theme.gate(std::max(line.gate, 0.9)));
    const double middle = track.left() + track.width() / 2;
    QColor mark = theme.text;
    mark.setAlphaF(0.55F);
    painter.setPen(QPen(mark, 1));
    painter.drawLine(QPointF(middle, track.top() - 2), QPointF(middle, track.bottom() + 2));
    painter.setFont(line.stream ? font : bold);
    painter.setPen(theme.text);
    painter.drawText(QRectF(track.right(), row.top(), figures, step),
                     Qt::AlignRight | Qt::AlignVCenter, format::decimal(line.gate));
    painter.setFont(font);
    painter.setPen(theme.textMuted);
    painter.drawText(row, Qt::AlignRight | Qt::AlignVCenter,
                     tr("added %1").arg(format::decimal(line.write)));
  }
}

}  // namespace mneme

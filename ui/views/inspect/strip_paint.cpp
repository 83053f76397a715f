// SPDX-License-Identifier: Apache-2.0
// StripCanvas, the part that paints.
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"
#include "ui/views/inspect/strip_canvas.h"
#include "ui/views/inspect/tier_cell.h"

namespace mneme {
namespace {

constexpr double kWideText = 46;  // from here on the text lies flat
constexpr double kCellScale = 3;  // from here on each token has a cell of its own
constexpr float kMuted = 0.3F;    // opacity of template tokens

QColor blend(const QColor& ground, const QColor& over, double amount) {
  const auto mix = [amount](float a, float b) { return static_cast<float>(a + (b - a) * amount); };
  return QColor::fromRgbF(mix(ground.redF(), over.redF()), mix(ground.greenF(), over.greenF()),
                          mix(ground.blueF(), over.blueF()));
}

}  // namespace

void StripCanvas::paintStrip(QPainter* painter) const {
  const Theme& theme = Theme::current();
  const QFont font = theme.uiFont(0.95);
  painter->setFont(font);
  painter->setPen(theme.textMuted);
  for (const Row& row : m_rows) {
    painter->drawText(QRect(12, row.top, m_left - 12, row.height), Qt::AlignVCenter, row.name);
  }
  painter->drawText(
      QRect(m_left, 0, m_minimap.width(), m_minimap.top() - 2), Qt::AlignVCenter,
      m_data.size() == 1 ? tr("1 token") : tr("%1 tokens").arg(format::count(m_data.size())));
  if (m_data.size() == 0) return;
  paintMinimap(painter);
  painter->save();
  painter->setClipRect(rowsRect().adjusted(0, -2, 1, 2));
  paintMessages(painter);
  for (const Row& row : m_rows) paintRow(painter, row);
  painter->restore();
}

void StripCanvas::paintMinimap(QPainter* painter) const {
  const Theme& theme = Theme::current();
  painter->fillRect(m_minimap, theme.base);
  // Many tokens a column: what stands out, and before it the mean.
  const auto paintBar = [&](int x, int width, double share, const QColor& colour) {
    const int bar = static_cast<int>(std::lround(share * m_minimap.height()));
    painter->fillRect(QRect(x, m_minimap.bottom() + 1 - bar, width, bar), colour);
  };
  const int columns = std::min(m_minimap.width(), std::max(1, m_data.size()));
  const double step = double(m_minimap.width()) / columns;
  const QColor strong = theme.gate(0.9);
  const QColor weak = blend(theme.base, strong, 0.45);
  for (int c = 0; c < columns; ++c) {
    const int from = static_cast<int>(std::int64_t(c) * m_data.size() / columns);
    const int to =
        std::max(from + 1, static_cast<int>(std::int64_t(c + 1) * m_data.size() / columns));
    const auto gate = m_data.gateMax(from, to);
    if (!gate) continue;
    const int x = m_minimap.left() + static_cast<int>(std::floor(c * step));
    const int next = m_minimap.left() + static_cast<int>(std::floor((c + 1) * step));
    const int gap = step >= 4 ? 1 : 0;
    const int width = std::max(1, next - x - gap);
    if (to > from + 1) {
      paintBar(x, width, m_data.gateMaxPeak(from, to).value_or(0), weak);
      paintBar(x, width, *gate, strong);
    } else {
      paintBar(x, width, *gate, *gate > m_threshold ? strong : weak);
    }
  }
  // Where messages begin.
  for (std::size_t i = 1; i < m_trace.parts().size(); ++i) {
    const double share = double(m_trace.startOf(i)) / m_data.size();
    const int x = m_minimap.left() + static_cast<int>(share * m_minimap.width());
    painter->fillRect(QRect(x, m_minimap.top() - 3, 1, m_minimap.height() + 6), theme.textMuted);
  }
}

void StripCanvas::paintMessages(QPainter* painter) const {
  const QRect rows = rowsRect();
  for (std::size_t i = 1; i < m_trace.parts().size(); ++i) {
    const double x = m_left + (m_trace.startOf(i) - m_first) * m_scale;
    if (x < rows.left() || x > rows.right()) continue;
    painter->fillRect(QRectF(std::round(x) - 1, rows.top(), 1, rows.height()),
                      Theme::current().textMuted);
  }
}

void StripCanvas::paintRow(QPainter* painter, const Row& row) const {
  if (row.kind == Row::Kind::text) {
    if (m_scale >= kTextScale) paintTexts(painter, row);
  } else if (m_scale >= kCellScale) {
    paintCells(painter, row);
  } else {
    paintDensity(painter, row);
  }
}

QColor StripCanvas::cellColour(const Row& row, int first, int end, Of of) const {
  const bool peak = of == Of::peak;
  const Theme& theme = Theme::current();
  std::optional<double> value;
  QColor colour;
  switch (row.kind) {
    case Row::Kind::gate:
      value = peak ? m_data.gatePeak(row.layer, first, end) : m_data.gate(row.layer, first, end);
      if (value) colour = theme.gate(*value);
      break;
    case Row::Kind::write:
      value = peak ? m_data.writePeak(first, end) : m_data.write(first, end);
      if (value) colour = theme.write(*value);
      break;
    case Row::Kind::probability:
      value = peak ? m_data.probabilityPeak(first, end) : m_data.probability(first, end);
      if (value) colour = theme.probability(*value);
      break;
    default:
      break;
  }
  if (!value) return {};
  const double muted = m_data.templateShare(first, end);
  return muted > 0 ? blend(colour, theme.window, muted * (1 - kMuted)) : colour;
}

void StripCanvas::paintCells(QPainter* painter, const Row& row) const {
  const int gap = m_scale >= 5 ? 1 : 0;
  const double radius = m_scale >= 9 ? 2 : 0;
  painter->setRenderHint(QPainter::Antialiasing, radius > 0);
  QColor hairline = Theme::current().border;
  for (int i = firstVisible(); i < endVisible(); ++i) {
    // Whole pixels, so that cells are as crisp at their left as at their right.
    const double x = std::round(m_left + (i - m_first) * m_scale);
    const double next = std::round(m_left + (i + 1 - m_first) * m_scale);
    const QRectF cell(x, row.top, std::max(1.0, next - x - gap), row.height);
    if (row.kind == Row::Kind::tier) {
      const auto tiers = m_data.tiers(i, i + 1);
      const auto found = std::find(tiers.begin(), tiers.end(), 1);
      if (found == tiers.end()) continue;
      painter->setOpacity(m_data.templateShare(i, i + 1) > 0 ? kMuted : 1.0);
      paintTierCell(painter, cell, static_cast<Tier>(found - tiers.begin()), radius);
      painter->setOpacity(1);
      continue;
    }
    const QColor colour = cellColour(row, i, i + 1, Of::mean);
    if (!colour.isValid()) continue;
    if (radius > 0) {
      painter->setPen(QPen(hairline, 1));
      painter->setBrush(colour);
      painter->drawRoundedRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius);
    } else {
      painter->fillRect(cell, colour);
    }
  }
  painter->setRenderHint(QPainter::Antialiasing, false);
}

void StripCanvas::paintDensity(QPainter* painter, const Row& row) const {
  const QRect rows = rowsRect();
  for (int x = rows.left(); x <= rows.right(); ++x) {
    const int first = std::max(0, static_cast<int>(std::floor(m_first + (x - m_left) / m_scale)));
    const int last = static_cast<int>(std::floor(m_first + (x + 1 - m_left) / m_scale));
    const int end = std::min(m_data.size(), std::max(first + 1, last));
    if (first >= end) break;
    if (row.kind != Row::Kind::tier) {
      // What stands out above, the mean below: a mean alone is pale wherever few tokens are not.
      const QColor peak = cellColour(row, first, end, Of::peak);
      if (!peak.isValid()) continue;
      const int half = (row.height + 1) / 2;
      painter->fillRect(QRect(x, row.top, 1, half), peak);
      painter->fillRect(QRect(x, row.top + half, 1, row.height - half),
                        cellColour(row, first, end, Of::mean));
      continue;
    }
    // Shares of the tiers, from the fastest at the bottom to the slowest on top.
    const auto tiers = m_data.tiers(first, end);
    int total = 0;
    for (const int count : tiers) total += count;
    if (total == 0) continue;
    int below = 0;
    int y = row.top + row.height;
    for (std::size_t tier = 0; tier < tiers.size(); ++tier) {
      below += tiers[tier];
      const int top = row.top + row.height - below * row.height / total;
      if (top < y) {
        painter->fillRect(QRect(x, top, 1, y - top),
                          Theme::current().tier(static_cast<Tier>(tier)));
      }
      y = top;
    }
  }
}

void StripCanvas::paintTexts(QPainter* painter, const Row& row) const {
  const Theme& theme = Theme::current();
  const QFont font = theme.monoFont(0.88);
  const QFontMetrics metrics(font);
  const auto model = m_source.model();
  painter->setFont(font);
  for (int i = firstVisible(); i < endVisible(); ++i) {
    const double x = std::round(m_left + (i - m_first) * m_scale);
    const double next = std::round(m_left + (i + 1 - m_first) * m_scale);
    const QString text = withoutLigatures(tokenTextAt(m_trace, model.get(), i));
    painter->setPen(m_data.templateShare(i, i + 1) > 0 ? blend(theme.window, theme.textMuted, 0.75)
                                                       : theme.text);
    if (m_scale >= kWideText) {
      painter->drawText(QRectF(x, row.top, next - x - 2, row.height),
                        Qt::AlignBottom | Qt::AlignHCenter,
                        metrics.elidedText(text, Qt::ElideRight, static_cast<int>(next - x) - 2));
      continue;
    }
    painter->save();
    painter->translate(x, row.top + row.height);
    painter->rotate(-90);
    painter->drawText(QRectF(0, 0, row.height, next - x - 1), Qt::AlignVCenter | Qt::AlignLeft,
                      metrics.elidedText(text, Qt::ElideRight, row.height));
    painter->restore();
  }
}

void StripCanvas::paintSelection(QPainter* painter) const {
  const Theme& theme = Theme::current();
  const QRect rows = rowsRect();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setBrush(Qt::NoBrush);
  if (m_data.size() > 0) {
    // The stretch in view.
    const double scale = double(m_minimap.width()) / m_data.size();
    const double from = m_minimap.left() + m_first * scale;
    const double width = std::min(rows.width() / m_scale, m_data.size() - m_first) * scale;
    painter->setPen(QPen(theme.accent, 1.5));
    painter->drawRoundedRect(
        QRectF(from, m_minimap.top() - 2, std::max(6.0, width), m_minimap.height() + 4), 3, 3);
  }
  const auto frame = [&](EventIndex event, double pen, bool fill) {
    const auto index = m_trace.indexOf(event);
    if (!index.has_value()) return;
    const double x = std::round(m_left + (index.value_or(0) - m_first) * m_scale);
    const double w = std::max(3.0, std::round(m_scale));
    if (x + w < rows.left() || x > rows.right()) return;
    painter->setPen(QPen(theme.accent, pen));
    QColor wash = theme.accent;
    wash.setAlphaF(0.10F);
    painter->setBrush(fill ? QBrush(wash) : QBrush(Qt::NoBrush));
    painter->drawRoundedRect(QRectF(x - 1.5, rows.top() - 2, w + 2, rows.height() + 4), 3, 3);
  };
  painter->setClipRect(rows.adjusted(-3, -4, 4, 4));
  if (const auto hovered = m_selection.hovered()) frame(*hovered, 1, true);
  if (const auto pinned = m_selection.pinned()) frame(*pinned, 2, false);
  painter->setClipping(false);
  if (hasFocus()) {
    painter->setBrush(Qt::NoBrush);
    painter->setPen(QPen(theme.accent, 1));
    painter->drawRoundedRect(QRectF(rect()).adjusted(1.5, 0.5, -1.5, -1.5), 4, 4);
  }
}

}  // namespace mneme

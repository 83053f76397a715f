// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/tier_legend.h"

#include <QPainter>
#include <QStringList>
#include <utility>

#include "ui/models/token_text.h"
#include "ui/theme.h"
#include "ui/views/inspect/tier_cell.h"

namespace mneme {
namespace {

constexpr int kSwatch = 10;
constexpr int kItemGap = 14;

}  // namespace

TierLegend::TierLegend(const TierStats& stats, QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Tier colours"));
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  setStats(stats);
}

void TierLegend::setStats(const TierStats& stats) {
  std::vector<Tier> tiers = present_tiers(stats);
  if (stats.storage == m_storage && tiers == m_tiers) return;
  m_storage = stats.storage;
  m_tiers = std::move(tiers);
  updateGeometry();
  update();
}

std::vector<TierLegend::Item> TierLegend::place(int width) const {
  const QFontMetrics metrics(Theme::current().uiFont(0.9));
  const int step = metrics.height() + 4;
  std::vector<Item> items;
  int x = 0;
  int y = 0;
  for (const Tier tier : m_tiers) {
    Item item{.tier = tier, .name = tierName(tier, m_storage)};
    const int needs = kSwatch + 5 + metrics.horizontalAdvance(item.name) + 1;
    if (x > 0 && x + needs > width) {
      x = 0;
      y += step;
    }
    item.swatch = QRectF(x, y + (step - kSwatch) / 2.0, kSwatch, kSwatch);
    item.label = QRectF(x + kSwatch + 5, y, needs, step);
    x += needs + kItemGap;
    items.push_back(item);
  }
  return items;
}

int TierLegend::heightForWidth(int width) const {
  return static_cast<int>(place(width).back().label.bottom());
}

QSize TierLegend::sizeHint() const {
  const std::vector<Item> items = place(100'000);
  return {static_cast<int>(items.back().label.right()),
          static_cast<int>(items.back().label.bottom())};
}

QSize TierLegend::minimumSizeHint() const {
  return {120, heightForWidth(width())};
}

void TierLegend::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  paintAt(&painter, width());
}

void TierLegend::paintAt(QPainter* painter, int width) const {
  painter->setFont(Theme::current().uiFont(0.9));
  for (const Item& item : place(width)) {
    paintTierCell(painter, item.swatch, item.tier);
    painter->setPen(Theme::current().textMuted);
    painter->drawText(item.label, Qt::AlignVCenter, item.name);
  }
}

}  // namespace mneme

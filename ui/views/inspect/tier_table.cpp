// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/tier_table.h"

#include <QGridLayout>
#include <QLabel>

#include "ui/format.h"
#include "ui/models/token_text.h"

namespace mneme {

TierTable::TierTable(QWidget* parent) : QWidget(parent), m_grid(new QGridLayout(this)) {
  setAccessibleName(tr("Counters of each tier"));
  m_grid->setContentsMargins(0, 0, 0, 0);
  m_grid->setHorizontalSpacing(14);
  m_grid->setVerticalSpacing(0);
  m_grid->setColumnStretch(name, 1);
  const Row head = addRow("muted");
  const std::array<QString, columnCount> names{tr("tier"), tr("asked"), tr("served"), tr("evicted"),
                                               tr("holds")};
  const std::array<QString, columnCount> meanings{
      tr("Fastest first"),
      tr("N-grams that no faster tier had, once for each Engram layer, since the pack was opened"),
      tr("Share of those that this tier had"), tr("N-grams that had to leave it"),
      tr("Bytes of rows in it; RAM counts its bookkeeping too")};
  for (std::size_t i = 0; i < columnCount; ++i) {
    head[i]->setText(names[i]);
    head[i]->setToolTip(meanings[i]);
  }
}

TierTable::Row TierTable::addRow(const char* kind) {
  const int at = m_grid->rowCount();
  Row row{};
  for (int column = 0; column < columnCount; ++column) {
    auto* label = new QLabel(this);
    label->setProperty("kind", QLatin1String(kind));
    m_grid->addWidget(label, at, column, column == name ? Qt::AlignLeft : Qt::AlignRight);
    row[static_cast<std::size_t>(column)] = label;
  }
  return row;
}

void TierTable::setStats(const TierStats& stats) {
  const auto tiers = tier_counters(stats);
  while (m_rows.size() < tiers.size()) m_rows.push_back(addRow("value"));
  for (std::size_t i = 0; i < m_rows.size(); ++i) {
    for (QLabel* label : m_rows[i]) label->setVisible(i < tiers.size());
  }
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    const TierCounters& tier = tiers[i];
    const Row& row = m_rows[i];
    row[name]->setText(shortTierName(tier.tier, stats.storage));
    row[asked]->setText(format::compactCount(tier.asked));
    row[served]->setText(tier.asked == 0 ? tr("–")
                                         : format::percent(static_cast<double>(tier.served) /
                                                           static_cast<double>(tier.asked)));
    row[evicted]->setText(format::compactCount(tier.evicted));
    row[held]->setText(format::bytes(tier.bytes));
    row[held]->setToolTip(tr("of %1").arg(format::bytes(tier.room)));
  }
}

QString TierTable::cell(std::size_t row, std::size_t column) const {
  const bool shown =
      row < m_rows.size() && column < columnCount && !m_rows[row][column]->isHidden();
  return shown ? m_rows[row][column]->text() : QString();
}

}  // namespace mneme

#include "moc_tier_table.cpp"

// SPDX-License-Identifier: Apache-2.0
// The tiers as rows, each with the same figures: what it was asked for, how much of that it
// answered, what had to leave it, what it holds. UI thread.
#pragma once

#include <QWidget>
#include <array>
#include <vector>

#include "engram/tier_stats.h"

class QGridLayout;
class QLabel;

namespace mneme {

class TierTable : public QWidget {
  Q_OBJECT

 public:
  explicit TierTable(QWidget* parent = nullptr);

  void setStats(const TierStats& stats);
  QString cell(std::size_t row, std::size_t column) const;  // row 0: the fastest tier

 private:
  enum Column { name, asked, served, evicted, held, columnCount };
  using Row = std::array<QLabel*, columnCount>;

  Row addRow(const char* kind);

  QGridLayout* m_grid;
  std::vector<Row> m_rows;  // [tiers]
};

}  // namespace mneme

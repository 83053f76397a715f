// SPDX-License-Identifier: Apache-2.0
// Swatches with names: what the tier colours and hatches mean, of the tiers that there are. "SSD"
// or "file (cached by the system)", as the storage is. Painted; wraps. UI thread.
#pragma once

#include <QWidget>
#include <vector>

#include "engram/tier_stats.h"

namespace mneme {

class TierLegend : public QWidget {
  Q_OBJECT

 public:
  explicit TierLegend(const TierStats& stats, QWidget* parent = nullptr);
  void setStats(const TierStats& stats);
  std::vector<Tier> tiers() const { return m_tiers; }  // fastest first
  void paintAt(QPainter* painter, int width) const;    // at the painter's origin

  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  struct Item {
    Tier tier = Tier::ram;
    QString name;
    QRectF swatch;
    QRectF label;
  };
  std::vector<Item> place(int width) const;

  StorageKind m_storage = StorageKind::direct;
  std::vector<Tier> m_tiers;
};

}  // namespace mneme

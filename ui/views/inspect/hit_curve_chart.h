// SPDX-License-Identifier: Apache-2.0
// What another RAM budget would bring: the predicted hit rate over the budget (each step doubles),
// with a marker at the present budget and the rate that is measured there. UI thread.
#pragma once

#include <QWidget>

#include "engram/tier_stats.h"

namespace mneme {

class HitCurveChart : public QWidget {
  Q_OBJECT

 public:
  explicit HitCurveChart(QWidget* parent = nullptr);

  void setStats(const TierStats& stats);

  QSize sizeHint() const override { return {260, 110}; }
  QSize minimumSizeHint() const override { return {160, 78}; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  bool known() const;
  double measured() const;  // share; -1 = too little was asked for since the budget changed
  QRect plot() const;
  double xOf(std::uint64_t budgetBytes) const;
  double yOf(double rate) const;
  std::uint64_t budgetAt(double x) const;
  QString whyUnknown() const;
  QString describe() const;
  void paintMarker(QPainter* painter) const;

  HitCurvePoints m_predicted;
  std::uint64_t m_budget = 0;
  double m_lookups = 0;
  double m_hits = 0;
};

}  // namespace mneme

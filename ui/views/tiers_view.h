// SPDX-License-Identifier: Apache-2.0
// Memory tiers (inspection.md V4): where rows come from, live: hits, reads, latency, fill, the RAM
// budget, which acts at once, and what another budget would bring. UI thread.
#pragma once

#include <QElapsedTimer>
#include <QWidget>
#include <array>

#include "ui/models/inspect_source.h"
#include "ui/models/tier_history.h"

class QLabel;
class QPushButton;

namespace mneme {

class BudgetControl;
class ElidedLabel;
class HitCurveChart;
class TierTable;
class TimeChart;

class TiersView : public QWidget {
  Q_OBJECT

 public:
  explicit TiersView(InspectSource& source, QWidget* parent = nullptr);

  const TierHistory& history() const { return m_history; }
  // The figure as it stands in the view, by its name on screen; for tests and reading aloud.
  QString figure(const QString& name) const;

 Q_SIGNALS:
  void stallExplanationRequested();

 private:
  enum Figure {
    hitsNow,
    withoutDrive,
    readsNow,
    bytesNow,
    inFlight,
    latency,
    inTime,
    late,
    stall,
    checksums,
    written,
    recordLog,
    figureCount
  };
  void build();
  QWidget* buildFigures();
  void receive(const TierStats& stats);
  void refresh();
  void refreshFigures(const TierStats& stats, const TierHistory::Rates& rates);
  void refreshCharts();
  QString whyEmpty() const;

  InspectSource& m_source;
  TierHistory m_history;
  QElapsedTimer m_clock;
  std::array<QLabel*, figureCount> m_names{};
  std::array<QLabel*, figureCount> m_values{};
  QLabel* m_empty = nullptr;
  QWidget* m_body = nullptr;
  // Which way rows come, and why not a better one; a line each, empty ones hidden.
  static constexpr std::size_t kLines = 5;
  std::array<ElidedLabel*, kLines> m_where{};
  QLabel* m_untrained = nullptr;
  QLabel* m_warning = nullptr;
  HitCurveChart* m_curve = nullptr;
  TimeChart* m_hits = nullptr;
  TimeChart* m_latency = nullptr;
  TimeChart* m_fill = nullptr;
  TierTable* m_table = nullptr;
  QPushButton* m_explain = nullptr;
  BudgetControl* m_budget = nullptr;
};

}  // namespace mneme

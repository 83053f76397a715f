// SPDX-License-Identifier: Apache-2.0
// Tiers: where rows come from, live: hits, reads, waiting, the RAM for rows,
// which acts at once, and what more of it would bring. Two columns where there is room, else one;
// lower than its parts it scrolls in its dock. UI thread.
#pragma once

#include <QElapsedTimer>
#include <QWidget>
#include <array>

#include "ui/models/inspect_source.h"
#include "ui/models/tier_history.h"

class QBoxLayout;
class QGridLayout;
class QLabel;
class QPushButton;

namespace mneme {

class BudgetControl;
class ElidedLabel;
class HitCurveChart;
class MessageLine;
class TierTable;
class TimeChart;

class TiersView : public QWidget {
  Q_OBJECT

 public:
  explicit TiersView(InspectSource& source, QWidget* parent = nullptr);

  QSize minimumSizeHint() const override;

  void setAutomaticBudget(bool automatic);  // the program chooses how much RAM rows may take
  const TierHistory& history() const { return m_history; }
  // The figure as it stands in the view, by its name on screen; for tests and reading aloud.
  QString figure(const QString& name) const;

 Q_SIGNALS:
  void stallExplanationRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  // In groups of three; the last group is shown on demand.
  enum Figure {
    hitsNow,
    hitsSession,
    withoutDrive,
    readsNow,
    bytesNow,
    inFlight,
    hidden,
    waited,
    stall,
    latency,
    checksums,
    written,
    recordLog,
    figureCount
  };
  void build();
  void buildNotes();
  QWidget* buildFigures();
  QWidget* buildMore();
  void addFigure(Figure figure, const QString& name, const QString& meaning, QGridLayout* grid);
  void arrange();
  void holdHeight();
  void receive(const TierStats& stats);
  void refresh();
  void refreshFigures(const TierStats& stats, const TierHistory::Rates& rates);
  void refreshCharts();
  QString whyEmpty() const;

  InspectSource& m_source;
  TierHistory m_history;
  QElapsedTimer m_clock;
  bool m_automaticBudget = true;
  std::array<QLabel*, figureCount> m_names{};
  std::array<QLabel*, figureCount> m_values{};
  QLabel* m_empty = nullptr;
  QWidget* m_body = nullptr;
  QGridLayout* m_grid = nullptr;
  QWidget* m_charts = nullptr;
  QBoxLayout* m_chartRow = nullptr;
  QBoxLayout* m_figureRow = nullptr;
  QBoxLayout* m_moreRow = nullptr;
  QWidget* m_ram = nullptr;
  QWidget* m_notes = nullptr;
  QWidget* m_figures = nullptr;
  QWidget* m_more = nullptr;
  QPushButton* m_showMore = nullptr;
  // Which way rows come, and why not a better one; a line each, empty ones hidden.
  static constexpr std::size_t kLines = 5;
  std::array<ElidedLabel*, kLines> m_where{};
  QLabel* m_untrained = nullptr;
  MessageLine* m_warning = nullptr;
  HitCurveChart* m_curve = nullptr;
  TimeChart* m_hits = nullptr;
  TimeChart* m_latency = nullptr;
  TimeChart* m_fill = nullptr;
  TierTable* m_table = nullptr;
  QPushButton* m_explain = nullptr;
  BudgetControl* m_budget = nullptr;
};

}  // namespace mneme

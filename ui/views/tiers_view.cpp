// SPDX-License-Identifier: Apache-2.0
#include "ui/views/tiers_view.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>
#include <cmath>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"
#include "ui/views/budget_control.h"
#include "ui/views/hit_curve_chart.h"
#include "ui/views/time_chart.h"

namespace mneme {
namespace {

constexpr std::uint64_t kSilentUs = 1'000'000;  // no working drive is quiet for a second
constexpr double kSpanSeconds = TierHistory::kBins * TierHistory::kBinMs / 1000.0;

QLabel* label(const QString& text, const char* kind, QWidget* parent) {
  auto* made = new QLabel(text, parent);
  made->setProperty("kind", QLatin1String(kind));
  return made;
}

QString count(std::uint64_t value) {
  return format::compactCount(value);
}

}  // namespace

TiersView::TiersView(InspectSource& source, QWidget* parent) : QWidget(parent), m_source(source) {
  m_clock.start();
  setAccessibleName(tr("Memory tiers"));
  build();
  connect(&m_source, &InspectSource::tiersUpdated, this, &TiersView::receive);
  connect(&m_source, &InspectSource::modelChanged, this, [this] {
    m_history.clear();
    refresh();
  });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &TiersView::refresh);
  connect(m_budget, &BudgetControl::budgetChanged, &m_source, &InspectSource::requestRamBudget);
  refresh();
}

void TiersView::build() {
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(14, 8, 14, 8);
  m_empty = label(QString(), "muted", this);
  m_empty->setWordWrap(true);
  m_empty->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  outer->addWidget(m_empty);
  m_body = new QWidget(this);
  outer->addWidget(m_body, 1);
  auto* halves = new QHBoxLayout(m_body);
  halves->setContentsMargins(0, 0, 0, 0);
  halves->setSpacing(16);

  auto* charts = new QVBoxLayout;
  charts->setSpacing(8);
  m_hits = new TimeChart(tr("Look-ups, last %1 s").arg(qRound(kSpanSeconds)),
                         TimeChart::Style::stack, m_body);
  m_hits->setValueText([](double value) { return count(static_cast<std::uint64_t>(value)); });
  m_hits->setEmptyText(tr("No look-ups in the last minute. They come with the next answer."));
  m_latency = new TimeChart(tr("Read latency"), TimeChart::Style::line, m_body);
  m_latency->setValueText([](double value) { return format::microseconds(value); });
  m_latency->setEmptyText(tr("No reads in the last minute."));
  m_fill = new TimeChart(tr("RAM in use"), TimeChart::Style::area, m_body);
  m_fill->setValueText(
      [](double value) { return format::bytes(static_cast<std::uint64_t>(value)); });
  charts->addWidget(m_hits, 3);
  charts->addWidget(m_latency, 3);
  charts->addWidget(m_fill, 2);
  halves->addLayout(charts, 1);

  auto* right = new QVBoxLayout;
  right->setSpacing(6);
  m_budget = new BudgetControl(m_body);
  right->addWidget(m_budget);
  m_curve = new HitCurveChart(m_body);
  right->addWidget(m_curve, 1);
  m_silent = label(QString(), "warning", m_body);
  m_silent->setWordWrap(true);
  m_silent->hide();
  right->addWidget(m_silent);
  right->addWidget(buildFigures());
  auto* foot = new QHBoxLayout;
  m_where = label(QString(), "muted", m_body);
  m_where->setWordWrap(true);
  m_untrained = label(tr("untrained memory"), "warning", m_body);
  foot->addWidget(m_where, 1);
  foot->addWidget(m_untrained);
  right->addLayout(foot);
  halves->addLayout(right);
}

QWidget* TiersView::buildFigures() {
  auto* box = new QWidget(m_body);
  auto* grid = new QGridLayout(box);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(8);
  grid->setVerticalSpacing(2);
  const std::array<QString, figureCount> names{
      tr("hits, 1 s"), tr("hits, all"),      tr("reads"),    tr("read rate"),
      tr("in flight"), tr("p50, p99"),       tr("late"),     tr("stall"),
      tr("evictions"), tr("n-grams in RAM"), tr("RAM used"), tr("bytes written")};
  const std::array<QString, figureCount> meanings{
      tr("Share of n-grams that were in RAM when they were asked for, in the last second"),
      tr("The same since the memory pack was opened"),
      tr("Requests to storage a second, after merging"),
      tr("Bytes from storage a second, alignment included"),
      tr("Requests at the drive now"),
      tr("Read latency: half, and 99 of 100, were faster; of the last second, else since opening"),
      tr("N-grams and layers that were not there when the layer asked"),
      tr("Time that layers waited for rows"),
      tr("N-grams that had to leave RAM"),
      tr("With all heads of all Engram layers"),
      tr("Rows and bookkeeping, of the budget"),
      tr("The tables are only ever read; what is written is the hot set, for the next start")};
  for (std::size_t i = 0; i < figureCount; ++i) {
    const int row = static_cast<int>(i / 2);
    const int column = static_cast<int>(i % 2) * 2;
    m_names[i] = label(names[i], "muted", box);
    m_values[i] = new QLabel(box);
    m_values[i]->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_names[i]->setToolTip(meanings[i]);
    m_values[i]->setToolTip(meanings[i]);
    grid->addWidget(m_names[i], row, column);
    grid->addWidget(m_values[i], row, column + 1, Qt::AlignRight);
  }
  grid->setColumnStretch(1, 1);
  grid->setColumnStretch(3, 1);
  return box;
}

QString TiersView::figure(const QString& name) const {
  for (std::size_t i = 0; i < figureCount; ++i) {
    if (m_names[i]->text() == name) return m_values[i]->text();
  }
  return {};
}

QString TiersView::whyEmpty() const {
  if (m_source.hasPack()) return {};
  const auto model = m_source.model();
  if (!model) {
    return tr(
        "No model is loaded. Open a model: its memory pack is looked for beside it, and this "
        "view then shows where the rows come from.");
  }
  const QString reason = QString::fromStdString(model->layout.memory_absent_reason);
  return reason.isEmpty()
             ? tr("This model has no memory pack. Put one beside the model, or choose one when "
                  "opening the model, to see its tiers.")
             : reason;
}

void TiersView::receive(const TierStats& stats) {
  m_history.add(stats, m_clock.elapsed());
  if (isVisible()) refresh();
}

void TiersView::refresh() {
  const QString why = whyEmpty();
  m_empty->setText(why);
  m_empty->setVisible(!why.isEmpty());
  m_body->setVisible(why.isEmpty());
  if (!why.isEmpty()) return;
  const TierStats& stats = m_source.tiers();
  refreshFigures(stats, m_history.rates());
  refreshCharts();
  m_budget->setStore(stats.budget_bytes, stats.table_bytes);
  m_curve->setStats(stats);
  const bool silent = stats.silent_us >= kSilentUs;
  m_silent->setVisible(silent);
  if (silent) {
    m_silent->setText(tr("The drive owes %1 reads and has not answered for %2 s. Answers wait for "
                         "it; everything else goes on.")
                          .arg(count(stats.in_flight))
                          .arg(stats.silent_us / 1'000'000));
  }
  m_where->setText(tr("%1 by %2 on %3")
                       .arg(storageName(stats.storage), QString::fromStdString(stats.reader),
                            QString::fromStdString(stats.file_system)));
  const auto model = m_source.model();
  m_untrained->setVisible(model->layout.memory && !model->layout.memory->trained);
}

void TiersView::refreshFigures(const TierStats& stats, const TierHistory::Rates& rates) {
  const QString none = tr("–");
  const auto set = [this](Figure figure, const QString& text) { m_values[figure]->setText(text); };
  set(hitsNow, rates.hitShare < 0 ? none : format::percent(rates.hitShare));
  set(hitsSince, stats.lookups == 0 ? none
                                    : format::percent(static_cast<double>(stats.hits) /
                                                      static_cast<double>(stats.lookups)));
  set(readsNow, format::perSecond(rates.readsPerSecond));
  set(bytesNow, tr("%1/s").arg(format::bytes(static_cast<std::uint64_t>(rates.bytesPerSecond))));
  set(inFlight, count(stats.in_flight));
  const bool fresh = rates.latencyP99 > 0;
  const double p50 = fresh ? rates.latencyP50 : stats.read_latency.quantile(0.5);
  const double p99 = fresh ? rates.latencyP99 : stats.read_latency.quantile(0.99);
  set(latency,
      p99 > 0 ? tr("%1, %2").arg(format::microseconds(p50), format::microseconds(p99)) : none);
  set(late, count(stats.late));
  set(stall, format::milliseconds(static_cast<double>(stats.stall_us) / 1000));
  set(evictions, count(stats.evictions));
  set(entries, count(stats.entries));
  set(used, format::bytes(stats.bytes_used));
  set(written, count(stats.bytes_written));
}

void TiersView::refreshCharts() {
  const Theme& theme = Theme::current();
  const TierStats& stats = m_source.tiers();
  TimeChart::Series ram{tierName(Tier::ram, stats.storage), theme.tier(Tier::ram), {}};
  TimeChart::Series storage{
      shortTierName(Tier::ssd_in_time, stats.storage), theme.tier(Tier::ssd_in_time), {}};
  TimeChart::Series p50{tr("p50"), theme.accent, {}};
  TimeChart::Series p99{tr("p99"), theme.tier(Tier::ssd_late), {}};
  TimeChart::Series fill{tr("RAM in use"), theme.tier(Tier::ram), {}};
  for (int i = 0; i < TierHistory::kBins; ++i) {
    const TierHistory::Bin& bin = m_history.bin(i);
    const bool looked = bin.lookups > 0;
    ram.values.push_back(looked ? std::optional(double(bin.hits)) : std::nullopt);
    // The counters are read one after another, so that a hit may be counted before its look-up.
    const std::uint64_t misses = bin.lookups > bin.hits ? bin.lookups - bin.hits : 0;
    storage.values.push_back(looked ? std::optional(double(misses)) : std::nullopt);
    const bool read = bin.latency.total() > 0;
    p50.values.push_back(read ? std::optional(bin.latency.quantile(0.5)) : std::nullopt);
    p99.values.push_back(read ? std::optional(bin.latency.quantile(0.99)) : std::nullopt);
    fill.values.push_back(bin.budgetBytes > 0 ? std::optional(double(bin.bytesUsed))
                                              : std::nullopt);
  }
  m_hits->setSeries({ram, storage}, 0, kSpanSeconds);
  m_latency->setSeries({p99, p50}, 0, kSpanSeconds);
  m_fill->setNow(
      tr("%1 of %2").arg(format::bytes(stats.bytes_used), format::bytes(stats.budget_bytes)));
  m_fill->setSeries({fill}, static_cast<double>(stats.budget_bytes), kSpanSeconds);
}

}  // namespace mneme

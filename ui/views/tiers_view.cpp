// SPDX-License-Identifier: Apache-2.0
#include "ui/views/tiers_view.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"
#include "ui/views/budget_control.h"
#include "ui/views/elided_label.h"
#include "ui/views/hit_curve_chart.h"
#include "ui/views/tier_table.h"
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

// What a person should know now; empty when all is well.
QString warning(const TierStats& stats) {
  if (stats.silent_us >= kSilentUs) {
    return TiersView::tr(
               "The drive owes %1 reads and has not answered for %2 s. Answers wait for it; "
               "everything else goes on.")
        .arg(count(stats.in_flight))
        .arg(stats.silent_us / 1'000'000);
  }
  if (stats.failed_reads > 0) {
    return format::counted(
        static_cast<std::int64_t>(stats.failed_reads),
        TiersView::tr("%1 read failed since the pack was opened. The answer that needed it says "
                      "why."),
        TiersView::tr("%1 reads failed since the pack was opened. The answers that needed them say "
                      "why."));
  }
  return {};
}

// Which way rows come, then why not a better one.
QStringList where(const TierStats& stats) {
  QStringList parts;
  parts << TiersView::tr("%1 by %2 on %3")
               .arg(shortTierName(Tier::ssd_in_time, stats.storage),
                    QString::fromStdString(stats.reader),
                    QString::fromStdString(stats.file_system));
  if (stats.numa_node) parts << TiersView::tr("RAM on NUMA node %1").arg(*stats.numa_node);
  if (stats.restored > 0) {
    parts << TiersView::tr("%1 n-grams from the last run").arg(count(stats.restored));
  }
  QStringList lines{parts.join(TiersView::tr(" · "))};
  for (const std::string& why : {stats.why_reader, stats.why_cached}) {
    if (why.empty()) continue;
    QString line = QString::fromStdString(why);
    line[0] = line[0].toUpper();
    lines << line;
  }
  if (!stats.log.off.empty()) {
    lines << TiersView::tr("No record log: %1").arg(QString::fromStdString(stats.log.off));
  }
  if (!stats.device.off.empty()) {
    lines
        << TiersView::tr("No rows on the device: %1").arg(QString::fromStdString(stats.device.off));
  }
  return lines;
}

QString checksumText(const TierStats& stats) {
  if (!stats.checksums) return TiersView::tr("none");
  if (*stats.checksums == VerifyRows::off) return TiersView::tr("off");
  return (*stats.checksums == VerifyRows::always ? TiersView::tr("all, %1")
                                                 : TiersView::tr("sampled, %1"))
      .arg(count(stats.rows_verified));
}

QString recordLogText(const TierStats& stats) {
  const RecordLogStats& log = stats.log;
  if (!log.off.empty() || log.bytes == 0) return TiersView::tr("off");
  return TiersView::tr("%1 n-grams, %2 rows read")
      .arg(count(log.records), count(stats.rows_from_log));
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
  outer->setContentsMargins(14, 6, 14, 6);
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
  charts->setSpacing(6);
  m_hits =
      new TimeChart(tr("Rows, %1 s").arg(qRound(kSpanSeconds)), TimeChart::Style::stack, m_body);
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
  m_table = new TierTable(m_body);
  charts->addWidget(m_table);
  halves->addLayout(charts, 1);

  auto* right = new QVBoxLayout;
  right->setSpacing(6);
  m_budget = new BudgetControl(m_body);
  right->addWidget(m_budget);
  m_curve = new HitCurveChart(m_body);
  right->addWidget(m_curve, 1);
  m_warning = label(QString(), "warning", m_body);
  m_warning->setWordWrap(true);
  m_warning->hide();
  right->addWidget(m_warning);
  right->addWidget(buildFigures());
  auto* foot = new QHBoxLayout;
  m_untrained = label(tr("untrained memory"), "warning", m_body);
  for (ElidedLabel*& line : m_where) {
    line = new ElidedLabel(m_body);
    line->setProperty("kind", QStringLiteral("muted"));
    line->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  }
  foot->addWidget(m_where[0], 1);
  m_explain = new QPushButton(tr("Stalls …"), m_body);
  m_explain->setProperty("kind", QStringLiteral("quiet"));
  m_explain->setToolTip(
      tr("The tokens of this chat that waited longest for rows, and their reads"));
  connect(m_explain, &QPushButton::clicked, this, &TiersView::stallExplanationRequested);
  foot->addWidget(m_explain);
  foot->addWidget(m_untrained);
  right->addLayout(foot);
  right->addWidget(m_where[1]);
  right->addWidget(m_where[2]);
  halves->addLayout(right);
}

QWidget* TiersView::buildFigures() {
  auto* box = new QWidget(m_body);
  auto* grid = new QGridLayout(box);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(8);
  grid->setVerticalSpacing(1);
  const std::array<QString, figureCount> names{
      tr("hits, 1 s"), tr("without SSD"), tr("reads"),         tr("read rate"),
      tr("in flight"), tr("p50, p99"),    tr("in time"),       tr("late"),
      tr("stall"),     tr("checksums"),   tr("bytes written"), tr("record log")};
  const std::array<QString, figureCount> meanings{
      tr("Share of n-grams that were in RAM when they were asked for, in the last second"),
      tr("Share of rows that came from no drive, whatever tier had them, since the pack was "
         "opened"),
      tr("Requests to storage a second, after merging"),
      tr("Bytes from storage a second, alignment included"),
      tr("Requests at the drive now"),
      tr("Read latency: half, and 99 of 100, were faster; of the last second, else since opening"),
      tr("N-grams that were read and there before the layer asked for them"),
      tr("N-grams that a layer had to wait for"),
      tr("Time that layers waited for rows, and its share of the last second"),
      tr("Rows compared with the pack's checksums as they are read: how many of them, how many so "
         "far"),
      tr("The tables are only ever read; what is written is the hot set, for the next start"),
      tr("A copy of n-grams on the drive, side by side, for fewer reads: this version keeps none")};
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
  m_table->setStats(stats);
  const QString problem = warning(stats);
  m_warning->setText(problem);
  m_warning->setVisible(!problem.isEmpty());
  const QStringList lines = where(stats);
  for (std::size_t i = 0; i < kLines; ++i) {
    const QString line = lines.value(static_cast<qsizetype>(i));
    m_where[i]->setText(line);
    m_where[i]->setToolTip(line);
    m_where[i]->setVisible(!line.isEmpty());
  }
  const auto model = m_source.model();
  m_explain->setVisible(stats.stall_us > 0);
  m_untrained->setVisible(model->layout.memory && !model->layout.memory->trained);
}

void TiersView::refreshFigures(const TierStats& stats, const TierHistory::Rates& rates) {
  const QString none = tr("–");
  const auto set = [this](Figure figure, const QString& text) { m_values[figure]->setText(text); };
  set(hitsNow, rates.hitShare < 0 ? none : format::percent(rates.hitShare));
  m_names[withoutDrive]->setText(stats.storage == StorageKind::direct ? tr("without SSD")
                                                                      : tr("without a read"));
  const double near = served_without_storage(stats);
  set(withoutDrive, near < 0 ? none : format::percent(near));
  set(readsNow, format::perSecond(rates.readsPerSecond));
  set(bytesNow, tr("%1/s").arg(format::bytes(static_cast<std::uint64_t>(rates.bytesPerSecond))));
  set(inFlight, count(stats.in_flight));
  const bool fresh = rates.latencyP99 > 0;
  const double p50 = fresh ? rates.latencyP50 : stats.read_latency.quantile(0.5);
  const double p99 = fresh ? rates.latencyP99 : stats.read_latency.quantile(0.99);
  set(latency,
      p99 > 0 ? tr("%1, %2").arg(format::microseconds(p50), format::microseconds(p99)) : none);
  set(inTime, count(stats.served[static_cast<std::size_t>(Tier::ssd_in_time)]));
  set(late, count(stats.served[static_cast<std::size_t>(Tier::ssd_late)]));
  set(stall, tr("%1, %2").arg(format::milliseconds(static_cast<double>(stats.stall_us) / 1000),
                              format::percent(rates.stallShare)));
  set(checksums, checksumText(stats));
  set(written, format::bytes(stats.bytes_written));
  set(recordLog, recordLogText(stats));
}

void TiersView::refreshCharts() {
  const Theme& theme = Theme::current();
  const TierStats& stats = m_source.tiers();
  const std::vector<Tier> present = present_tiers(stats);
  std::vector<TimeChart::Series> tiers;
  for (const Tier tier : present) {
    tiers.push_back({shortTierName(tier, stats.storage), theme.tier(tier), {}});
  }
  TimeChart::Series p50{tr("p50"), theme.accent, {}};
  TimeChart::Series p99{tr("p99"), theme.tier(Tier::ssd_late), {}};
  TimeChart::Series fill{tr("RAM in use"), theme.tier(Tier::ram), {}};
  for (int i = 0; i < TierHistory::kBins; ++i) {
    const TierHistory::Bin& bin = m_history.bin(i);
    const bool asked = std::ranges::any_of(bin.served, [](std::uint64_t n) { return n > 0; });
    for (std::size_t t = 0; t < tiers.size(); ++t) {
      const auto served = static_cast<double>(bin.served[static_cast<std::size_t>(present[t])]);
      tiers[t].values.push_back(asked ? std::optional(served) : std::nullopt);
    }
    const bool read = bin.latency.total() > 0;
    p50.values.push_back(read ? std::optional(bin.latency.quantile(0.5)) : std::nullopt);
    p99.values.push_back(read ? std::optional(bin.latency.quantile(0.99)) : std::nullopt);
    fill.values.push_back(bin.budgetBytes > 0 ? std::optional(double(bin.bytesUsed))
                                              : std::nullopt);
  }
  m_hits->setSeries(std::move(tiers), 0, kSpanSeconds);
  m_latency->setSeries({p99, p50}, 0, kSpanSeconds);
  m_fill->setNow(
      tr("%1 of %2").arg(format::bytes(stats.bytes_used), format::bytes(stats.budget_bytes)));
  m_fill->setSeries({fill}, static_cast<double>(stats.budget_bytes), kSpanSeconds);
}

}  // namespace mneme

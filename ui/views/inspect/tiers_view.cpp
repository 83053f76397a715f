// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/tiers_view.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/format.h"
#include "ui/manual_topic.h"
#include "ui/models/token_text.h"
#include "ui/plain_text.h"
#include "ui/theme.h"
#include "ui/views/inspect/budget_control.h"
#include "ui/views/inspect/hit_curve_chart.h"
#include "ui/views/inspect/tier_table.h"
#include "ui/views/inspect/time_chart.h"
#include "ui/views/window/elided_label.h"
#include "ui/views/window/message_line.h"

namespace mneme {
namespace {

constexpr std::uint64_t kSilentUs = 1'000'000;  // no working drive is quiet for a second
constexpr int kColumn = 266;                    // the least width of a column
constexpr int kChart = 56;                      // the least height of one
constexpr int kInARow = 400;  // of a column that has charts and groups of figures beside each other
constexpr int kViewMargin = 14;
constexpr int kColumnGap = 16;
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
  setAccessibleName(tr("Tiers"));
  build();
  connect(&m_source, &InspectSource::tiersUpdated, this, &TiersView::receive);
  connect(&m_source, &InspectSource::modelChanged, this, [this] {
    m_history.clear();
    refresh();
  });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &TiersView::refresh);
  connect(m_budget, &BudgetControl::budgetChanged, this, [this](quint64 bytes) {
    setAutomaticBudget(bytes == 0);
    m_source.requestRamBudget(bytes);
  });
  refresh();
}

void TiersView::build() {
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(kViewMargin, 6, kViewMargin, 6);
  m_empty = label(QString(), "muted", this);
  m_empty->setWordWrap(true);
  m_empty->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  outer->addWidget(m_empty);
  m_body = new QWidget(this);
  outer->addWidget(m_body, 1);
  m_charts = new QWidget(m_body);
  m_chartRow = new QBoxLayout(QBoxLayout::TopToBottom, m_charts);
  m_chartRow->setContentsMargins(0, 0, 0, 0);
  m_chartRow->setSpacing(6);
  m_hits =
      new TimeChart(tr("Rows, %1 s").arg(qRound(kSpanSeconds)), TimeChart::Style::stack, m_charts);
  m_hits->setValueText([](double value) { return count(static_cast<std::uint64_t>(value)); });
  m_hits->setEmptyText(tr("No rows in the last minute. They come with the next answer."));
  m_latency = new TimeChart(tr("Read latency"), TimeChart::Style::line, m_charts);
  m_latency->setValueText([](double value) { return format::microseconds(value); });
  m_latency->setEmptyText(tr("No reads in the last minute."));
  for (TimeChart* chart : {m_hits, m_latency}) {
    chart->setMinimumHeight(kChart);
    m_chartRow->addWidget(chart, 1);
  }

  m_ram = new QWidget(m_body);
  auto* ram = new QVBoxLayout(m_ram);
  ram->setContentsMargins(0, 0, 0, 0);
  ram->setSpacing(4);
  m_budget = new BudgetControl(m_ram);
  setManualTopic(m_budget, QStringLiteral("choosing-a-budget"));
  ram->addWidget(m_budget);
  m_curve = new HitCurveChart(m_ram);
  m_curve->setMinimumHeight(72);
  ram->addWidget(m_curve, 1);

  m_table = new TierTable(m_body);
  buildNotes();
  m_figures = buildFigures();
  m_more = buildMore();
  m_more->hide();
  connect(m_showMore, &QPushButton::toggled, this, [this](bool on) {
    m_more->setVisible(on);
    m_showMore->setText(on ? tr("Less") : tr("More"));
    holdHeight();
  });
  arrange();
}

// Which way rows come and why not a better one, what is wrong, and what can be asked.
void TiersView::buildNotes() {
  m_notes = new QWidget(m_body);
  auto* rows = new QVBoxLayout(m_notes);
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setSpacing(2);
  m_warning = new MessageLine(m_notes);
  rows->addWidget(m_warning);
  for (ElidedLabel*& line : m_where) {
    line = new ElidedLabel(m_notes);
    line->setProperty("kind", QStringLiteral("muted"));
    line->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    rows->addWidget(line);
  }
  auto* foot = new QHBoxLayout;
  m_untrained = label(tr("untrained"), "warning", m_notes);
  m_untrained->setToolTip(tr("The pack is a stand-in of random rows: its gates mean nothing yet."));
  foot->addWidget(m_untrained);
  foot->addStretch(1);
  m_explain = new QPushButton(tr("Why tokens waited …"), m_notes);
  m_explain->setProperty("kind", QStringLiteral("quiet"));
  m_explain->setToolTip(
      tr("The tokens of this chat that waited longest for rows, and their reads"));
  connect(m_explain, &QPushButton::clicked, this, &TiersView::stallExplanationRequested);
  foot->addWidget(m_explain);
  m_showMore = new QPushButton(tr("More"), m_notes);
  m_showMore->setProperty("kind", QStringLiteral("quiet"));
  m_showMore->setAccessibleName(tr("More figures of the tiers"));
  m_showMore->setCheckable(true);
  foot->addWidget(m_showMore);
  rows->addLayout(foot);
  rows->addStretch(1);
}

void TiersView::addFigure(Figure figure, const QString& name, const QString& meaning,
                          QGridLayout* grid) {
  const int row = grid->rowCount();
  m_names[figure] = label(name, "muted", grid->parentWidget());
  m_values[figure] = new QLabel(grid->parentWidget());
  m_values[figure]->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_names[figure]->setToolTip(meaning);
  m_values[figure]->setToolTip(meaning);
  grid->addWidget(m_names[figure], row, 0);
  grid->addWidget(m_values[figure], row, 1, Qt::AlignRight);
  grid->setColumnStretch(1, 1);
}

QWidget* TiersView::buildFigures() {
  auto* box = new QWidget(m_body);
  m_figureRow = new QBoxLayout(QBoxLayout::LeftToRight, box);
  m_figureRow->setContentsMargins(0, 0, 0, 0);
  m_figureRow->setSpacing(kColumnGap);
  const auto group = [&](const QString& title) {
    auto* part = new QWidget(box);
    auto* grid = new QGridLayout(part);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(6);
    grid->setVerticalSpacing(1);
    grid->addWidget(label(title, "title", part), 0, 0, 1, 2);
    m_figureRow->addWidget(part, 1, Qt::AlignTop);
    return grid;
  };
  QGridLayout* hits = group(tr("Hits"));
  addFigure(hitsNow, tr("last second"),
            tr("Share of n-grams that were in RAM when they were asked for, in the last second"),
            hits);
  addFigure(hitsSession, tr("session"),
            tr("The same since the pack was opened, without what was brought back at its start"),
            hits);
  addFigure(withoutDrive, tr("without SSD"),
            tr("Share of rows that came from no drive, whatever tier had them, since the pack was "
               "opened"),
            hits);
  QGridLayout* drive = group(tr("Drive"));
  addFigure(readsNow, tr("reads"), tr("Requests to storage a second, after merging"), drive);
  addFigure(bytesNow, tr("rate"), tr("Bytes from storage a second, alignment included"), drive);
  addFigure(inFlight, tr("in flight"), tr("Requests at the drive now"), drive);
  QGridLayout* waiting = group(tr("Waiting"));
  addFigure(hidden, tr("hidden"),
            tr("N-grams whose read was hidden behind computing: they were there before the layer "
               "asked for them"),
            waiting);
  addFigure(waited, tr("waited for"), tr("N-grams that a layer had to wait for"), waiting);
  addFigure(stall, tr("time"),
            tr("Time that layers waited for rows, and its share of the last second"), waiting);
  return box;
}

QWidget* TiersView::buildMore() {
  auto* box = new QWidget(m_body);
  m_moreRow = new QBoxLayout(QBoxLayout::LeftToRight, box);
  m_moreRow->setContentsMargins(0, 0, 0, 0);
  m_moreRow->setSpacing(kColumnGap);
  m_fill = new TimeChart(tr("RAM in use"), TimeChart::Style::area, box);
  m_fill->setValueText(
      [](double value) { return format::bytes(static_cast<std::uint64_t>(value)); });
  m_fill->setMinimumHeight(64);
  m_moreRow->addWidget(m_fill, 1);
  auto* figures = new QWidget(box);
  auto* grid = new QGridLayout(figures);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(6);
  grid->setVerticalSpacing(1);
  addFigure(
      latency, tr("read, p50 and p99"),
      tr("Read latency: half, and 99 of 100, were faster; of the last second, else since opening"),
      grid);
  addFigure(
      checksums, tr("checksums"),
      tr("Rows compared with the pack's checksums as they are read: how many of them, how many so "
         "far"),
      grid);
  addFigure(written, tr("bytes written"),
            tr("The tables are only ever read; what is written is the hot set, for the next start, "
               "and the record log"),
            grid);
  addFigure(recordLog, tr("record log"),
            tr("A copy of n-grams on the drive, side by side, for fewer reads: off unless the "
               "settings give it room"),
            grid);
  m_moreRow->addWidget(figures, 1, Qt::AlignTop);
  return box;
}

// Beside each other where both columns have room, else all below one another.
void TiersView::arrange() {
  const bool wide = width() >= 2 * kColumn + kColumnGap + 2 * kViewMargin;
  const bool inARow = width() >= kInARow + 2 * kViewMargin;
  m_chartRow->setDirection(inARow && !wide ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
  m_chartRow->setSpacing(wide ? 6 : kColumnGap);
  // The row of the grid must not be what the charts needed in the other direction.
  const bool besides = m_chartRow->direction() == QBoxLayout::LeftToRight;
  m_charts->setMinimumHeight(besides ? kChart : 2 * kChart + m_chartRow->spacing());
  m_figureRow->setDirection(inARow ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
  m_moreRow->setDirection(inARow ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
  if (m_grid != nullptr && m_grid->columnCount() == (wide ? 2 : 1)) return;
  delete m_grid;
  m_grid = new QGridLayout(m_body);
  m_grid->setContentsMargins(0, 0, 0, 0);
  m_grid->setHorizontalSpacing(kColumnGap);
  m_grid->setVerticalSpacing(8);
  const int last = wide ? 1 : 0;
  int row = 0;
  m_grid->addWidget(m_charts, row, 0);
  m_grid->setRowStretch(row, 1);
  if (!wide) m_grid->setRowStretch(++row, 1);
  m_grid->addWidget(m_ram, row, last);
  m_grid->addWidget(m_table, ++row, 0, Qt::AlignTop);
  if (!wide) ++row;
  m_grid->addWidget(m_notes, row, last);
  m_grid->addWidget(m_figures, ++row, 0, 1, last + 1);
  m_grid->addWidget(m_more, ++row, 0, 1, last + 1);
  for (int column = 0; column <= last; ++column) m_grid->setColumnStretch(column, 1);
}

void TiersView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  arrange();
  holdHeight();
}

// In one column the view scrolls rather than squeezes what wraps.
void TiersView::holdHeight() {
  int needs = 0;
  if (m_grid->columnCount() == 1) {
    const int room = width() - 2 * kViewMargin;
    needs = std::max(m_grid->totalSizeHint().height(), m_grid->totalHeightForWidth(room));
  }
  m_body->setMinimumHeight(needs);
}

// As narrow as one column, however many there are now: the dock may become so.
QSize TiersView::minimumSizeHint() const {
  return {kColumn + 2 * kViewMargin, QWidget::minimumSizeHint().height()};
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
        "No model is loaded. Open a model: its n-gram memory is looked for beside it, and this "
        "view then shows where the rows come from.");
  }
  const QString reason = QString::fromStdString(model->layout.memory_absent_reason);
  return reason.isEmpty() ? tr("This model has no n-gram memory. Put a pack beside the model, or "
                               "choose one when opening the model, to see its tiers.")
                          : reason;
}

void TiersView::setAutomaticBudget(bool automatic) {
  m_automaticBudget = automatic;
  m_budget->setAutomatic(automatic);
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
  m_budget->setAutomatic(m_automaticBudget);
  m_curve->setStats(stats);
  m_table->setStats(stats);
  m_warning->say(MessageLine::Kind::warning, warning(stats));
  const QStringList lines = where(stats);
  for (std::size_t i = 0; i < kLines; ++i) {
    const QString line = lines.value(static_cast<qsizetype>(i));
    m_where[i]->setText(line);
    m_where[i]->setToolTip(boundedText(line));
    m_where[i]->setVisible(!line.isEmpty());
  }
  const auto model = m_source.model();
  m_explain->setVisible(stats.stall_us > 0);
  m_untrained->setVisible(model->layout.memory && !model->layout.memory->trained);
  holdHeight();
}

void TiersView::refreshFigures(const TierStats& stats, const TierHistory::Rates& rates) {
  const QString none = tr("–");
  const auto set = [this](Figure figure, const QString& text) { m_values[figure]->setText(text); };
  set(hitsNow, rates.hitShare < 0 ? none : format::percent(rates.hitShare));
  set(hitsSession, stats.lookups == 0 ? none
                                      : format::percent(static_cast<double>(stats.hits) /
                                                        static_cast<double>(stats.lookups)));
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
  set(hidden, count(stats.served[static_cast<std::size_t>(Tier::ssd_in_time)]));
  set(waited, count(stats.served[static_cast<std::size_t>(Tier::ssd_late)]));
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

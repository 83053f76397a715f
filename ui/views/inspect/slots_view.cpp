// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/slots_view.h"

#include <QCheckBox>
#include <QElapsedTimer>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/format.h"
#include "ui/theme.h"
#include "ui/views/inspect/tier_cell.h"
#include "ui/views/window/message_line.h"

namespace mneme {
namespace {

constexpr char kSlotsJob[] = "slots";
constexpr int kFilterPauseMs = 180;
constexpr int kRebuildMs = 500;
constexpr int kNgramMin = 14;  // characters
constexpr int kNgramMax = 40;

// From left to right; all but the last few are seen at usual sizes, the others by scrolling.
constexpr std::array<SlotColumn, static_cast<std::size_t>(SlotColumn::count)> kColumnOrder{
    SlotColumn::position, SlotColumn::ngram,   SlotColumn::order, SlotColumn::head,
    SlotColumn::tier,     SlotColumn::latency, SlotColumn::seen,  SlotColumn::collisions,
    SlotColumn::layer,    SlotColumn::row,     SlotColumn::prime, SlotColumn::classes};
constexpr std::size_t kFirstColumns = 8;  // that make room for one another

// The tier's colour and hatch before its name.
class TierDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    return QStyledItemDelegate::sizeHint(option, index) + QSize(kSide + 8, 0);
  }

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    QStyleOptionViewItem shifted = option;
    if (option.state & QStyle::State_Selected) {
      painter->fillRect(option.rect, Theme::current().accentSoft);
    }
    const int side = std::min(kSide, option.rect.height() - 6);
    const QRectF cell(option.rect.left() + 6, option.rect.center().y() - side / 2.0 + 0.5, side,
                      side);
    paintTierCell(painter, cell, static_cast<Tier>(index.data(SlotTable::kTierRole).toInt()));
    shifted.rect.adjust(side + 8, 0, 0, 0);
    QStyledItemDelegate::paint(painter, shifted, index);
  }

 private:
  static constexpr int kSide = 12;
};

}  // namespace

SlotsView::SlotsView(BranchTrace& trace, Selection& selection, InspectSource& source, Jobs& jobs,
                     QWidget* parent)
    : QWidget(parent), m_trace(trace), m_selection(selection), m_source(source), m_jobs(jobs) {
  build();
  m_rebuildTimer.setSingleShot(true);
  m_filterTimer.setSingleShot(true);
  m_filterTimer.setInterval(kFilterPauseMs);
  connect(&m_rebuildTimer, &QTimer::timeout, this, &SlotsView::rebuild);
  connect(&m_filterTimer, &QTimer::timeout, this, &SlotsView::requery);
  connect(&m_trace, &BranchTrace::wasReset, this, &SlotsView::forget);
  connect(&m_trace, &BranchTrace::grew, this, &SlotsView::traceChanged);
  connect(&m_source, &InspectSource::modelChanged, this, &SlotsView::forget);
  connect(&m_source, &InspectSource::tiersUpdated, this,
          [this](const TierStats& stats) { m_table.setStorage(stats.storage); });
  connect(&m_table, &SlotTable::sortRequested, this, [this](SlotColumn column, bool descending) {
    m_query.sort = column;
    m_query.descending = descending;
    requery();
  });
  connect(&m_selection, &Selection::pinnedChanged, this, [this] {
    if (m_onlyPinned->isChecked()) requery();
    followPinned();
  });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &SlotsView::applyFonts);
  m_table.setStorage(m_source.tiers().storage);
  applyFonts();
  refresh();
}

void SlotsView::build() {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(12, 8, 12, 6);
  column->setSpacing(6);
  auto* bar = new QHBoxLayout;
  m_filter = new QLineEdit(this);
  m_filter->setPlaceholderText(
      tr("Filter: text of the n-gram, layer=14, order=3, tier=ssd, seen>3"));
  m_filter->setAccessibleName(tr("Filter of the slots table"));
  m_filter->setToolTip(
      tr("Words must occur in the n-gram's text. Fields: layer, order, head, row, read, seen, "
         "shared with = < >; tier=ram, ssd, hidden or waited."));
  m_filter->setClearButtonEnabled(true);
  m_filter->setMinimumWidth(180);
  bar->addWidget(m_filter, 1);
  m_onlyPinned = new QCheckBox(tr("&Pinned token only"), this);
  bar->addWidget(m_onlyPinned);
  m_state = new QLabel(this);
  m_state->setProperty("kind", QStringLiteral("muted"));
  bar->addWidget(m_state);
  column->addLayout(bar);
  m_error = new MessageLine(this);
  column->addWidget(m_error);
  m_empty = new QLabel(this);
  m_empty->setProperty("kind", QStringLiteral("muted"));
  m_empty->setWordWrap(true);
  m_empty->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  column->addWidget(m_empty, 1);

  m_view = new QTableView(this);
  m_view->setModel(&m_table);
  m_view->setAccessibleName(tr("Slots"));
  m_view->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_view->setSelectionMode(QAbstractItemView::SingleSelection);
  m_view->setShowGrid(false);
  m_view->setWordWrap(false);
  m_view->setTabKeyNavigation(false);
  m_view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  m_view->verticalHeader()->hide();
  m_view->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_view->horizontalHeader()->setSortIndicator(0, Qt::AscendingOrder);
  m_view->setSortingEnabled(true);
  m_view->horizontalHeader()->setHighlightSections(false);
  // The arrow stands above the name; beside it, it would cover names that are set to the right.
  // They end where the numbers below them do.
  m_view->horizontalHeader()->setStyleSheet(
      QStringLiteral("QHeaderView::section { padding: 9px 3px 4px 3px; }"));
  for (std::size_t at = 0; at < kColumnOrder.size(); ++at) {
    QHeaderView* const header = m_view->horizontalHeader();
    header->moveSection(header->visualIndex(static_cast<int>(kColumnOrder[at])),
                        static_cast<int>(at));
  }
  m_view->viewport()->installEventFilter(this);
  m_view->setItemDelegateForColumn(static_cast<int>(SlotColumn::tier), new TierDelegate(this));
  column->addWidget(m_view, 4);

  connect(m_filter, &QLineEdit::textChanged, this, [this] { m_filterTimer.start(); });
  connect(m_onlyPinned, &QCheckBox::toggled, this, &SlotsView::requery);
  // Not the current row: a table that gets the focus makes its first row the current one.
  connect(m_view->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &SlotsView::rowChosen);
}

void SlotsView::applyFonts() {
  const QFont font = Theme::current().uiFont(0.95);
  const QFontMetrics metrics(font);
  m_view->setFont(font);
  m_view->verticalHeader()->setDefaultSectionSize(metrics.height() + 7);
  m_widths.fill(0);
  fitColumns();
}

// Each column as wide as its heading and what it has shown so far; the n-grams take what is left.
void SlotsView::fitColumns() {
  QHeaderView* const header = m_view->horizontalHeader();
  const QAbstractItemView* view = m_view;
  int all = 0;
  int first = 0;
  for (std::size_t at = 0; at < kColumnOrder.size(); ++at) {
    const int column = static_cast<int>(kColumnOrder[at]);
    int& width = m_widths[static_cast<std::size_t>(column)];
    const QString name = m_table.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    width = std::max({width, header->fontMetrics().horizontalAdvance(name) + 18,
                      view->sizeHintForColumn(column) + 6});
    if (kColumnOrder[at] == SlotColumn::ngram) continue;
    all += width;
    if (at < kFirstColumns) first += width;
    header->resizeSection(column, width);
  }
  const int digit = m_view->fontMetrics().horizontalAdvance(QLatin1Char('0'));
  const int wanted = std::clamp(m_widths[static_cast<std::size_t>(SlotColumn::ngram)],
                                kNgramMin * digit, kNgramMax * digit);
  const int room = m_view->viewport()->width();
  const int left = all + wanted <= room ? room - all : std::min(wanted, room - first);
  header->resizeSection(static_cast<int>(SlotColumn::ngram), std::max(kNgramMin * digit, left));
}

bool SlotsView::eventFilter(QObject* watched, QEvent* event) {
  if (watched == m_view->viewport() && event->type() == QEvent::Resize) fitColumns();
  return QWidget::eventFilter(watched, event);
}

// Another branch or another model: what is still asked of the old one is not shown either.
void SlotsView::forget() {
  m_jobs.cancel(this, kSlotsJob);
  m_building = false;
  m_index.reset();
  m_table.show(nullptr, nullptr);
  traceChanged();
}

void SlotsView::traceChanged() {
  m_stale = true;
  // While an answer runs the table follows at its own pace: it must not take the engine's time.
  if (isVisible() && !m_rebuildTimer.isActive()) {
    m_rebuildTimer.start(m_index ? std::max(kRebuildMs, static_cast<int>(m_buildMs * 20)) : 0);
  }
  refresh();
}

void SlotsView::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (m_stale) rebuild();
}

void SlotsView::rebuild() {
  const auto model = m_source.model();
  if (!model || !model->hasher || m_trace.size() == 0) {
    refresh();
    return;
  }
  m_stale = false;
  m_query.only = m_onlyPinned->isChecked() ? m_selection.pinned() : std::nullopt;
  m_building = true;
  ask([log = m_trace.log(), parts = m_trace.parts(), model, query = m_query] {
    Answer answer;
    QElapsedTimer timer;
    timer.start();
    answer.index = SlotIndex::build(log, parts, model);
    answer.buildMs = static_cast<double>(timer.nsecsElapsed()) / 1e6;
    answer.entries =
        std::make_shared<const std::vector<std::uint32_t>>(runQuery(*answer.index, query));
    return answer;
  });
  refresh();
}

// The newest question of the table is the one that is answered.
void SlotsView::ask(std::function<Answer()> work) {
  m_jobs.start(
      this, kSlotsJob, [work = std::move(work)](const Jobs::Stop&) { return work(); },
      [this](const Answer& answer) { receive(answer); });
}

void SlotsView::requery() {
  m_filterError.clear();
  const auto filter = SlotFilter::parse(m_filter->text(), &m_filterError);
  if (filter) {
    m_query.filter = *filter;
    m_query.only = m_onlyPinned->isChecked() ? m_selection.pinned() : std::nullopt;
    if (m_building) {
      rebuild();  // with this query
    } else if (m_index) {
      ask([index = m_index, query = m_query] {
        return Answer{index,
                      std::make_shared<const std::vector<std::uint32_t>>(runQuery(*index, query))};
      });
    }
  }
  refresh();
}

void SlotsView::receive(const Answer& answer) {
  m_building = false;
  m_index = answer.index;
  if (answer.buildMs > 0) m_buildMs = answer.buildMs;
  m_following = true;
  m_table.show(answer.index, answer.entries);
  m_following = false;
  refresh();
  fitColumns();
  followPinned();
}

QString SlotsView::whyEmpty() const {
  const auto model = m_source.model();
  if (!model) return tr("No model is loaded. Open the model of this chat to see its rows.");
  if (!model->hasher) {
    const QString reason = QString::fromStdString(model->layout.memory_absent_reason);
    return reason.isEmpty() ? tr("This model has no n-gram memory, so there are no rows.") : reason;
  }
  if (m_trace.size() == 0) {
    return tr("No tokens yet. Ask something: each token's n-grams and rows appear here.");
  }
  if (!m_index) return tr("Looking up the rows …");
  if (m_index->size() == 0) {
    return tr(
        "No token of this chat was read with the n-gram memory that is loaded: it was off, or "
        "another pack was in use.");
  }
  if (m_onlyPinned->isChecked() && !m_selection.pinned()) {
    return tr("No token is pinned. Click one in the chat or the strip, or show all tokens.");
  }
  if (m_table.rowCount() == 0) return tr("No slot matches.");
  return {};
}

void SlotsView::refresh() {
  const QString why = whyEmpty();
  m_empty->setText(why);
  m_empty->setVisible(!why.isEmpty());
  m_view->setVisible(why.isEmpty());
  m_error->say(MessageLine::Kind::error, m_filterError);
  QString state;
  if (m_index) {
    state = tr("%1 of %2 slots")
                .arg(format::count(m_table.rowCount()),
                     format::count(static_cast<std::int64_t>(m_index->size())));
    if (m_index->skippedTokens() > 0) {
      state += tr(", too big: the oldest %1 tokens are left out")
                   .arg(format::count(static_cast<std::int64_t>(m_index->skippedTokens())));
    }
    if (m_index->model().layout.memory && !m_index->model().layout.memory->trained) {
      state += tr(", untrained");
    }
  }
  if (m_jobs.busy(this, kSlotsJob)) state += tr(" …");
  m_state->setText(state);
}

void SlotsView::followPinned() {
  const auto pinned = m_selection.pinned();
  if (!pinned || !m_view->isVisible()) return;
  const QModelIndex current = m_view->currentIndex();
  if (current.isValid() && current.row() < m_table.rowCount() &&
      m_table.eventAt(current.row()) == *pinned) {
    return;
  }
  const auto row = m_table.rowOf(*pinned);
  if (!row) return;
  m_following = true;
  m_view->selectRow(*row);
  m_view->scrollTo(m_table.index(*row, 0), QAbstractItemView::PositionAtCenter);
  m_following = false;
}

void SlotsView::rowChosen() {
  const QModelIndexList chosen = m_view->selectionModel()->selectedRows();
  if (m_following || chosen.isEmpty() || chosen.first().row() >= m_table.rowCount()) return;
  m_selection.hover(std::nullopt);
  m_selection.pin(m_table.eventAt(chosen.first().row()));
}

void SlotsView::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape && m_selection.shown()) {
    m_selection.clear();
    return;
  }
  QWidget::keyPressEvent(event);
}

void SlotsView::changeEvent(QEvent* event) {
  if (event->type() == QEvent::FontChange) applyFonts();
  QWidget::changeEvent(event);
}

}  // namespace mneme

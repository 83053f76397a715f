// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/hot_set_view.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QTableWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <array>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"
#include "ui/views/inspect/hot_set_canvas.h"
#include "ui/views/window/elided_label.h"

namespace mneme {
namespace {

constexpr char kMapJob[] = "hot set map";
constexpr int kListNarrowest = 260;

enum Column { ngram, rowId, order, head, columnCount };

}  // namespace

HotSetView::HotSetView(BranchTrace& trace, InspectSource& source, Jobs& jobs, QWidget* parent)
    : QWidget(parent), m_trace(trace), m_source(source), m_jobs(jobs) {
  setAccessibleName(tr("Hot set"));
  build();
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &HotSetView::ask);
  connect(&m_source, &InspectSource::modelChanged, this, &HotSetView::modelChanged);
  connect(&m_source, &InspectSource::tiersUpdated, this, &HotSetView::askSoon);
  connect(&m_trace, &BranchTrace::wasReset, this, [this] {
    m_stale = true;
    askSoon();
  });
  connect(&m_trace, &BranchTrace::grew, this, &HotSetView::askSoon);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &HotSetView::refresh);
  modelChanged();
}

void HotSetView::build() {
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(14, 6, 14, 6);
  m_empty = new QLabel(this);
  m_empty->setProperty("kind", QStringLiteral("muted"));
  m_empty->setWordWrap(true);
  m_empty->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  outer->addWidget(m_empty, 1);
  m_body = new QWidget(this);
  outer->addWidget(m_body, 1);
  auto* rows = new QVBoxLayout(m_body);
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setSpacing(6);
  m_head = new QHBoxLayout;
  m_head->setSpacing(10);
  m_layer = new QComboBox(m_body);
  m_layer->setAccessibleName(tr("Engram layer"));
  m_head->addWidget(m_layer);
  m_summary = new ElidedLabel(m_body);
  m_summary->setProperty("kind", QStringLiteral("muted"));
  m_summary->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  m_head->addWidget(m_summary, 1);
  rows->addLayout(m_head);

  auto* halves = new QHBoxLayout;
  halves->setSpacing(14);
  m_canvas = new HotSetCanvas(m_body);
  halves->addWidget(m_canvas, 4);
  auto* side = new QVBoxLayout;
  side->setSpacing(4);
  m_place = new ElidedLabel(m_body);
  m_place->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  m_place->setProperty("kind", QStringLiteral("muted"));
  side->addWidget(m_place);
  m_list = new QTableWidget(0, columnCount, m_body);
  m_list->setAccessibleName(tr("Rows in RAM at the chosen place"));
  m_list->setHorizontalHeaderLabels({tr("n-gram"), tr("row"), tr("order"), tr("head")});
  m_list->horizontalHeaderItem(ngram)->setToolTip(
      tr("The n-gram that brought the row, as it is hashed; in bold where the answer used it"));
  m_list->verticalHeader()->hide();
  m_list->setShowGrid(false);
  m_list->setWordWrap(false);
  m_list->setTabKeyNavigation(false);
  m_list->setEditTriggers(QAbstractItemView::NoEditTriggers);
  m_list->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_list->setSelectionMode(QAbstractItemView::SingleSelection);
  m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  QHeaderView* const header = m_list->horizontalHeader();
  header->setHighlightSections(false);
  header->setMinimumSectionSize(30);
  header->setSectionResizeMode(QHeaderView::ResizeToContents);
  header->setSectionResizeMode(ngram, QHeaderView::Stretch);
  for (int column = 0; column < columnCount; ++column) {
    m_list->horizontalHeaderItem(column)->setTextAlignment(
        (column == ngram ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
  }
  side->addWidget(m_list, 1);
  halves->addLayout(side, 3);
  rows->addLayout(halves, 1);

  connect(m_layer, &QComboBox::currentIndexChanged, this, [this] {
    m_picture.reset();
    m_stale = true;
    refresh();
    ask();
  });
  connect(m_canvas, &HotSetCanvas::chosenChanged, this, [this] {
    m_stale = true;
    refreshList();
    ask();
  });
}

void HotSetView::addActions(QWidget* actions) {
  m_head->addWidget(actions);
}

void HotSetView::modelChanged() {
  m_jobs.cancel(this, kMapJob);
  m_picture.reset();
  m_words.reset();
  m_stale = true;
  const QSignalBlocker quiet(m_layer);
  m_layer->clear();
  const auto model = m_source.model();
  if (model && model->hasher) {
    m_words = std::make_unique<const ClassWords>(model);
    for (int slot = 0; slot < static_cast<int>(model->hasher->spec().layers.size()); ++slot) {
      m_layer->addItem(layerName(model.get(), slot));
    }
  }
  refresh();
  askSoon();
}

void HotSetView::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  askSoon();
}

HotSetView::Seen HotSetView::now() const {
  const TierStats& stats = m_source.tiers();
  return {stats.entries, stats.evictions, stats.restored, m_trace.size()};
}

void HotSetView::askSoon() {
  if (!isVisible() || m_timer.isActive() || m_jobs.busy(this, kMapJob)) return;
  if (!m_stale && now() == m_seen) return;
  // The first picture at once; those after it in their own time.
  const double rest = m_picture ? m_picture->milliseconds / kCoreShare : 0;
  m_timer.start(m_picture && !m_stale ? std::max(kPauseMs, static_cast<int>(rest)) : 0);
}

void HotSetView::ask() {
  const auto model = m_source.model();
  if (!isVisible() || !model || !model->hasher || m_layer->currentIndex() < 0) return;
  m_seen = now();
  m_stale = false;
  const HotSetQuestion question{m_layer->currentIndex(), m_canvas->chosen(), m_trace.log(),
                                m_trace.parts()};
  m_jobs.start(
      this, kMapJob,
      [model, question](const Jobs::Stop& stop) {
        return HotSetPicture::make(model, question, stop);
      },
      [this](std::shared_ptr<const HotSetPicture> picture) { receive(std::move(picture)); });
}

void HotSetView::receive(std::shared_ptr<const HotSetPicture> picture) {
  m_picture = std::move(picture);
  refresh();
  askSoon();
}

QString HotSetView::whyEmpty() const {
  if (m_source.hasPack()) return {};
  const auto model = m_source.model();
  if (!model) {
    return tr(
        "No model is loaded. Open a model with an n-gram memory: this map then shows which rows "
        "of its tables are in RAM.");
  }
  const QString reason = QString::fromStdString(model->layout.memory_absent_reason);
  return reason.isEmpty() ? tr("This model has no n-gram memory, so there are no rows.") : reason;
}

void HotSetView::refresh() {
  const QString why = whyEmpty();
  m_empty->setText(why);
  m_empty->setVisible(!why.isEmpty());
  m_body->setVisible(why.isEmpty());
  if (!why.isEmpty()) return;
  const bool some = m_picture && m_picture->ngrams > 0;
  m_canvas->setPicture(some ? m_picture : nullptr,
                       m_picture ? tr("No rows are in RAM. They come with the next answer.")
                                 : tr("Looking through the row cache …"));
  QString summary;
  if (m_picture) {
    const auto share = [](std::uint64_t part, std::uint64_t all) {
      return format::percent(all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all));
    };
    summary = tr("%1 of %2 rows in RAM (%3), by %4 n-grams")
                  .arg(format::compactCount(m_picture->residentRows),
                       format::compactCount(m_picture->grid.rows()),
                       share(m_picture->residentRows, m_picture->grid.rows()),
                       format::compactCount(m_picture->ngrams));
    if (m_source.tiers().kept > 0) {
      summary += tr(", %1 of them pinned").arg(format::compactCount(m_source.tiers().kept));
    }
    if (m_picture->usedRows > 0) {
      summary += tr(" · the answer used %1, %2 of them in RAM")
                     .arg(format::compactCount(m_picture->usedRows),
                          share(m_picture->usedResident, m_picture->usedRows));
    }
  }
  m_summary->setText(summary);
  m_summary->setToolTip(m_picture ? tr("%1\nThe map was drawn in %2, beside whatever runs.")
                                        .arg(summary, format::milliseconds(m_picture->milliseconds))
                                  : QString());
  const QFont font = Theme::current().uiFont(0.95);
  m_list->setFont(font);
  m_list->verticalHeader()->setDefaultSectionSize(QFontMetrics(font).height() + 7);
  refreshList();
}

void HotSetView::refreshList() {
  const QRect chosen = m_canvas->chosen();
  const bool known = m_picture && m_words && !chosen.isEmpty() && m_picture->pixels == chosen;
  if (!known) {
    m_list->setRowCount(0);
    fitHeadings();
    m_place->setText(chosen.isEmpty() ? tr("Click the map, or walk it with the arrow keys")
                                      : tr("Looking for its rows …"));
    return;
  }
  const std::uint64_t rows = m_picture->grid.rowsIn(chosen);
  QString text =
      m_picture->list.empty()
          ? tr("None of the %1 rows here is in RAM.").arg(format::compactCount(rows))
          : tr("%1 of the %2 rows here")
                .arg(format::compactCount(m_picture->listed), format::compactCount(rows));
  if (m_picture->listed > m_picture->list.size()) {
    text += tr("; the first %1").arg(format::compactCount(m_picture->list.size()));
  }
  m_place->setText(text);
  const auto count = static_cast<int>(m_picture->list.size());
  m_list->setRowCount(count);
  for (int i = 0; i < count; ++i) {
    const HotRow& row = m_picture->list[static_cast<std::size_t>(i)];
    const std::array<QString, columnCount> cells{
        m_words->text(row.key), format::count(static_cast<std::int64_t>(row.row)),
        QString::number(row.key.order), QString::number(row.head)};
    for (int column = 0; column < columnCount; ++column) {
      auto* item = m_list->item(i, column);
      if (item == nullptr) {
        item = new QTableWidgetItem;
        if (column != ngram) item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        m_list->setItem(i, column, item);
      }
      item->setText(cells[static_cast<std::size_t>(column)]);
      QFont font = m_list->font();
      font.setBold(row.used && column == ngram);
      item->setFont(font);
    }
    m_list->item(i, ngram)->setToolTip(row.used ? tr("%1\nUsed by the answer").arg(cells[ngram])
                                                : cells[ngram]);
  }
  fitHeadings();
}

// The list is never so narrow that a heading or a figure is cut; n-grams are, with the whole as
// their tooltip.
void HotSetView::fitHeadings() {
  const QHeaderView* header = m_list->horizontalHeader();
  const QAbstractItemView& view = *m_list;
  int width = 2 * m_list->frameWidth() + m_list->verticalScrollBar()->sizeHint().width();
  for (int column = 0; column < columnCount; ++column) {
    const int cells = column == ngram ? 0 : view.sizeHintForColumn(column);
    width += std::max(header->sectionSizeHint(column), cells);
  }
  m_list->setMinimumWidth(std::max(kListNarrowest, width));
}

}  // namespace mneme

#include "moc_hot_set_view.cpp"

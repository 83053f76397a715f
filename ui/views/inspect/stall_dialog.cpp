// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/stall_dialog.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QTableWidget>
#include <QVBoxLayout>

#include "ui/format.h"
#include "ui/manual_topic.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

QTableWidget* table(const QStringList& columns, const QString& name, QWidget* parent) {
  auto* made = new QTableWidget(0, static_cast<int>(columns.size()), parent);
  made->setAccessibleName(name);
  made->setHorizontalHeaderLabels(columns);
  made->verticalHeader()->hide();
  made->setShowGrid(false);
  made->setWordWrap(false);
  made->setTabKeyNavigation(false);
  made->setEditTriggers(QAbstractItemView::NoEditTriggers);
  made->setSelectionBehavior(QAbstractItemView::SelectRows);
  made->setSelectionMode(QAbstractItemView::SingleSelection);
  made->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  QHeaderView* const header = made->horizontalHeader();
  header->setHighlightSections(false);
  header->setMinimumSectionSize(30);
  header->setSectionResizeMode(QHeaderView::ResizeToContents);
  header->setSectionResizeMode(0, QHeaderView::Stretch);
  for (int column = 0; column < made->columnCount(); ++column) {
    made->horizontalHeaderItem(column)->setTextAlignment(
        (column == 0 ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
  }
  made->verticalHeader()->setDefaultSectionSize(QFontMetrics(Theme::current().uiFont()).height() +
                                                8);
  return made;
}

void fill(QTableWidget* table, int row, const QStringList& cells) {
  for (int column = 0; column < cells.size(); ++column) {
    auto* item = new QTableWidgetItem(cells[column]);
    if (column > 0) item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    table->setItem(row, column, item);
  }
}

}  // namespace

StallDialog::StallDialog(BranchTrace& trace, Selection& selection, InspectSource& source,
                         QWidget* parent)
    : QDialog(parent), m_trace(trace), m_selection(selection), m_source(source) {
  setWindowTitle(tr("Why tokens waited"));
  setManualTopic(this, QStringLiteral("reading-the-views#tiers"));
  resize(820, 420);
  build();
  connect(&m_trace, &BranchTrace::wasReset, this, &StallDialog::list);
  connect(&m_source, &InspectSource::modelChanged, this, &StallDialog::explain);
  connect(&m_selection, &Selection::pinnedChanged, this, &StallDialog::explain);
  // Not the current cell: a table that gets the focus makes its first one the current one.
  connect(m_tokens, &QTableWidget::itemSelectionChanged, this, &StallDialog::pinChosen);
  list();
  if (!m_selection.pinned() && !m_stalls.empty()) m_selection.pin(m_stalls.front().event);
}

void StallDialog::build() {
  auto* rows = new QVBoxLayout(this);
  rows->setContentsMargins(18, 16, 18, 14);
  rows->setSpacing(10);
  m_empty = new QLabel(this);
  m_empty->setProperty("kind", QStringLiteral("muted"));
  m_empty->setWordWrap(true);
  rows->addWidget(m_empty);
  auto* halves = new QHBoxLayout;
  halves->setSpacing(16);
  m_tokens = table({tr("longest waits"), tr("waited"), tr("n-grams")},
                   tr("Tokens that waited longest"), this);
  m_tokens->horizontalHeaderItem(1)->setToolTip(
      tr("For rows, all layers together; a prompt token's share of its chunk's wait"));
  m_tokens->horizontalHeaderItem(2)->setToolTip(
      tr("N-grams that a layer had to wait for, once for each Engram layer"));
  halves->addWidget(m_tokens, 2);
  auto* right = new QVBoxLayout;
  right->setSpacing(8);
  m_text = new QLabel(this);
  m_text->setWordWrap(true);
  m_text->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  right->addWidget(m_text);
  m_reads = table({tr("n-gram"), tr("order"), tr("layer"), tr("tier"), tr("took"), tr("first row")},
                  tr("Reads of the token"), this);
  right->addWidget(m_reads, 1);
  halves->addLayout(right, 3);
  rows->addLayout(halves, 1);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  rows->addWidget(buttons);
}

QString StallDialog::text() const {
  return m_text->text();
}

void StallDialog::list() {
  m_stalls = longestStalls(m_trace, kTokens);
  const auto model = m_source.model();
  m_following = true;
  m_tokens->setRowCount(static_cast<int>(m_stalls.size()));
  for (int i = 0; i < m_tokens->rowCount(); ++i) {
    const Stall& stall = m_stalls[static_cast<std::size_t>(i)];
    fill(m_tokens, i,
         {tokenTextAt(m_trace, model.get(), stall.index), format::microseconds(stall.waitUs),
          QString::number(stall.late)});
  }
  m_following = false;
  m_empty->setText(
      tr("No token of this chat waited for rows: all of them were in RAM, or their "
         "reads were hidden behind computing."));
  m_empty->setVisible(m_stalls.empty());
  explain();
}

void StallDialog::explain() {
  const auto pinned = m_selection.pinned();
  const auto index = pinned ? m_trace.indexOf(*pinned) : std::nullopt;
  m_reads->setRowCount(0);
  m_following = true;
  const auto at = std::ranges::find_if(
      m_stalls, [&](const Stall& stall) { return index && stall.index == *index; });
  if (at == m_stalls.end()) {
    m_tokens->setCurrentItem(nullptr);
  } else {
    m_tokens->setCurrentCell(static_cast<int>(at - m_stalls.begin()), 0);
  }
  m_following = false;
  if (!index) {
    m_text->setText(m_stalls.empty()
                        ? QString()
                        : tr("Choose a token, here or in the chat, to see its reads."));
    return;
  }
  const TokenFacts facts = factsOf(m_trace, m_source, *index);
  const StorageKind storage = m_source.tiers().storage;
  m_text->setText(stallText(facts, storage));
  const std::vector<StallRead> reads = readsOf(facts);
  m_reads->setRowCount(static_cast<int>(reads.size()));
  for (int i = 0; i < m_reads->rowCount(); ++i) {
    const StallRead& read = reads[static_cast<std::size_t>(i)];
    fill(m_reads, i,
         {read.text, QString::number(read.order), read.layer, shortTierName(read.tier, storage),
          format::microseconds(read.latencyUs),
          read.rows.empty() ? tr("–")
                            : format::count(static_cast<std::int64_t>(read.rows.front()))});
    QStringList rows;
    for (const RowId row : read.rows) rows << format::count(static_cast<std::int64_t>(row));
    m_reads->item(i, 5)->setToolTip(rows.join(QLatin1Char('\n')));
    if (read.tier == Tier::ssd_late) {
      m_reads->item(i, 3)->setForeground(Theme::current().error);
    }
  }
}

void StallDialog::pinChosen() {
  const auto chosen = m_tokens->selectionModel()->selectedRows();
  const int row = chosen.isEmpty() ? -1 : chosen.first().row();
  if (m_following || row < 0 || row >= static_cast<int>(m_stalls.size())) return;
  m_selection.hover(std::nullopt);
  m_selection.pin(m_stalls[static_cast<std::size_t>(row)].event);
}

}  // namespace mneme

#include "moc_stall_dialog.cpp"

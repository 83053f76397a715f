// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/found_card.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPushButton>
#include <QSet>
#include <QStyledItemDelegate>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <numeric>

#include "base/printable.h"
#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kFoundGap = 16;            // between columns
constexpr double kFoundRowHeight = 2.1;  // of the font's
// Shares of the width, by column.
constexpr std::array<int, FoundTable::columns> kFoundShares{230, 159, 100, 76, 183, 120, 116, 58};
constexpr int kLeftOutMax = 3;

// Cells without a frame around the one that the keyboard is at, hairlines between rows, and the
// last column as a button.
class FoundDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    const Theme& theme = Theme::current();
    const bool selected =
        option.state.testFlag(QStyle::State_Selected) && option.widget->hasFocus();
    painter->save();
    painter->fillRect(option.rect, selected ? theme.accentSoft : theme.window);
    painter->setPen(theme.border);
    if (index.row() > 0) painter->drawLine(option.rect.topLeft(), option.rect.topRight());
    const QString text = index.data().toString();
    if (index.column() == FoundTable::open) {
      if (!text.isEmpty()) paintButton(painter, option, text, selected);
    } else {
      const bool pale = index.data(FoundTable::kPale).toBool();
      QFont font = option.font;
      if (index.column() == FoundTable::name && !pale) font.setWeight(QFont::Medium);
      painter->setFont(font);
      painter->setPen(pale && index.column() == FoundTable::memory ? theme.warning
                      : pale || muted(index.column())              ? theme.textMuted
                                                                   : theme.text);
      const QRect area = option.rect.adjusted(0, 0, -kFoundGap, 0);
      const auto alignment = index.data(Qt::TextAlignmentRole).value<Qt::Alignment>();
      painter->drawText(area, static_cast<int>(alignment) | Qt::TextSingleLine,
                        QFontMetrics(font).elidedText(text, Qt::ElideRight, area.width()));
    }
    painter->restore();
  }

 private:
  static bool muted(int column) {
    return column == FoundTable::program || column == FoundTable::type ||
           column == FoundTable::place;
  }

  static void paintButton(QPainter* painter, const QStyleOptionViewItem& option,
                          const QString& text, bool selected) {
    const Theme& theme = Theme::current();
    QFont font = option.font;
    font.setPointSizeF(font.pointSizeF() * 0.93);
    const QFontMetrics metrics(font);
    const QSize size(metrics.horizontalAdvance(text) + 22, metrics.height() + 6);
    QRectF box(QPoint(), size);
    box.moveCenter(QRectF(option.rect).center());
    box.moveRight(option.rect.right());
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(selected ? theme.accent : theme.border);
    painter->setBrush(option.state.testFlag(QStyle::State_MouseOver) ? theme.raised : theme.window);
    painter->drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6);
    painter->setFont(font);
    painter->setPen(theme.text);
    painter->drawText(box, Qt::AlignCenter, text);
  }
};

QString programNames(const std::vector<ModelPlace>& places) {
  QStringList names;
  for (const ModelPlace& place : places) {
    const QString name = QString::fromStdString(printable(place.program));
    if (!names.contains(name)) names << name;
  }
  return names.join(QStringLiteral(", "));
}

}  // namespace

FoundView::FoundView(FoundTable& table, QWidget* parent) : QTableView(parent), m_table(table) {
  setModel(&table);
  setItemDelegate(new FoundDelegate(this));
  setObjectName(QStringLiteral("foundModels"));
  setAccessibleName(tr("Models found in other programs"));
  setShowGrid(false);
  setWordWrap(false);
  setTabKeyNavigation(false);
  setSelectionBehavior(QAbstractItemView::SelectRows);
  setSelectionMode(QAbstractItemView::SingleSelection);
  setEditTriggers(QAbstractItemView::NoEditTriggers);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  verticalHeader()->hide();
  verticalHeader()->setMinimumSectionSize(1);
  horizontalHeader()->setMinimumSectionSize(1);
  horizontalHeader()->setSectionsClickable(false);
  horizontalHeader()->setHighlightSections(false);
  horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  horizontalHeader()->setObjectName(QStringLiteral("foundHeader"));
  keepFont(horizontalHeader(), 0.93);
  viewport()->setAttribute(Qt::WA_Hover);
  setMouseTracking(true);
  connect(this, &QTableView::doubleClicked, this,
          [this](const QModelIndex& index) { Q_EMIT chosen(index.row()); });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &FoundView::refit);
}

void FoundView::refit() {
  clearSpans();
  const int height = static_cast<int>(fontMetrics().height() * kFoundRowHeight);
  verticalHeader()->setDefaultSectionSize(height);
  for (int row = 0; row < m_table.rowCount(); ++row) {
    if (!m_table.model(row).opens())
      setSpan(row, FoundTable::memory, 1, FoundTable::columns - FoundTable::memory);
  }
  setFixedHeight(horizontalHeader()->sizeHint().height() + height * m_table.rowCount() +
                 2 * frameWidth());
  fitColumns();
}

void FoundView::fitColumns() {
  const int room = viewport()->width();
  // What there is least need for goes first.
  const bool small = room < fontMetrics().averageCharWidth() * 100;
  setColumnHidden(FoundTable::type, small);
  setColumnHidden(FoundTable::place, small);
  int all = std::accumulate(kFoundShares.begin(), kFoundShares.end(), 0);
  if (small) all -= kFoundShares[FoundTable::type] + kFoundShares[FoundTable::place];
  const int button = fontMetrics().horizontalAdvance(tr("Open")) + 24;
  const int others = room - button;
  // No heading is cut: what one needs beyond its share is the name's loss.
  int left = others;
  for (int column = FoundTable::open - 1; column > FoundTable::name; --column) {
    if (isColumnHidden(column)) continue;
    const int share = others * kFoundShares[static_cast<std::size_t>(column)] /
                      (all - kFoundShares[FoundTable::open]);
    const int width = std::max(share, horizontalHeader()->sectionSizeHint(column) + kFoundGap / 2);
    setColumnWidth(column, width);
    left -= width;
  }
  setColumnWidth(FoundTable::name, left);
  setColumnWidth(FoundTable::open, button);
}

void FoundView::keyPressEvent(QKeyEvent* event) {
  const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
  if (enter && currentIndex().isValid()) {
    Q_EMIT chosen(currentIndex().row());
    return;
  }
  if (event->key() == Qt::Key_Escape) {  // of the page
    event->ignore();
    return;
  }
  QTableView::keyPressEvent(event);
}

void FoundView::mouseReleaseEvent(QMouseEvent* event) {
  QTableView::mouseReleaseEvent(event);
  const QModelIndex index = indexAt(event->position().toPoint());
  if (event->button() == Qt::LeftButton && index.isValid() && index.column() == FoundTable::open)
    Q_EMIT chosen(index.row());
}

void FoundView::focusInEvent(QFocusEvent* event) {
  if (!currentIndex().isValid()) setCurrentIndex(m_table.index(0, 0));
  QTableView::focusInEvent(event);
  viewport()->update();
}

void FoundView::resizeEvent(QResizeEvent* event) {
  QTableView::resizeEvent(event);
  fitColumns();
}

void FoundView::currentChanged(const QModelIndex& current, const QModelIndex& previous) {
  QTableView::currentChanged(current, previous);
  viewport()->update();
  if (!current.isValid()) return;
  const QRect row = visualRect(current).translated(viewport()->pos());
  Q_EMIT currentMoved(QRect(0, row.top(), width(), row.height()));
}

FoundCard::FoundCard(QWidget* parent) : StartCard(tr("Found on this machine"), parent) {
  auto* hint = new StartText("muted", this);
  hint->say(tr("opened in place; nothing of theirs is changed"));
  m_sum = new StartText("muted", this);
  m_again = new QPushButton(tr("Look again"), this);
  m_again->setAccessibleName(tr("Look for models again"));
  connect(m_again, &QPushButton::clicked, this, &FoundCard::lookAgain);
  keepFont(hint, 0.93);
  keepFont(m_sum, 0.93);
  keepFont(m_again, 0.93);
  heading()->addWidget(hint, 1);
  heading()->addWidget(m_sum);
  heading()->addWidget(m_again);
  m_view = new FoundView(m_table, this);
  m_view->hide();
  m_line = new QLabel(this);
  m_line->setTextFormat(Qt::PlainText);
  m_line->setWordWrap(true);
  m_line->setMinimumWidth(1);
  m_line->setProperty("kind", QStringLiteral("muted"));
  body()->addSpacing(6);
  body()->addWidget(m_view);
  body()->addWidget(m_line);
  connect(m_view, &FoundView::chosen, this, [this](int row) {
    const FoundModel& model = m_table.model(row);
    if (model.opens()) Q_EMIT openRequested(QString::fromStdString(model.path));
  });
}

void FoundCard::searching() {
  m_again->setEnabled(false);
  m_sum->count(tr("looking, %1 s"));
  if (m_table.rowCount() == 0)
    m_line->setText(tr("Looking where other programs keep their models…"));
}

void FoundCard::show(FoundModels found) {
  m_again->setEnabled(true);
  std::uint64_t bytes = 0;
  QSet<QString> places;
  for (const FoundModel& model : found.models) {
    bytes += model.bytes;
    places << QString::fromStdString(model.program);
  }
  const auto models = static_cast<std::int64_t>(found.models.size());
  m_sum->say(models == 0
                 ? tr("none")
                 : tr("%1, %2, in %3")
                       .arg(format::counted(models, tr("%1 model"), tr("%1 models")),
                            format::bytes(bytes),
                            format::counted(places.size(), tr("%1 place"), tr("%1 places"))));
  QStringList lines;
  if (models == 0) {
    std::vector<ModelPlace> all = found.looked;
    all.insert(all.end(), found.missing.begin(), found.missing.end());
    lines << tr("No models: looked in the folders of %1.").arg(programNames(all));
  }
  const std::size_t told = std::min<std::size_t>(found.left_out.size(), kLeftOutMax);
  for (std::size_t i = 0; i < told; ++i)
    lines << QString::fromStdString(printable(found.left_out[i], kMessageBytesMax));
  if (found.left_out.size() > told) {
    lines << format::counted(static_cast<std::int64_t>(found.left_out.size() - told),
                             tr("%1 more was left out."), tr("%1 more were left out."));
  }
  m_line->setText(lines.join(QLatin1Char('\n')));
  m_line->setVisible(!lines.isEmpty());
  m_table.setModels(std::move(found.models));
  m_view->refit();
  m_view->setVisible(models > 0);
}

}  // namespace mneme

#include "moc_found_card.cpp"

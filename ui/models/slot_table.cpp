// SPDX-License-Identifier: Apache-2.0
#include "ui/models/slot_table.h"

#include <QStringList>
#include <algorithm>
#include <utility>

#include "ui/format.h"
#include "ui/models/token_text.h"

namespace mneme {
namespace {

constexpr int kColumnCount = static_cast<int>(SlotColumn::count);

bool isFigure(SlotColumn column) {
  return column != SlotColumn::ngram && column != SlotColumn::tier && column != SlotColumn::classes;
}

QString grouped(std::uint64_t value) {
  return format::count(static_cast<std::int64_t>(value));
}

}  // namespace

void SlotTable::show(std::shared_ptr<const SlotIndex> index,
                     std::shared_ptr<const std::vector<std::uint32_t>> entries) {
  beginResetModel();
  m_index = std::move(index);
  m_entries = std::move(entries);
  endResetModel();
}

EventIndex SlotTable::eventAt(int row) const {
  return m_index->event(m_index->place((*m_entries)[static_cast<std::size_t>(row)]));
}

std::optional<int> SlotTable::rowOf(EventIndex event) const {
  if (!m_index || !m_entries) return std::nullopt;
  const auto first = m_index->firstOf(event);
  if (!first) return std::nullopt;
  const std::size_t end = *first + m_index->perToken();
  const auto found = std::find_if(m_entries->begin(), m_entries->end(), [&](std::uint32_t entry) {
    return entry >= *first && entry < end;
  });
  if (found == m_entries->end()) return std::nullopt;
  return static_cast<int>(found - m_entries->begin());
}

int SlotTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() || !m_entries ? 0 : static_cast<int>(m_entries->size());
}

int SlotTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumnCount;
}

QString SlotTable::textAt(std::size_t entry, SlotColumn column) const {
  const SlotIndex::Place at = m_index->place(entry);
  const bool known = m_index->key(at).order != 0;
  switch (column) {
    case SlotColumn::position:
      return grouped(m_index->position(at));
    case SlotColumn::layer:
      return QString::number(
          m_index->model().hasher->spec().layers[static_cast<std::size_t>(at.layer)].layer_id);
    case SlotColumn::order:
      return QString::number(at.order + 2);
    case SlotColumn::head:
      return QString::number(at.head);
    case SlotColumn::ngram:
      return known ? m_index->text(at) : tr("(not recorded)");
    case SlotColumn::classes: {
      QStringList classes;
      for (int k = at.order + 1; k >= 0 && known; --k) {
        classes += QString::number(m_index->key(at).classes[static_cast<std::size_t>(k)]);
      }
      return classes.join(QLatin1Char(' '));
    }
    case SlotColumn::prime:
      return grouped(m_index->prime(at));
    case SlotColumn::row:
      return known ? grouped(m_index->row(at)) : QString();
    case SlotColumn::tier:
      return shortTierName(m_index->tier(at), m_storage);
    case SlotColumn::latency: {
      const std::uint32_t us = m_index->latencyUs(at);
      return us > 0 ? format::microseconds(us) : QString();
    }
    case SlotColumn::seen:
      return known ? grouped(m_index->seen(entry)) : QString();
    case SlotColumn::collisions:
      return known ? grouped(m_index->collisions(entry)) : QString();
    case SlotColumn::count:
      break;
  }
  return {};
}

QVariant SlotTable::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !m_entries || index.row() >= rowCount()) return {};
  const auto column = static_cast<SlotColumn>(index.column());
  const std::size_t entry = (*m_entries)[static_cast<std::size_t>(index.row())];
  switch (role) {
    case Qt::DisplayRole:
      return textAt(entry, column);
    case Qt::TextAlignmentRole:
      return QVariant::fromValue(
          Qt::Alignment((isFigure(column) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter));
    case kTierRole:
      if (column != SlotColumn::tier) return {};
      return static_cast<int>(m_index->tier(m_index->place(entry)));
    case Qt::ToolTipRole:
      if (column == SlotColumn::tier) {
        return tierName(m_index->tier(m_index->place(entry)), m_storage);
      }
      return {};
    default:
      return {};
  }
}

QVariant SlotTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumnCount) return {};
  static const std::array<std::pair<const char*, const char*>, kColumnCount> kNames{{
      {QT_TR_NOOP("Token"), QT_TR_NOOP("Position of the token that the n-gram ends at")},
      {QT_TR_NOOP("Layer"), QT_TR_NOOP("Engram layer, counted from 0")},
      {QT_TR_NOOP("Order"), QT_TR_NOOP("Number of tokens in the n-gram")},
      {QT_TR_NOOP("Head"), QT_TR_NOOP("Hash head, counted from 0, each with rows of its own")},
      {QT_TR_NOOP("N-gram"), QT_TR_NOOP("The tokens' text")},
      {QT_TR_NOOP("Classes"), QT_TR_NOOP("Tokens after folding case, accents and blanks")},
      {QT_TR_NOOP("Prime"), QT_TR_NOOP("Rows that this head has at this layer")},
      {QT_TR_NOOP("Row"), QT_TR_NOOP("Row of the layer's table")},
      {QT_TR_NOOP("Tier"), QT_TR_NOOP("Where the row came from")},
      {QT_TR_NOOP("Read"), QT_TR_NOOP("How long the read took that brought it")},
      {QT_TR_NOOP("Seen"), QT_TR_NOOP("How often this chat used the row")},
      {QT_TR_NOOP("Shared"), QT_TR_NOOP("Other n-grams of this chat that use the row: collisions")},
  }};
  const auto& [name, meaning] = kNames[static_cast<std::size_t>(section)];
  switch (role) {
    case Qt::DisplayRole:
      return tr(name);
    case Qt::ToolTipRole:
      return tr(meaning);
    case Qt::TextAlignmentRole:
      return QVariant::fromValue(Qt::Alignment(
          (isFigure(static_cast<SlotColumn>(section)) ? Qt::AlignRight : Qt::AlignLeft) |
          Qt::AlignVCenter));
    default:
      return {};
  }
}

void SlotTable::sort(int column, Qt::SortOrder order) {
  if (column < 0 || column >= kColumnCount) return;
  Q_EMIT sortRequested(static_cast<SlotColumn>(column), order == Qt::DescendingOrder);
}

}  // namespace mneme

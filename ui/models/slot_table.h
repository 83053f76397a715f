// SPDX-License-Identifier: Apache-2.0
// The slots table as an item model: a SlotIndex seen through a list of entries. Text is made only
// for cells that are asked for. UI thread; index and entries are immutable and come from
// SlotsView.
#pragma once

#include <QAbstractTableModel>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ui/models/slot_index.h"
#include "ui/models/slot_query.h"

namespace mneme {

class SlotTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  static constexpr int kTierRole = Qt::UserRole + 1;  // int of Tier, in the tier column

  using QAbstractTableModel::QAbstractTableModel;

  void show(std::shared_ptr<const SlotIndex> index,
            std::shared_ptr<const std::vector<std::uint32_t>> entries);
  void setStorage(StorageKind storage) { m_storage = storage; }

  EventIndex eventAt(int row) const;
  // First row that belongs to the token; a list sorted otherwise than by token is searched through.
  std::optional<int> rowOf(EventIndex event) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  // Asks for another order; the rows change when the analysis has sorted them.
  void sort(int column, Qt::SortOrder order) override;

 Q_SIGNALS:
  void sortRequested(mneme::SlotColumn column, bool descending);

 private:
  QString textAt(std::size_t entry, SlotColumn column) const;

  std::shared_ptr<const SlotIndex> m_index;
  std::shared_ptr<const std::vector<std::uint32_t>> m_entries;
  StorageKind m_storage = StorageKind::direct;
};

}  // namespace mneme

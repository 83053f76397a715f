// SPDX-License-Identifier: Apache-2.0
// The models that were found on this machine, a row each, with what opening one would mean here. UI
// thread.
#pragma once

#include <QAbstractTableModel>

#include "inference/machine/found_models.h"
#include "inference/machine/size_classes.h"

namespace mneme {

class FoundTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { name, program, type, size, memory, place, speed, open, columns };
  // True in the rows and cells that stand pale: of a model that cannot be opened.
  static constexpr int kPale = Qt::UserRole;

  using QAbstractTableModel::QAbstractTableModel;

  void setModels(std::vector<FoundModel> models);
  void setMachine(const MachineSpeed& machine);  // what is 0 of it is not known yet
  const FoundModel& model(int row) const { return m_models[static_cast<std::size_t>(row)]; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QString text(const FoundModel& model, int column) const;

  std::vector<FoundModel> m_models;
  MachineSpeed m_machine;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/models/found_table.h"

#include "base/printable.h"
#include "ui/format.h"
#include "ui/plain_text.h"

namespace mneme {
namespace {

// Whatever a file may be called.
QString foundText(const std::string& text) {
  return QString::fromStdString(printable(text, kMessageBytesMax));
}

QString foundName(const FoundModel& model) {
  const QString name = foundText(model.name);
  const QString type = foundText(model.quantisation);
  if (type.isEmpty() || name.contains(type, Qt::CaseInsensitive)) return name;
  return FoundTable::tr("%1, %2").arg(name, type);
}

QString foundType(const FoundModel& model) {
  if (model.experts > 0) return FoundTable::tr("mixture");
  return model.opens() ? FoundTable::tr("dense") : foundText(model.architecture);
}

QString foundMemory(const FoundModel& model) {
  switch (model.memory) {
    case FoundModel::Memory::none:
      return FoundTable::tr("none");
    case FoundModel::Memory::tables:
      return FoundTable::tr("in the file");
    case FoundModel::Memory::pack:
      return FoundTable::tr("a pack for it");
  }
  return {};
}

}  // namespace

void FoundTable::setModels(std::vector<FoundModel> models) {
  beginResetModel();
  m_models = std::move(models);
  endResetModel();
}

void FoundTable::setMachine(const MachineSpeed& machine) {
  m_machine = machine;
  if (!m_models.empty())
    Q_EMIT dataChanged(index(0, place), index(rowCount() - 1, speed), {Qt::DisplayRole});
}

int FoundTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_models.size());
}

int FoundTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : columns;
}

QString FoundTable::text(const FoundModel& model, int column) const {
  const auto words = [](std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
  };
  switch (column) {
    case name:
      return foundName(model);
    case program:
      return foundText(model.program);
    case type:
      return foundType(model);
    case size:
      return format::bytes(model.bytes);
    case memory:
      return model.opens() ? foundMemory(model)
                           : tr("cannot be opened: %1").arg(foundText(model.unusable));
    default:
      break;
  }
  if (!model.opens()) return {};
  if (column == open) return tr("Open");
  const DecodeEstimate estimate = estimate_decode(model.bytes, m_machine);
  if (column == place) {
    return m_machine.ram_gb_s > 0 ? words(in_words(estimate.place)) : QStringLiteral("…");
  }
  if (estimate.place == LiesIn::nowhere && m_machine.ram_gb_s > 0) return {};
  const double middle = (estimate.tokens_min + estimate.tokens_max) / 2;
  if (middle <= 0) return QStringLiteral("…");
  return tr("about %1").arg(format::decimal(middle, middle < 9.95 ? 1 : 0));
}

QVariant FoundTable::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const FoundModel& one = model(index.row());
  switch (role) {
    case Qt::DisplayRole:
      return text(one, index.column());
    case Qt::ToolTipRole:
      return boundedText(index.column() == memory && !one.opens() ? text(one, memory)
                                                                  : foundText(one.path));
    case Qt::TextAlignmentRole:
      return QVariant::fromValue(
          Qt::Alignment(Qt::AlignVCenter) |
          (index.column() == size || index.column() == speed ? Qt::AlignRight : Qt::AlignLeft));
    case Qt::AccessibleTextRole:
      if (index.column() == open && one.opens()) return tr("Open %1").arg(foundName(one));
      return tr("%1: %2").arg(headerData(index.column(), Qt::Horizontal, role).toString(),
                              text(one, index.column()));
    case kPale:
      return !one.opens();
    default:
      return {};
  }
}

QVariant FoundTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) {
    return QVariant::fromValue(
        Qt::Alignment(Qt::AlignVCenter) |
        (section == size || section == speed ? Qt::AlignRight : Qt::AlignLeft));
  }
  if (role != Qt::DisplayRole && role != Qt::AccessibleTextRole) return {};
  switch (section) {
    case name:
      return tr("model");
    case program:
      return tr("found in");
    case type:
      return tr("type");
    case size:
      return tr("size");
    case memory:
      return tr("n-gram memory");
    case place:
      return tr("will lie in");
    case speed:
      return tr("tokens a second");
    default:
      return {};
  }
}

}  // namespace mneme

#include "moc_found_table.cpp"

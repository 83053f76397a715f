// SPDX-License-Identifier: Apache-2.0
// What the inspection views may ask about the loaded model: token texts, the hasher, where rows
// lie, tier figures. Filled by ui/bridge/engine_source from an engine's view, by tests from small
// tables. UI thread; an InspectModel is immutable and may be used on any thread for as long as it
// is held, also when its model was closed: then there are no rows in RAM.
#pragma once

#include <QObject>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/ids.h"
#include "engram/ngram_hasher.h"
#include "engram/tier_stats.h"
#include "inference/trace/model_layout.h"

namespace mneme {

struct InspectModel {
  std::shared_ptr<const void> owner;  // keeps what the functions below read alive
  ModelLayout layout;
  const NgramHasher* hasher = nullptr;  // null without a memory pack
  std::function<std::string(TokenId)> tokenBytes;
  std::function<std::uint64_t(std::size_t layerSlot, RowId)> rowFileOffset;
  // The n-grams in RAM, slice by slice; as TableStore::list_ram.
  std::function<NgramSlice(std::uint64_t first, std::span<NgramKey> out)> listRam;

  // A row of d e4m3 bytes and one e8m0 byte for each 32 of them (engram/SPEC.md, section 10).
  int rowBytes() const {
    return layout.memory ? layout.memory->column_dims + layout.memory->column_dims / 32 : 0;
  }
  // True if records of this shape were made with the tables that are loaded.
  bool fits(const TraceShape& shape) const {
    return hasher != nullptr && shape == layout.trace_shape();
  }
};

class InspectSource : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  // Null: no model is loaded.
  std::shared_ptr<const InspectModel> model() const { return m_model; }
  const TierStats& tiers() const { return m_tiers; }
  bool hasPack() const { return m_model && m_model->hasher != nullptr; }

  void setModel(std::shared_ptr<const InspectModel> model);
  void setTiers(const TierStats& tiers);
  void requestRamBudget(quint64 bytes) { Q_EMIT ramBudgetRequested(bytes); }

 Q_SIGNALS:
  void modelChanged();
  void tiersUpdated(const mneme::TierStats& tiers);
  void ramBudgetRequested(quint64 bytes);

 private:
  std::shared_ptr<const InspectModel> m_model;
  TierStats m_tiers;
};

}  // namespace mneme

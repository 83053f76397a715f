// SPDX-License-Identifier: Apache-2.0
#include "inference/run/engine_view.h"

#include <mutex>
#include <utility>

#include "base/check.h"
#include "engram/table_store.h"
#include "inference/model/device_rows.h"

namespace mneme {

EngineView::EngineView(Facts facts, TableStore* tables, DeviceRows* device_rows,
                       std::string why_no_device_rows)
    : facts_(std::move(facts)),
      why_no_device_rows_(std::move(why_no_device_rows)),
      tables_(tables),
      device_rows_(device_rows) {}

void EngineView::end() {
  const std::unique_lock lock(mutex_);
  tables_ = nullptr;
  device_rows_ = nullptr;
}

std::uint64_t EngineView::row_file_offset(std::size_t layer_slot, RowId row) const {
  CHECK(facts_.map && layer_slot < facts_.map->size());
  return facts_.map->locate(layer_slot, 0, row).offset;
}

// The lock is refused only in the moment of the engine's end.
TierStats EngineView::tiers() const {
  const std::shared_lock lock(mutex_, std::try_to_lock);
  if (!lock || tables_ == nullptr) return {};
  TierStats stats = tables_->stats();
  if (device_rows_ != nullptr) stats.device = device_rows_->stats();
  stats.device.off = why_no_device_rows_;
  return stats;
}

bool EngineView::in_ram(const NgramKey& key) const {
  const std::shared_lock lock(mutex_);
  return tables_ != nullptr && tables_->in_ram(key);
}

NgramSlice EngineView::list_ram(std::uint64_t first, std::span<NgramKey> out) const {
  const std::shared_lock lock(mutex_);
  return tables_ != nullptr ? tables_->list_ram(first, out) : NgramSlice{};
}

std::uint64_t EngineView::keep_most_used(std::uint64_t bytes) {
  const std::shared_lock lock(mutex_);
  return tables_ != nullptr ? tables_->keep_most_used(bytes) : 0;
}

std::uint64_t EngineView::drop_ram() {
  const std::shared_lock lock(mutex_);
  if (device_rows_ != nullptr) device_rows_->clear();
  return tables_ != nullptr ? tables_->drop_ram() : 0;
}

void EngineView::set_ram_budget(std::uint64_t bytes) {
  const std::shared_lock lock(mutex_);
  if (tables_ != nullptr) tables_->set_budget(bytes);
}

}  // namespace mneme

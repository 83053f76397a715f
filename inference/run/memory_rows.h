// SPDX-License-Identifier: Apache-2.0
// The rows of a memory, step by step: asked for as soon as a step's tokens are known, waited for at
// each Engram layer, laid where the device takes them from. Of two steps at a time: the one that
// runs, and the next, for which the drive reads meanwhile. Engine thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/table_store.h"
#include "inference/model/build_graph.h"
#include "inference/model/device_rows.h"
#include "inference/tables/memory_pack.h"

namespace mneme {

class MemoryRows {
 public:
  // `device_rows` null = the device keeps no rows, and a step transfers all that it needs.
  // Everything passed in outlives this.
  MemoryRows(const MemoryPack& pack, TableStore& tables, DeviceRows* device_rows,
             const StepBuffers& io)
      : pack_(pack), tables_(tables), device_rows_(device_rows), io_(io) {}

  // Tokens first .. first + count of a sequence, with all that came before them.
  struct Tokens {
    std::span<const TokenId> sequence;
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  // Asks for the rows of the next step: of the n-grams that the device does not hold, each once.
  void prefetch(std::span<const Tokens> next);
  // From here on what was asked for last is what the step waits for.
  void begin_step();
  // Waits for the rows of an Engram layer and lays them where the device takes them from. Errors:
  // as TableStore::wait().
  Status wait(std::size_t slot, const std::atomic<bool>* cancel);
  // The step has ended, and the device holds what it was to keep.
  void end_step();
  // The step has not ended: what the device was to keep may not be there, nor what the next step
  // was planned with.
  void give_up();

  // --- of the step -------------------------------------------------------------------------------
  std::chrono::steady_clock::time_point asked() const { return step_->asked; }
  // StepParams::ngrams
  std::int64_t ngrams() const { return static_cast<std::int64_t>(step_->device.misses().size()); }
  RowOutcome outcome(std::size_t slot, std::int64_t token, std::size_t order) const;

 private:
  // Which rows the device has, and the ticket for the others.
  struct StepRows {
    DeviceRowCachePolicy::Step device;
    TableStore::Ticket ticket;
    std::size_t keys = 0;
    std::chrono::steady_clock::time_point asked;
  };
  std::size_t orders() const { return static_cast<std::size_t>(pack_.header.hash.orders()); }
  void write_locations();

  const MemoryPack& pack_;
  TableStore& tables_;
  DeviceRows* const device_rows_;
  const StepBuffers& io_;
  std::vector<NgramKey> keys_;  // of one step; reused
  // The step keeps its outcomes until the next one begins.
  std::unique_ptr<StepRows> step_ = std::make_unique<StepRows>();
  std::unique_ptr<StepRows> next_ = std::make_unique<StepRows>();
};

}  // namespace mneme

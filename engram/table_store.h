// SPDX-License-Identifier: Apache-2.0
// Delivers table rows on time: prefetch() when a token enters the model, wait() at the Engram
// layer. Callers see neither files nor the RAM cache. An entry of the RAM cache is one n-gram with
// all heads of all Engram layers; it becomes ready layer by layer. prefetch/wait/release: one
// thread (the engine). stats/set_budget: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/ngram_hasher.h"
#include "engram/ngram_key.h"
#include "engram/row_checksum.h"
#include "engram/row_reader.h"
#include "engram/table_map.h"
#include "engram/table_source.h"
#include "engram/tier_stats.h"

namespace mneme {

struct TableStoreOptions {
  // 0 = a quarter of the tables, at least 8 MiB, at most 4 GiB. More than seven eighths of the
  // machine's memory is cut down to that, with a warning in the log.
  std::uint64_t budget_bytes = 0;
  enum class Reader : std::uint8_t { automatic, uring, threads } reader = Reader::automatic;
  // File of the hot set: read back in the background, saved when the store closes and now and then.
  // Empty = none.
  std::string hot_set;
  // Of the rows that a pack has checksums for, which are compared as they come from storage.
  VerifyRows verify = VerifyRows::sampled;
  // The NUMA node that rows in RAM lie on; CXL memory is a node too. None = the system chooses.
  std::optional<int> numa_node;
  // File of the record log: rows are written to it at their first use and come back from it with
  // one read an n-gram. It takes so many bytes of the drive at once. 0 = none.
  std::string record_log;
  std::uint64_t record_log_bytes = 0;
};

// What happened to one n-gram at one layer; in the order of the prefetched keys.
struct RowOutcome {
  Tier tier = Tier::ram;
  std::uint32_t latency_us = 0;  // of the read that brought it; 0 from RAM
};

class TableStore {
 public:
  // `tables[i]` belongs to hasher.spec().layers[i]; `hasher` outlives the store. `reader` makes
  // a reader of its own kind (tests); empty = chosen by the options.
  static Result<std::unique_ptr<TableStore>> open(const NgramHasher& hasher,
                                                  std::vector<TableSource> tables,
                                                  const TableStoreOptions& options,
                                                  RowReaderFactory reader = {});
  ~TableStore();

  // A promise of rows for a list of n-grams. The rows stay pinned in RAM until the ticket is
  // destroyed, which may be while its reads are under way. Tickets are destroyed before their
  // store.
  class Ticket;

  // Starts reads of the rows that are not in RAM; does not wait for the drive, unless more than
  // kReadQueueMax reads are queued already. Keys may repeat. Reads of the first Engram layer go
  // first. `device_hits` are n-grams asked for whose rows the device has: they count as look-ups
  // and, where they are in RAM, as uses, so that the hot set and keep_most_used() still know which
  // n-grams are used most; none of their rows are read, and wait() does not copy any.
  Ticket prefetch(std::span<const NgramKey> keys, std::span<const NgramKey> device_hits = {});

  // Copies the rows of `layer_slot` in key order: out = [keys][H][row_bytes]. Waits for what is not
  // there yet; `cancel` may be set from another thread to end that soon. Errors: io (a failed or
  // short read, named with file and offset), corrupt (a row that does not have its checksum),
  // cancelled; the ticket can still be destroyed, nothing else is lost, and the n-gram can be asked
  // for again.
  Status wait(Ticket& ticket, std::size_t layer_slot, std::span<std::byte> out,
              const std::atomic<bool>* cancel = nullptr);

  // After wait(layer_slot): one outcome a key. The first use of an n-gram in a ticket is charged
  // with its read, later ones hit RAM; so does a use of what an earlier ticket reads, unless the
  // layer had to wait for it.
  std::span<const RowOutcome> outcomes(const Ticket& ticket, std::size_t layer_slot) const;

  // True if every row of the n-gram is in RAM now; for "118 of 352 rows in RAM" while typing.
  // Any thread; takes the cache's lock briefly.
  bool in_ram(const NgramKey& key) const;

  // The n-grams that are in RAM with all their rows, slice by slice, from `first` = 0 on. Any
  // thread; no hit waits for it, a miss for one slice at most. Entries that move meanwhile may be
  // missed or come twice.
  NgramSlice list_ram(std::uint64_t first, std::span<NgramKey> out) const;

  // The most used n-grams that `bytes` of the budget have room for stay in RAM from now on,
  // whatever comes, until this is said again (0 = none). At most half of the budget is kept like
  // that, and only what was asked for more than once. Returns how many are kept. Any thread.
  std::uint64_t keep_most_used(std::uint64_t bytes);

  // Forgets all rows in RAM except what live tickets hold, and gives the memory back. Returns the
  // number of n-grams. Any thread.
  std::uint64_t drop_ram();

  // The budget of tables of so many bytes where none is asked for.
  static std::uint64_t default_budget(std::uint64_t table_bytes);
  // 0 = the default, as in the options. Evicts at once what is over and not pinned; what the live
  // tickets hold is on top of the budget, at most one entry a key.
  void set_budget(std::uint64_t bytes);
  // Saves the hot set for the last time, as the destructor does, while stats() tells how far it is.
  void close_hot_set();
  TierStats stats() const;  // never waits
  std::uint32_t row_bytes(std::size_t layer_slot) const;
  const TableMap& map() const;  // where the rows lie; table i is the layer slot

  class Impl;

 private:
  explicit TableStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class TableStore::Ticket {
 public:
  Ticket();
  Ticket(Ticket&&) noexcept;
  Ticket& operator=(Ticket&&) noexcept;
  ~Ticket();

 private:
  friend class TableStore;
  friend class TableStore::Impl;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mneme

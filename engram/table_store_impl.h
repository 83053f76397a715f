// SPDX-License-Identifier: Apache-2.0
// Inside of TableStore: what a ticket remembers, which reads are under way, and the one lock over
// cache, reads and counters. The engine's thread calls prefetch, wait and release; reader threads
// call complete(); any thread the rest.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engram/hit_curve.h"
#include "engram/row_cache.h"
#include "engram/table_store.h"
#include "engram/table_store_merge.h"

namespace mneme {

struct TableStore::Ticket::State {
  enum class Charge : std::uint8_t {
    read,    // the first user: its read
    joined,  // an earlier ticket's read may still be under way
    none,    // an n-gram of this ticket once more
  };
  struct Use {
    RowCache::Pin pin = RowCache::kNoPin;  // kNoPin: there was no memory for it
    Charge charge = Charge::none;
  };

  Impl* store = nullptr;
  std::vector<Use> uses;             // [keys]
  std::vector<RowOutcome> outcomes;  // [layers, keys]
  std::vector<std::uint8_t> waited;  // [layers]
};

class TableStore::Impl {
 public:
  using State = Ticket::State;

  Impl(const NgramHasher& hasher, TableMap map, VerifyRows verify);
  ~Impl();

  Status start(const TableStoreOptions& options, const RowReaderFactory& factory);

  std::unique_ptr<State> prefetch(std::span<const NgramKey> keys);
  Status wait(State& state, std::size_t layer, std::span<std::byte> out);
  void release(std::unique_ptr<State> state);

  bool in_ram(const NgramKey& key) const;
  void set_budget(std::uint64_t bytes);
  TierStats stats() const;

  std::size_t layers() const { return map_.size(); }
  const TableMap& map() const { return map_; }

 private:
  // A row, or part of one, that a read brings.
  struct Target {
    RowCache::Pin pin;
    RowId row;
    std::uint32_t into;  // byte of the layer's rows in the entry
    std::uint32_t skip;  // bytes into the read
    std::uint32_t size;  // bytes, the checksum included
    std::uint32_t part;
  };
  // A read under way; its index is the request's tag.
  struct Job {
    ReadRequest request;
    std::size_t layer;
    std::vector<Target> targets;
  };

  Status open_reader(const TableStoreOptions& options, const RowReaderFactory& factory);
  // table_store_hot_set.cpp; on a thread of its own.
  void start_hot_set(const std::string& path);
  void stop_hot_set();
  void run_hot_set();
  bool restore_hot_set();
  void save_hot_set();
  std::uint64_t copy_entries(std::uint64_t first, std::uint64_t count, bool often_used,
                             std::vector<NgramKey>& keys, std::vector<std::byte>& rows) const;
  void look_up(std::span<const NgramKey> keys, State& state);
  void list_rows(std::span<const NgramKey> keys);
  void post_jobs();
  void complete(const ReadCompletion& completion);
  Status deliver(const Target& target, std::size_t layer, std::span<const std::byte> read);
  void settle(RowCache::Pin pin, std::size_t layer);
  void unpin(RowCache::Pin pin);
  std::uint64_t possible_budget(std::uint64_t wanted) const;
  void count(std::size_t lookups, std::size_t hits);
  bool ask(State& state, std::size_t layer);
  Status take(State& state, std::size_t layer, std::span<std::byte> out);

  const NgramHasher& hasher_;
  const TableMap map_;  // a table a layer
  const VerifyRows verify_;
  std::vector<std::uint32_t> row_bytes_;  // [layers]
  const std::size_t heads_;

  mutable std::mutex mutex_;
  RowCache cache_;  // from here to `stats_` under the lock
  std::vector<Job> jobs_;
  std::vector<std::uint32_t> free_jobs_;
  std::map<RowCache::Pin, Error> failures_;         // of entries that are still pinned
  std::size_t awaited_ = 0;                         // layers of entries that the engine waits for
  std::condition_variable all_there_;               // awaited_ fell to 0
  std::uint64_t verify_turn_ = 0;                   // counts rows, to sample them
  std::chrono::steady_clock::time_point answered_;  // by the drive, or asked when it owed nothing
  HitCurve curve_;
  TierStats stats_;

  // The engine thread's own.
  struct NewEntry {
    std::size_t key;  // index
    RowCache::Pin pin;
  };
  std::uint32_t ticket_number_ = 0;
  std::size_t tickets_ = 0;
  std::vector<std::unique_ptr<State>> spare_states_;
  std::vector<NewEntry> new_entries_;
  std::vector<RowId> row_ids_;  // [heads]
  std::vector<WantedRow> wanted_;
  std::vector<MergedRead> merged_;
  std::vector<ReadRequest> batch_;

  // The hot set's thread; the two flags under the lock.
  std::string hot_set_path_;  // empty = none
  std::uint64_t hot_set_identity_ = 0;
  std::uint64_t saved_reads_ = 0;  // rows_read when it was last saved
  std::condition_variable closing_changed_;
  bool closing_ = false;
  std::thread hot_set_thread_;

  std::unique_ptr<RowReader> reader_;  // last: its threads use the rest
};

}  // namespace mneme

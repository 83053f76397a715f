// SPDX-License-Identifier: Apache-2.0
// The inside of TableStore: the state of tickets and the reads under way. The engine's thread calls
// prefetch, wait and release; reader threads call complete(); any thread calls the rest. Where all
// rows are in RAM, prefetch, wait and release take no lock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engram/hit_curve.h"
#include "engram/hot_set.h"
#include "engram/record_log.h"
#include "engram/row_cache.h"
#include "engram/table_store.h"
#include "engram/table_store_counters.h"
#include "engram/table_store_merge.h"

namespace mneme {

struct TableStore::Ticket::State {
  enum class Charge : std::uint8_t {
    read,    // the first use of an n-gram that was not in RAM: charged with its read
    joined,  // a read of an earlier ticket, which may still be under way
    none,    // another use of an n-gram of this ticket
  };
  struct Use {
    RowCache::Pin pin = RowCache::kNoPin;  // kNoPin: there was no memory for it
    Charge charge = Charge::none;
  };

  Impl* store = nullptr;
  std::vector<Use> uses;             // [keys]
  std::vector<RowOutcome> outcomes;  // [layers, keys]
  std::vector<std::uint8_t> waited;  // [layers]
  std::size_t device_hits = 0;       // look-ups whose rows the device has
};

class TableStore::Impl {
 public:
  using State = Ticket::State;

  Impl(const NgramHasher& hasher, TableMap map, VerifyRows verify);
  ~Impl();

  Status start(const TableStoreOptions& options, const RowReaderFactory& factory);

  std::unique_ptr<State> prefetch(std::span<const NgramKey> keys,
                                  std::span<const NgramKey> device_hits);
  Status wait(State& state, std::size_t layer, std::span<std::byte> out,
              const std::atomic<bool>* cancel);
  void release(std::unique_ptr<State> state);

  bool in_ram(const NgramKey& key) const;
  NgramSlice list_ram(std::uint64_t first, std::span<NgramKey> out) const {
    return cache_.list(first, out);
  }
  std::uint64_t keep_most_used(std::uint64_t bytes) {
    keeping_changed_ = true;
    return cache_.keep_most_used(bytes / cache_.entry_cost());
  }
  std::uint64_t drop_ram();
  void set_budget(std::uint64_t bytes);
  void stop_hot_set();  // table_store_hot_set.cpp
  TierStats stats() const;

  std::size_t layers() const { return map_.size(); }
  const TableMap& map() const { return map_; }

 private:
  // An n-gram that was not in RAM.
  struct NewEntry {
    NgramKey key;
    RowCache::Pin pin;
    std::uint32_t pending;  // atomic: arrivals before it can be written to the record log
  };
  // A row, or a part of one, in the bytes of a read.
  struct Target {
    std::uint32_t entry;  // of the batch
    std::uint32_t into;   // byte of the layer's rows in the entry
    RowId row;
    std::uint32_t skip;  // bytes into the read
    std::uint32_t size;  // bytes, the checksum included
    std::uint32_t part;
  };
  // A read under way; the request's tag is its address.
  struct Batch;
  struct Job {
    Batch* batch;
    std::uint32_t file;
    std::uint32_t size;  // bytes, from `offset` on
    std::uint64_t offset;
    std::size_t layer;
    std::size_t first, count;  // targets of the batch; of a record: its entry, and none
  };
  // The reads of one prefetch; after the last one the batch becomes a spare one. A small batch is
  // sent to the reader in stages, one for each Engram layer: a drive may answer only once it has
  // read all of a stage, and the first layer must not wait for the rows of later ones.
  struct Batch {
    std::vector<NewEntry> entries;
    std::vector<Job> jobs;
    std::vector<Target> targets;
    std::size_t sent = 0;                     // jobs; changed by the thread that ends a stage
    std::atomic<std::size_t> stage_left = 0;  // reads of this stage to be answered
    std::atomic<std::size_t> left = 0;        // of all
  };

  // Memory to list reads in.
  struct Listing {
    std::vector<RowId> row_ids;  // [heads]
    std::vector<WantedRow> wanted;
    std::vector<MergedRead> merged;
  };

  Status open_reader(const TableStoreOptions& options, const RowReaderFactory& factory);
  void read_identity(const TableStoreOptions& options);
  // table_store_record_log.cpp
  void open_record_log(const TableStoreOptions& options);
  bool list_record(Batch& batch, std::uint32_t entry);
  void complete_record(const NewEntry& entry, const Status& status,
                       std::span<const std::byte> record, std::uint32_t latency_us);
  void read_again(const NewEntry& entry);
  void add_to_log(NewEntry& entry);
  // table_store_hot_set.cpp; on a thread of its own.
  void start_hot_set(const std::string& path);
  void run_hot_set();
  bool restore_hot_set();
  struct Restoring {  // by some threads at once
    std::atomic<std::uint64_t> next = 0;
    std::atomic<bool> damaged = false;
  };
  bool restore_blocks(const HotSetReader& reader, Restoring& shared);
  bool closing();
  void save_hot_set();
  void look_up(std::span<const NgramKey> keys, State& state);
  void note_uses(std::span<const NgramKey> device_hits);
  void read_new_entries();
  void list_rows(Batch& batch, std::uint32_t entry, Listing& listing);
  void list_reads(Batch& batch, Listing& listing);
  void send_stage(Batch& batch, WhenFull when_full);
  Batch& spare_batch();
  void complete(const ReadCompletion& completion);
  void arrived(RowCache::Pin pin, std::size_t layer, std::uint32_t latency_us,
               std::uint32_t arrivals);
  Status deliver(const Target& target, RowCache::Pin pin, std::size_t layer,
                 std::span<const std::byte> read);
  const std::string& path_of(std::uint32_t file) const;  // of the reader
  std::uint64_t possible_budget(std::uint64_t wanted) const;
  bool ask(State& state, std::size_t layer);
  Status await(const State& state, std::size_t layer, const std::atomic<bool>* cancel);
  void learn_preloaded();
  void fetch_ahead(RowCache::Pin pin, std::size_t layer);
  Status take(State& state, std::size_t layer, std::span<std::byte> out);

  const NgramHasher& hasher_;
  const TableMap map_;  // a table a layer
  const VerifyRows verify_;
  std::vector<std::uint32_t> row_bytes_;  // [layers]
  const std::size_t heads_;
  std::optional<std::uint64_t> identity_;  // of the tables; where rows are kept for another time

  RowCache cache_;
  StoreCounters counters_;
  HitCurve curve_;   // the engine's thread changes it
  TierStats stats_;  // what never changes of them

  std::mutex mutex_;                   // over what follows: nothing of it is touched by a hit
  std::size_t awaited_ = 0;            // layers of entries that the engine waits for
  std::condition_variable all_there_;  // awaited_ fell to 0
  std::vector<std::unique_ptr<Batch>> batches_;  // all there are
  std::vector<Batch*> spare_batches_;
  std::vector<std::uint64_t> preloaded_;  // hashes that the curve does not know yet
  std::atomic<bool> any_preloaded_ = false;

  // The engine thread's own.
  std::uint32_t ticket_number_ = 0;
  std::size_t tickets_ = 0;
  std::vector<std::unique_ptr<State>> spare_states_;
  std::vector<std::uint64_t> hashes_;  // [keys]
  std::vector<NewEntry> new_entries_;
  Listing listing_;

  // The hot set's thread; the flag under the lock.
  std::string hot_set_path_;                   // empty = none
  std::uint64_t saved_reads_ = 0;              // rows_read when it was last saved
  std::atomic<bool> keeping_changed_ = false;  // since it was last saved
  std::condition_variable closing_changed_;
  bool closing_ = false;
  std::thread hot_set_thread_;

  std::unique_ptr<RecordLog> record_log_;  // null = none
  std::string why_no_log_;
  std::uint32_t log_file_ = 0;  // of the reader

  std::unique_ptr<RowReader> reader_;  // last: its threads use the rest
};

}  // namespace mneme

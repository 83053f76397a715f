// SPDX-License-Identifier: Apache-2.0
#include "engram/table_store_impl.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/system_memory.h"
#include "engram/file_system.h"
#include "engram/numa.h"
#include "engram/table_identity.h"

namespace mneme {
namespace {

using Charge = TableStore::Impl::State::Charge;

constexpr std::uint64_t kBudgetMin = 8ull << 20;
constexpr std::uint64_t kBudgetMax = 4ull << 30;
constexpr std::size_t kSpareStatesMax = 4;

constexpr std::uint64_t kVerifyEvery = 64;  // of the rows read, when they are sampled

constexpr auto kLookAround = std::chrono::milliseconds(50);  // for a cancel, while rows are awaited
constexpr auto kLongWait = std::chrono::seconds(1);

constexpr std::size_t kStagedMax =
    128;  // reads; one token of V4.1 needs 48, or 96 with scales apart

constexpr std::size_t kAhead = 16;            // look-ups whose memory is fetched together
constexpr std::size_t kLine = 64;             // bytes that the processor fetches at once
constexpr std::size_t kFetchAheadMax = 4096;  // bytes; the rest follows by itself

std::vector<RowCache::Layer> cache_layers(const TableMap& map, std::size_t heads) {
  std::vector<RowCache::Layer> layers;
  for (std::size_t i = 0; i < map.size(); ++i) {
    layers.push_back({static_cast<std::uint32_t>(map.table(i).row_bytes * heads),
                      static_cast<std::uint32_t>(map.parts(i) * heads)});
  }
  return layers;
}

}  // namespace

TableStore::Impl::Impl(const NgramHasher& hasher, TableMap map, VerifyRows verify)
    : hasher_(hasher),
      map_(std::move(map)),
      verify_(verify),
      heads_(static_cast<std::size_t>(hasher.spec().head_count)),
      cache_(cache_layers(map_, heads_)),
      curve_(cache_.entry_cost(), map_.bytes(), StoreCounters::kWindow) {
  for (std::size_t i = 0; i < map_.size(); ++i) row_bytes_.push_back(map_.table(i).row_bytes);
}

TableStore::Impl::~Impl() {
  CHECK(tickets_ == 0);
  stop_hot_set();
}

Status TableStore::Impl::start(const TableStoreOptions& options, const RowReaderFactory& factory) {
  if (options.numa_node) RETURN_IF_ERROR(check_memory_node(*options.numa_node));
  const std::uint64_t budget = possible_budget(options.budget_bytes);
  RETURN_IF_ERROR(cache_.set_budget(budget));
  if (options.numa_node) RETURN_IF_ERROR(cache_.place(*options.numa_node));
  stats_.numa_node = options.numa_node;
  read_identity(options);
  open_record_log(options);
  RETURN_IF_ERROR(open_reader(options, factory));
  stats_.storage = reader_->storage();
  stats_.reader = reader_->name();
  stats_.file_system = reader_->file_system();
  stats_.table_bytes = map_.bytes();
  for (std::size_t i = 0; i < layers(); ++i) {
    if (map_.has_checksums(i)) stats_.checksums = verify_;
  }
  if (stats_.storage == StorageKind::cached) stats_.why_cached = why_cached(stats_.file_system);
  log_info("engram", "{} tables, {} MiB, read by {} from {} ({}), {} MiB of RAM for rows", layers(),
           map_.bytes() >> 20, stats_.reader, storage_label(stats_), stats_.file_system,
           budget >> 20);
  if (!options.hot_set.empty() && identity_) start_hot_set(options.hot_set);
  return {};
}

void TableStore::Impl::read_identity(const TableStoreOptions& options) {
  if (options.hot_set.empty() && options.record_log_bytes == 0) return;
  const auto identity = table_identity(hasher_.spec(), map_);
  if (identity) {
    identity_ = *identity;
  } else {
    log_warning("engram", "no rows are kept for the next time: {}", identity.error().message);
  }
}

Status TableStore::Impl::open_reader(const TableStoreOptions& options,
                                     const RowReaderFactory& factory) {
  using Reader = TableStoreOptions::Reader;
  const RowReader::Callback done = [this](const ReadCompletion& completion) {
    complete(completion);
  };
  std::vector<std::string> paths = map_.paths();
  if (record_log_) paths.push_back(record_log_->path());
  const auto open = [&]() -> Result<std::unique_ptr<RowReader>> {
    if (factory) return factory(paths, done);
    if (options.reader == Reader::threads) return open_thread_reader(paths, done);
    auto reader = open_uring_reader(paths, done);
    if (reader || options.reader == Reader::uring ||
        reader.error().code != ErrorCode::unsupported) {
      return reader;
    }
    stats_.why_reader = reader.error().message;
    log_info("engram", "{}: rows are read by threads instead", stats_.why_reader);
    return open_thread_reader(paths, done);
  };
  auto reader = open();
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  return {};
}

// ---- prefetch ----------------------------------------------------------------------------------

std::unique_ptr<TableStore::Ticket::State> TableStore::Impl::prefetch(
    std::span<const NgramKey> keys, std::span<const NgramKey> device_hits) {
  std::unique_ptr<State> state;
  if (spare_states_.empty()) {
    state = std::make_unique<State>();
  } else {
    state = std::move(spare_states_.back());
    spare_states_.pop_back();
  }
  state->store = this;
  state->uses.resize(keys.size());
  state->outcomes.assign(layers() * keys.size(), RowOutcome{});
  state->waited.assign(layers(), 0);
  state->device_hits = device_hits.size();
  ++tickets_;
  look_up(keys, *state);
  if (!device_hits.empty()) note_uses(device_hits);
  if (!new_entries_.empty()) read_new_entries();
  return state;
}

void TableStore::Impl::look_up(std::span<const NgramKey> keys, State& state) {
  const std::int32_t order_max = hasher_.spec().max_ngram_size;
  ++ticket_number_;
  new_entries_.clear();
  hashes_.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(keys[i].order >= 2 && keys[i].order <= order_max);
    hashes_[i] = NgramKeyHash{}(keys[i]);
  }
  if (any_preloaded_.load(std::memory_order_relaxed)) learn_preloaded();
  // Cached ones first, so that no miss evicts an entry that this ticket needs.
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i % kAhead == 0) {
      const auto ahead = std::span(hashes_).subspan(i, std::min(kAhead, keys.size() - i));
      cache_.look_ahead(ahead);
      for (const std::uint64_t hash : ahead) curve_.access(hash);
    }
    const RowCache::Pin pin = cache_.acquire(keys[i], hashes_[i]);
    state.uses[i] = {pin, Charge::none};
    if (pin == RowCache::kNoPin) continue;
    if (cache_.owner(pin) != ticket_number_) state.uses[i].charge = Charge::joined;
    cache_.owner(pin) = ticket_number_;
  }
  std::size_t misses = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    State::Use& use = state.uses[i];
    if (use.pin != RowCache::kNoPin) continue;
    const RowCache::FoundEntry found = cache_.find_or_insert(keys[i], hashes_[i]);
    use.pin = found.pin;
    if (found.fresh || found.pin == RowCache::kNoPin) {
      ++misses;
      use.charge = Charge::read;
    }
    if (found.pin == RowCache::kNoPin) continue;
    // Not fresh: inserted a moment ago, or the search above was disturbed.
    if (!found.fresh && cache_.owner(found.pin) != ticket_number_) use.charge = Charge::joined;
    cache_.owner(found.pin) = ticket_number_;
    if (found.fresh) new_entries_.push_back({keys[i], found.pin, 0});
  }
  counters_.looked_up(keys.size(), keys.size() - misses);
}

// A hit of the device is a look-up like any other, for the row cache and for the hit curve.
void TableStore::Impl::note_uses(std::span<const NgramKey> device_hits) {
  std::size_t hits = 0;
  hashes_.resize(device_hits.size());
  for (std::size_t i = 0; i < device_hits.size(); ++i) hashes_[i] = NgramKeyHash{}(device_hits[i]);
  for (std::size_t i = 0; i < device_hits.size(); ++i) {
    if (i % kAhead == 0) {
      const auto ahead = std::span(hashes_).subspan(i, std::min(kAhead, device_hits.size() - i));
      cache_.look_ahead(ahead);
      for (const std::uint64_t hash : ahead) curve_.access(hash);
    }
    const RowCache::Pin pin = cache_.acquire(device_hits[i], hashes_[i]);
    if (pin == RowCache::kNoPin) continue;
    cache_.release(pin);
    ++hits;
  }
  counters_.looked_up(device_hits.size(), hits);
}

// The n-grams of a hot set came into the cache without a look-up.
void TableStore::Impl::learn_preloaded() {
  std::vector<std::uint64_t> hashes;
  {
    const std::lock_guard lock(mutex_);
    hashes.swap(preloaded_);
    any_preloaded_ = false;
  }
  for (const std::uint64_t hash : hashes) curve_.preload(hash);
}

TableStore::Impl::Batch& TableStore::Impl::spare_batch() {
  const std::lock_guard lock(mutex_);
  if (spare_batches_.empty()) {
    batches_.push_back(std::make_unique<Batch>());
    return *batches_.back();
  }
  Batch& batch = *spare_batches_.back();
  spare_batches_.pop_back();
  batch.entries.clear();
  batch.jobs.clear();
  batch.targets.clear();
  batch.sent = 0;
  return batch;
}

// Records first: one of them brings what the first layer waits for.
void TableStore::Impl::read_new_entries() {
  Batch& batch = spare_batch();
  batch.entries.swap(new_entries_);
  std::size_t rows = 0;
  listing_.wanted.clear();
  for (std::uint32_t entry = 0; entry < batch.entries.size(); ++entry) {
    if (record_log_ == nullptr || !list_record(batch, entry)) list_rows(batch, entry, listing_);
    rows += heads_ * layers();
  }
  list_reads(batch, listing_);
  counters_.asked(batch.jobs.size(), rows);
  send_stage(batch, WhenFull::wait);
}

void TableStore::Impl::list_rows(Batch& batch, std::uint32_t number, Listing& listing) {
  NewEntry& entry = batch.entries[number];
  listing.row_ids.resize(heads_);
  for (std::size_t layer = 0; layer < layers(); ++layer) {
    hasher_.rows(layer, entry.key, listing.row_ids);
    for (std::size_t head = 0; head < heads_; ++head) {
      for (std::size_t part = 0; part < map_.parts(layer); ++part) {
        const std::size_t into = head * row_bytes_[layer] + map_.part_begin(layer, part);
        const RowId row = listing.row_ids[head];
        listing.wanted.push_back(
            {static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(part),
             static_cast<std::uint32_t>(into), map_.locate(layer, part, row), row, number});
        ++entry.pending;
      }
    }
  }
  if (record_log_) cache_.acquire_again(entry.pin);  // until it is in the log too
}

// Reads of the listed rows, behind the jobs that are there.
void TableStore::Impl::list_reads(Batch& batch, Listing& listing) {
  merge_reads(listing.wanted, listing.merged);
  for (const MergedRead& read : listing.merged) {
    const RowRange& range = read.range;
    batch.jobs.push_back(
        {&batch, range.file, range.size, range.offset, read.layer, read.first, read.count});
    for (std::size_t i = read.first; i < read.first + read.count; ++i) {
      const WantedRow& row = listing.wanted[i];
      batch.targets.push_back({row.entry, row.into, row.row,
                               static_cast<std::uint32_t>(row.range.offset - range.offset),
                               row.range.size, row.part});
    }
  }
  batch.left = batch.jobs.size();
}

// A stage is one layer of a token, or everything where it is much: a prompt wants the drive busy.
void TableStore::Impl::send_stage(Batch& batch, WhenFull when_full) {
  const auto unsent = std::span(batch.jobs).subspan(batch.sent);
  std::size_t count = unsent.size();
  if (batch.targets.size() <= kStagedMax) {
    const auto next = std::ranges::find_if(
        unsent, [&](const Job& job) { return job.layer != unsent.front().layer; });
    count = static_cast<std::size_t>(next - unsent.begin());
  }
  std::vector<ReadRequest> requests;
  requests.reserve(count);
  for (const Job& job : unsent.first(count)) {
    requests.push_back({job.file, job.offset, job.size, reinterpret_cast<std::uintptr_t>(&job)});
  }
  batch.sent += count;
  batch.stage_left = count;
  reader_->read(requests, when_full);
}

// ---- completions (reader threads) ---------------------------------------------------------------

void TableStore::Impl::complete(const ReadCompletion& completion) {
  const Job& job = *reinterpret_cast<const Job*>(completion.tag);
  Batch& batch = *job.batch;
  Status status = completion.status;
  if (status && completion.bytes.size() != job.size) {
    status = Error{ErrorCode::io,
                   fmt::format("{} of {} bytes of {} came back at byte {}", completion.bytes.size(),
                               job.size, path_of(job.file), job.offset)};
  }
  counters_.answered(completion.latency_us, completion.bytes_at_drive);

  const auto latency_us = static_cast<std::uint32_t>(std::clamp(completion.latency_us, 0.0, 4e9));
  if (record_log_ && job.file == log_file_) {
    complete_record(batch.entries[job.first], status, completion.bytes, latency_us);
  } else {
    if (!status) counters_.failed();
    for (const Target& target : std::span(batch.targets).subspan(job.first, job.count)) {
      NewEntry& entry = batch.entries[target.entry];
      const Status delivered = status ? deliver(target, entry.pin, job.layer,
                                                completion.bytes.subspan(target.skip, target.size))
                                      : status;
      if (!delivered) cache_.fail(entry.pin, job.layer, delivered.error());
      arrived(entry.pin, job.layer, latency_us, 1);
      if (record_log_) add_to_log(entry);
    }
  }
  counters_.settled();
  if (batch.stage_left.fetch_sub(1) == 1 && batch.sent < batch.jobs.size()) {
    send_stage(batch, WhenFull::grow);
  }
  if (batch.left.fetch_sub(1) > 1) return;
  const std::lock_guard lock(mutex_);
  spare_batches_.push_back(&batch);
}

void TableStore::Impl::arrived(RowCache::Pin pin, std::size_t layer, std::uint32_t latency_us,
                               std::uint32_t arrivals) {
  if (!cache_.arrived(pin, layer, latency_us, arrivals)) return;
  const std::lock_guard lock(mutex_);
  if (--awaited_ == 0) all_there_.notify_one();
}

Status TableStore::Impl::deliver(const Target& target, RowCache::Pin pin, std::size_t layer,
                                 std::span<const std::byte> read) {
  if (map_.has_checksums(layer) &&
      (verify_ == VerifyRows::always ||
       (verify_ == VerifyRows::sampled && counters_.take_turn(kVerifyEvery)))) {
    counters_.verified();
    const Status right = map_.verify(layer, target.row, read);
    if (!right) counters_.failed();
    RETURN_IF_ERROR(right);
  }
  std::memcpy(cache_.bytes(pin, layer).data() + target.into, read.data(),
              map_.part_bytes(layer, target.part));
  return {};
}

// ---- wait --------------------------------------------------------------------------------------

Status TableStore::Impl::wait(State& state, std::size_t layer, std::span<std::byte> out,
                              const std::atomic<bool>* cancel) {
  CHECK(layer < layers());
  CHECK(out.size() == state.uses.size() * heads_ * row_bytes_[layer]);
  if (ask(state, layer)) RETURN_IF_ERROR(await(state, layer, cancel));
  return take(state, layer, out);
}

// Gives each use its tier; true if some are not there yet.
bool TableStore::Impl::ask(State& state, std::size_t layer) {
  const std::size_t keys = state.uses.size();
  std::array<std::size_t, kTierCount> served{};
  for (std::size_t i = 0; i < keys; ++i) {
    const State::Use& use = state.uses[i];
    if (use.pin == RowCache::kNoPin) continue;
    Tier tier = use.charge == Charge::read ? Tier::ssd_in_time : Tier::ram;
    if (use.charge != Charge::none && !cache_.complete(use.pin, layer)) tier = Tier::ssd_late;
    ++served[static_cast<std::size_t>(tier)];
    if (state.waited[layer] == 0) state.outcomes[layer * keys + i].tier = tier;
  }
  served[static_cast<std::size_t>(Tier::device)] = state.device_hits;
  if (state.waited[layer] == 0) counters_.served(served);
  state.waited[layer] = 1;
  return served[static_cast<std::size_t>(Tier::ssd_late)] > 0;
}

// A drive may stall for minutes: the log says so, and `cancel` ends the wait. The reads go on.
Status TableStore::Impl::await(const State& state, std::size_t layer,
                               const std::atomic<bool>* cancel) {
  counters_.wait_begins();
  std::unique_lock lock(mutex_);
  for (const State::Use& use : state.uses) {
    if (use.pin != RowCache::kNoPin && cache_.await(use.pin, layer)) ++awaited_;
  }
  Status status;
  const auto start = std::chrono::steady_clock::now();
  bool said = false;
  while (!all_there_.wait_for(lock, kLookAround, [&] { return awaited_ == 0; })) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      status = Error{ErrorCode::cancelled, "stopped"};
      // The next wait is for its own rows only, however long these take.
      for (const State::Use& use : state.uses) {
        if (use.pin != RowCache::kNoPin && cache_.stop_awaiting(use.pin, layer)) --awaited_;
      }
      break;
    }
    if (said || std::chrono::steady_clock::now() - start < kLongWait) continue;
    said = true;
    log_info("engram", "an answer has waited {} s for rows that the drive does not deliver",
             kLongWait.count());
  }
  counters_.wait_ends();
  return status;
}

// Rows lie at random in gigabytes: copied one line after the other, most of the time would go into
// waiting for memory.
void TableStore::Impl::fetch_ahead(RowCache::Pin pin, std::size_t layer) {
  if (pin == RowCache::kNoPin) return;
  const std::span<const std::byte> rows = cache_.bytes(pin, layer);
  const std::size_t bytes = std::min(rows.size(), kFetchAheadMax);
  for (std::size_t at = 0; at < bytes; at += kLine) __builtin_prefetch(rows.data() + at);
}

Status TableStore::Impl::take(State& state, std::size_t layer, std::span<std::byte> out) {
  const std::size_t keys = state.uses.size();
  const std::size_t key_bytes = heads_ * row_bytes_[layer];
  Status status;
  if (keys > 0) fetch_ahead(state.uses[0].pin, layer);
  for (std::size_t i = 0; i < keys; ++i) {
    const RowCache::Pin pin = state.uses[i].pin;
    if (pin == RowCache::kNoPin) {
      status = Error{ErrorCode::out_of_memory,
                     "the system has no memory left for rows of the memory's tables: choose a "
                     "smaller RAM budget"};
      continue;
    }
    if (i + 1 < keys) fetch_ahead(state.uses[i + 1].pin, layer);
    RowOutcome& outcome = state.outcomes[layer * keys + i];
    if (outcome.tier != Tier::ram) outcome.latency_us = cache_.latency_us(pin, layer);
    if (cache_.failed(pin, layer)) {
      status = cache_.failure(pin);
    } else {
      std::memcpy(out.data() + i * key_bytes, cache_.bytes(pin, layer).data(), key_bytes);
    }
  }
  return status;
}

void TableStore::Impl::release(std::unique_ptr<State> state) {
  for (const State::Use& use : state->uses) {
    if (use.pin != RowCache::kNoPin) cache_.release(use.pin);
  }
  CHECK(tickets_ > 0);
  --tickets_;
  if (spare_states_.size() < kSpareStatesMax) spare_states_.push_back(std::move(state));
}

std::uint64_t TableStore::default_budget(std::uint64_t table_bytes) {
  return std::clamp(table_bytes / 4, kBudgetMin, kBudgetMax);
}

// ---- from any thread ---------------------------------------------------------------------------

bool TableStore::Impl::in_ram(const NgramKey& key) const {
  return cache_.ready(key);
}

// The wanted budget, but no more than this machine has. Memory is taken only as rows fill it, so
// with a budget that is too large the system would kill a process minutes later.
std::uint64_t TableStore::Impl::possible_budget(std::uint64_t wanted) const {
  if (wanted == 0) return default_budget(map_.bytes());
  const std::uint64_t memory = system_memory().total_bytes;
  const std::uint64_t most = memory - memory / 8;
  if (wanted <= most) return wanted;
  log_warning("engram",
              "a RAM budget of {} MiB is more than this machine can give: it has {} MiB of RAM, so "
              "rows take {} MiB at most",
              wanted >> 20, memory >> 20, most >> 20);
  return most;
}

void TableStore::Impl::set_budget(std::uint64_t bytes) {
  const Status status = cache_.set_budget(possible_budget(bytes));
  if (status) {
    counters_.forget_measured();
  } else {
    log_warning("engram", "{}; the budget stays as it was", status.error().message);
  }
}

std::uint64_t TableStore::Impl::drop_ram() {
  const std::uint64_t dropped = cache_.drop();
  counters_.forget_measured();
  log_info("engram", "{} n-grams were dropped from RAM", dropped);
  return dropped;
}

TierStats TableStore::Impl::stats() const {
  TierStats out = stats_;
  counters_.copy_to(out);
  out.evictions = cache_.evictions();
  out.entries = cache_.entries();
  out.entry_bytes = cache_.entry_cost();
  out.bytes_used = out.entries * out.entry_bytes;
  out.kept = cache_.kept();
  out.budget_bytes = cache_.budget_bytes();
  out.predicted = curve_.points();
  if (record_log_) out.log = record_log_->stats();
  if (!why_no_log_.empty()) out.log.off = why_no_log_;
  out.bytes_written += out.log.bytes_written;
  return out;
}

}  // namespace mneme

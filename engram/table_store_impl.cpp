// SPDX-License-Identifier: Apache-2.0
#include "engram/table_store_impl.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "inference/base/check.h"
#include "inference/base/log.h"

namespace mneme {
namespace {

using Charge = TableStore::Impl::State::Charge;
using LayerPhase = RowCache::LayerPhase;

constexpr std::uint64_t kBudgetMin = 8ull << 20;
constexpr std::uint64_t kBudgetMax = 4ull << 30;
constexpr std::size_t kSpareStatesMax = 4;

// Look-ups after which half of what the curve and the measured rate know is forgotten.
constexpr std::uint64_t kCurveWindow = 100'000;

constexpr std::uint64_t kVerifyEvery = 64;  // of the rows read, when they are sampled

std::vector<std::uint32_t> layer_bytes(const TableMap& map, std::size_t heads) {
  std::vector<std::uint32_t> bytes;
  for (std::size_t i = 0; i < map.size(); ++i) {
    bytes.push_back(static_cast<std::uint32_t>(map.table(i).row_bytes * heads));
  }
  return bytes;
}

}  // namespace

TableStore::Impl::Impl(const NgramHasher& hasher, TableMap map, VerifyRows verify)
    : hasher_(hasher),
      map_(std::move(map)),
      verify_(verify),
      heads_(static_cast<std::size_t>(hasher.spec().head_count)),
      cache_(layer_bytes(map_, heads_)),
      curve_(cache_.entry_cost(), map_.bytes(), kCurveWindow),
      row_ids_(heads_) {
  for (std::size_t i = 0; i < map_.size(); ++i) row_bytes_.push_back(map_.table(i).row_bytes);
}

TableStore::Impl::~Impl() {
  CHECK(tickets_ == 0);
  reader_.reset();  // its last completions still use the rest
  stop_hot_set();
}

Status TableStore::Impl::start(const TableStoreOptions& options, const RowReaderFactory& factory) {
  const std::uint64_t budget = possible_budget(options.budget_bytes);
  RETURN_IF_ERROR(cache_.set_budget(budget));
  RETURN_IF_ERROR(open_reader(options, factory));
  stats_.storage = reader_->storage();
  stats_.reader = reader_->name();
  stats_.file_system = reader_->file_system();
  stats_.table_bytes = map_.bytes();
  log_info("engram", "{} tables, {} MiB, read by {} from {} ({}), {} MiB of RAM for rows", layers(),
           map_.bytes() >> 20, stats_.reader, storage_label(stats_), stats_.file_system,
           budget >> 20);
  if (!options.hot_set.empty()) start_hot_set(options.hot_set);
  return {};
}

Status TableStore::Impl::open_reader(const TableStoreOptions& options,
                                     const RowReaderFactory& factory) {
  using Reader = TableStoreOptions::Reader;
  const RowReader::Callback done = [this](const ReadCompletion& completion) {
    complete(completion);
  };
  const auto open = [&]() -> Result<std::unique_ptr<RowReader>> {
    if (factory) return factory(map_.paths(), done);
    if (options.reader == Reader::threads) return open_thread_reader(map_.paths(), done);
    auto reader = open_uring_reader(map_.paths(), done);
    if (reader || options.reader == Reader::uring ||
        reader.error().code != ErrorCode::unsupported) {
      return reader;
    }
    log_info("engram", "{}: rows are read by threads instead", reader.error().message);
    return open_thread_reader(map_.paths(), done);
  };
  auto reader = open();
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  return {};
}

// ---- prefetch ----------------------------------------------------------------------------------

std::unique_ptr<TableStore::Ticket::State> TableStore::Impl::prefetch(
    std::span<const NgramKey> keys) {
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
  ++tickets_;
  look_up(keys, *state);
  if (!new_entries_.empty()) {
    list_rows(keys);
    merge_reads(wanted_, merged_);
    post_jobs();
    reader_->read(batch_);
  }
  return state;
}

void TableStore::Impl::look_up(std::span<const NgramKey> keys, State& state) {
  const std::int32_t order_max = hasher_.spec().max_ngram_size;
  ++ticket_number_;
  new_entries_.clear();
  const std::lock_guard lock(mutex_);
  for (const NgramKey& key : keys) curve_.access(NgramKeyHash{}(key));
  // First what is there, so that no newcomer pushes out what this very ticket needs.
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(keys[i].order >= 2 && keys[i].order <= order_max);
    const RowCache::Pin pin = cache_.pin(keys[i]);
    state.uses[i] = {pin, Charge::none};
    if (pin == RowCache::kNoPin) continue;
    if (cache_.owner(pin) != ticket_number_) state.uses[i].charge = Charge::joined;
    cache_.owner(pin) = ticket_number_;
  }
  std::size_t misses = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    State::Use& use = state.uses[i];
    if (use.pin != RowCache::kNoPin) continue;
    use.pin = cache_.pin(keys[i]);
    if (use.pin != RowCache::kNoPin) continue;  // inserted a moment ago
    ++misses;
    use = {cache_.insert(keys[i]), Charge::read};
    if (use.pin == RowCache::kNoPin) continue;
    cache_.owner(use.pin) = ticket_number_;
    for (std::size_t layer = 0; layer < layers(); ++layer) {
      cache_.layer(use.pin, layer).pending = static_cast<std::uint16_t>(heads_ * map_.parts(layer));
      cache_.add_pin(use.pin);  // until the layer is there
    }
    new_entries_.push_back({i, use.pin});
  }
  count(keys.size(), keys.size() - misses);
}

void TableStore::Impl::count(std::size_t lookups, std::size_t hits) {
  stats_.lookups += lookups;
  stats_.hits += hits;
  stats_.measured_lookups += static_cast<double>(lookups);
  stats_.measured_hits += static_cast<double>(hits);
  if (stats_.measured_lookups < 2.0 * kCurveWindow) return;
  stats_.measured_lookups /= 2;
  stats_.measured_hits /= 2;
}

void TableStore::Impl::list_rows(std::span<const NgramKey> keys) {
  wanted_.clear();
  for (const NewEntry& entry : new_entries_) {
    for (std::size_t layer = 0; layer < layers(); ++layer) {
      hasher_.rows(layer, keys[entry.key], row_ids_);
      for (std::size_t head = 0; head < heads_; ++head) {
        for (std::size_t part = 0; part < map_.parts(layer); ++part) {
          const std::size_t into = head * row_bytes_[layer] + map_.part_begin(layer, part);
          wanted_.push_back({static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(part),
                             static_cast<std::uint32_t>(into),
                             map_.locate(layer, part, row_ids_[head]), row_ids_[head], entry.pin});
        }
      }
    }
  }
}

void TableStore::Impl::post_jobs() {
  batch_.clear();
  const std::lock_guard lock(mutex_);
  for (const MergedRead& read : merged_) {
    if (free_jobs_.empty()) {
      free_jobs_.push_back(static_cast<std::uint32_t>(jobs_.size()));
      jobs_.emplace_back();
    }
    const std::uint32_t id = free_jobs_.back();
    free_jobs_.pop_back();
    Job& job = jobs_[id];
    job.request = {read.range.file, read.range.offset, read.range.size, id};
    job.layer = read.layer;
    job.targets.clear();
    for (std::size_t i = read.first; i < read.first + read.count; ++i) {
      const WantedRow& row = wanted_[i];
      job.targets.push_back({row.pin, row.row, row.into,
                             static_cast<std::uint32_t>(row.range.offset - read.range.offset),
                             row.range.size, row.part});
      stats_.rows_read += row.part == 0 ? 1 : 0;
    }
    batch_.push_back(job.request);
  }
  stats_.reads += merged_.size();
  if (stats_.in_flight == 0) answered_ = std::chrono::steady_clock::now();
  stats_.in_flight += merged_.size();
}

// ---- completions (reader threads) ---------------------------------------------------------------

void TableStore::Impl::complete(const ReadCompletion& completion) {
  const std::lock_guard lock(mutex_);
  CHECK(completion.tag < jobs_.size());
  Job& job = jobs_[completion.tag];
  const std::size_t layer = job.layer;
  Status status = completion.status;
  if (status && completion.bytes.size() != job.request.size) {
    status = Error{ErrorCode::io, fmt::format("{} of {} bytes of {} came back at byte {}",
                                              completion.bytes.size(), job.request.size,
                                              map_.paths()[job.request.file], job.request.offset)};
  }
  --stats_.in_flight;
  answered_ = std::chrono::steady_clock::now();
  stats_.bytes_read += completion.bytes_at_drive;
  stats_.read_latency.add(completion.latency_us);
  if (!status) ++stats_.failed_reads;

  const auto latency_us = static_cast<std::uint32_t>(std::clamp(completion.latency_us, 0.0, 4e9));
  for (const Target& target : job.targets) {
    RowCache::LayerState& state = cache_.layer(target.pin, layer);
    CHECK(state.pending > 0);
    state.latency_us = std::max(state.latency_us, latency_us);
    const Status delivered =
        status ? deliver(target, layer, completion.bytes.subspan(target.skip, target.size))
               : status;
    if (!delivered) {
      state.phase = LayerPhase::failed;
      cache_.forget(target.pin);
      failures_.emplace(target.pin, delivered.error());
    }
    if (--state.pending == 0) settle(target.pin, layer);
  }
  job.targets.clear();
  free_jobs_.push_back(static_cast<std::uint32_t>(completion.tag));
}

Status TableStore::Impl::deliver(const Target& target, std::size_t layer,
                                 std::span<const std::byte> read) {
  if (map_.has_checksums(layer) &&
      (verify_ == VerifyRows::always ||
       (verify_ == VerifyRows::sampled && verify_turn_++ % kVerifyEvery == 0))) {
    ++stats_.rows_verified;
    const Status right = map_.verify(layer, target.row, read);
    if (!right) ++stats_.failed_reads;
    RETURN_IF_ERROR(right);
  }
  std::memcpy(cache_.bytes(target.pin, layer).data() + target.into, read.data(),
              map_.part_bytes(layer, target.part));
  return {};
}

void TableStore::Impl::settle(RowCache::Pin pin, std::size_t layer) {
  RowCache::LayerState& state = cache_.layer(pin, layer);
  if (state.phase == LayerPhase::reading) state.phase = LayerPhase::ready;
  if (state.awaited) {
    state.awaited = false;
    if (--awaited_ == 0) all_there_.notify_one();
  }
  unpin(pin);
}

void TableStore::Impl::unpin(RowCache::Pin pin) {
  if (cache_.unpin(pin)) failures_.erase(pin);
}

// ---- wait --------------------------------------------------------------------------------------

Status TableStore::Impl::wait(State& state, std::size_t layer, std::span<std::byte> out) {
  CHECK(layer < layers());
  CHECK(out.size() == state.uses.size() * heads_ * row_bytes_[layer]);
  std::unique_lock lock(mutex_);
  if (ask(state, layer)) {
    const auto start = std::chrono::steady_clock::now();
    all_there_.wait(lock, [&] { return awaited_ == 0; });
    const auto waited = std::chrono::steady_clock::now() - start;
    stats_.stall_us += static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(waited).count());
  }
  return take(state, layer, out);
}

// Marks what is not there yet and gives each use its tier; true if there is something to wait for.
bool TableStore::Impl::ask(State& state, std::size_t layer) {
  const std::size_t keys = state.uses.size();
  for (std::size_t i = 0; i < keys; ++i) {
    const State::Use& use = state.uses[i];
    if (use.pin == RowCache::kNoPin) continue;
    RowCache::LayerState& rows = cache_.layer(use.pin, layer);
    const bool late = rows.pending > 0;
    if (late && !rows.awaited) {
      rows.awaited = true;
      ++awaited_;
    }
    if (state.waited[layer] != 0) continue;
    Tier tier = Tier::ram;
    if (late && use.charge != Charge::none) {
      tier = Tier::ssd_late;
      ++stats_.late;
    } else if (use.charge == Charge::read) {
      tier = Tier::ssd_in_time;
    }
    state.outcomes[layer * keys + i].tier = tier;
  }
  return awaited_ > 0;
}

Status TableStore::Impl::take(State& state, std::size_t layer, std::span<std::byte> out) {
  const std::size_t keys = state.uses.size();
  const std::size_t key_bytes = heads_ * row_bytes_[layer];
  Status status;
  for (std::size_t i = 0; i < keys; ++i) {
    const RowCache::Pin pin = state.uses[i].pin;
    if (pin == RowCache::kNoPin) {
      status = Error{ErrorCode::out_of_memory,
                     "the system has no memory left for rows of the memory's tables: choose a "
                     "smaller RAM budget"};
      continue;
    }
    const RowCache::LayerState& rows = cache_.layer(pin, layer);
    RowOutcome& outcome = state.outcomes[layer * keys + i];
    if (outcome.tier != Tier::ram) outcome.latency_us = rows.latency_us;
    if (rows.phase == LayerPhase::failed) {
      status = failures_.at(pin);
    } else {
      std::memcpy(out.data() + i * key_bytes, cache_.bytes(pin, layer).data(), key_bytes);
    }
  }
  state.waited[layer] = 1;
  return status;
}

void TableStore::Impl::release(std::unique_ptr<State> state) {
  {
    const std::lock_guard lock(mutex_);
    for (const State::Use& use : state->uses) {
      if (use.pin != RowCache::kNoPin) unpin(use.pin);
    }
  }
  CHECK(tickets_ > 0);
  --tickets_;
  if (spare_states_.size() < kSpareStatesMax) spare_states_.push_back(std::move(state));
}

// ---- from any thread ---------------------------------------------------------------------------

bool TableStore::Impl::in_ram(const NgramKey& key) const {
  const std::lock_guard lock(mutex_);
  return cache_.ready(key);
}

// What was asked for, as far as this machine has it: memory is only taken when rows fill it, so
// that a budget beyond it would end in the system killing someone, minutes later.
std::uint64_t TableStore::Impl::possible_budget(std::uint64_t wanted) const {
  if (wanted == 0) return std::clamp(map_.bytes() / 4, kBudgetMin, kBudgetMax);
  const std::uint64_t memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                               static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t most = memory - memory / 8;
  if (wanted <= most) return wanted;
  log_warning("engram",
              "a RAM budget of {} MiB is more than this machine can give: it has {} MiB, {} MiB of "
              "them are used",
              wanted >> 20, memory >> 20, most >> 20);
  return most;
}

void TableStore::Impl::set_budget(std::uint64_t bytes) {
  bytes = possible_budget(bytes);
  Status status;
  {
    const std::lock_guard lock(mutex_);
    status = cache_.set_budget(bytes);
    if (status) stats_.measured_lookups = stats_.measured_hits = 0;
  }
  if (!status) log_warning("engram", "{}; the budget stays as it was", status.error().message);
}

TierStats TableStore::Impl::stats() const {
  const std::lock_guard lock(mutex_);
  TierStats out = stats_;
  out.evictions = cache_.evictions();
  out.entries = cache_.entries();
  out.bytes_used = cache_.bytes_used();
  out.budget_bytes = cache_.budget_bytes();
  out.predicted = curve_.points();
  if (stats_.in_flight > 0) {
    out.silent_us =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                       std::chrono::steady_clock::now() - answered_)
                                       .count());
  }
  return out;
}

}  // namespace mneme

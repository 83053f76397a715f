// SPDX-License-Identifier: Apache-2.0
// The store's record log: n-grams that it has are read from there, all others are handed to it when
// their rows have come from the tables. It is only a copy: whatever goes wrong with it, rows are
// read from the tables.
#include <atomic>
#include <cstring>

#include "base/exceptions.h"
#include "base/log.h"
#include "engram/record_log.h"
#include "engram/table_store_impl.h"

namespace mneme {

void TableStore::Impl::open_record_log(const TableStoreOptions& options) {
  if (options.record_log_bytes == 0 || !identity_) return;
  auto log = without_exceptions([&] {
    return RecordLog::open(options.record_log, options.record_log_bytes, *identity_,
                           cache_.rows_bytes());
  });
  if (log) {
    record_log_ = std::move(*log);
    log_file_ = static_cast<std::uint32_t>(map_.paths().size());
    return;
  }
  why_no_log_ = log.error().message;
  log_warning("engram", "no record log: {}", why_no_log_);
}

const std::string& TableStore::Impl::path_of(std::uint32_t file) const {
  return file < map_.paths().size() ? map_.paths()[file] : record_log_->path();
}

// False: it has no record.
bool TableStore::Impl::list_record(Batch& batch, std::uint32_t entry) {
  const auto offset = record_log_->find(NgramKeyHash{}(batch.entries[entry].key));
  if (!offset) return false;
  batch.jobs.push_back({&batch, log_file_, record_log_->record_bytes(), *offset, 0, entry, 0});
  return true;
}

void TableStore::Impl::complete_record(const NewEntry& entry, const Status& status,
                                       std::span<const std::byte> record,
                                       std::uint32_t latency_us) {
  std::span<const std::byte> rows;
  if (status) {
    rows = record_log_->rows_of(entry.key, record);
  } else {
    record_log_->forget(entry.key);
  }
  if (rows.empty()) {
    read_again(entry);
    return;
  }
  counters_.from_log(heads_ * layers());
  for (std::size_t layer = 0; layer < layers(); ++layer) {
    const std::span<std::byte> into = cache_.bytes(entry.pin, layer);
    std::memcpy(into.data(), rows.data(), into.size());
    rows = rows.subspan(into.size());
    arrived(entry.pin, layer, latency_us, static_cast<std::uint32_t>(map_.parts(layer) * heads_));
  }
}

// Reads the rows of an n-gram from the tables, after its record could not be used. Reader threads.
void TableStore::Impl::read_again(const NewEntry& entry) {
  Listing listing;
  Batch& batch = spare_batch();
  batch.entries.push_back({entry.key, entry.pin, 0});
  list_rows(batch, 0, listing);
  list_reads(batch, listing);
  counters_.asked_again(batch.jobs.size());
  send_stage(batch, WhenFull::grow);
}

// After each arrival from the tables; with the last, the entry goes to the log.
void TableStore::Impl::add_to_log(NewEntry& entry) {
  const std::atomic_ref pending(entry.pending);
  if (pending.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  bool failed = false;
  for (std::size_t layer = 0; layer < layers(); ++layer) {
    failed = failed || cache_.failed(entry.pin, layer);
  }
  if (!failed) record_log_->add(entry.key, cache_.rows(entry.pin));
  cache_.release(entry.pin);
}

}  // namespace mneme

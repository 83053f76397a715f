// SPDX-License-Identifier: Apache-2.0
// The store's hot set: brought back when the store opens, saved when it closes and, where much has
// changed, now and then. It is only a copy: whatever goes wrong with it is logged, nothing fails.
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "engram/hot_set.h"
#include "engram/table_store_impl.h"
#include "inference/base/log.h"

namespace mneme {
namespace {

constexpr auto kSaveEvery = std::chrono::minutes(5);
constexpr std::size_t kEntriesAtOnce = 64;       // under one hold of the lock
constexpr std::uint64_t kRoomLeft = 1ull << 30;  // for everyone else on the drive

}  // namespace

void TableStore::Impl::start_hot_set(const std::string& path) {
  const auto identity = hot_set_identity(hasher_.spec(), map_);
  if (!identity) {
    log_warning("engram", "no hot set: {}", identity.error().message);
    return;
  }
  hot_set_identity_ = *identity;
  hot_set_path_ = path;
  hot_set_thread_ = std::thread([this] { run_hot_set(); });
  pthread_setname_np(hot_set_thread_.native_handle(), "hot set");
}

void TableStore::Impl::stop_hot_set() {
  if (!hot_set_thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  closing_changed_.notify_all();
  hot_set_thread_.join();
}

void TableStore::Impl::run_hot_set() {
  if (!restore_hot_set()) return;
  std::unique_lock lock(mutex_);
  while (!closing_changed_.wait_for(lock, kSaveEvery, [&] { return closing_; })) {
    // A quarter of it is new: what a crash would lose is worth the drive's writes.
    const std::uint64_t rows_per_entry = heads_ * layers();
    const std::uint64_t fresh = (stats_.rows_read - saved_reads_) / rows_per_entry;
    if (fresh * 4 < cache_.entries() || cache_.entries() == 0) continue;
    lock.unlock();
    save_hot_set();
    lock.lock();
  }
  if (stats_.rows_read == saved_reads_) return;  // nothing new since
  lock.unlock();
  save_hot_set();
}

// False: the store closed before all was back; the file stays as it is.
bool TableStore::Impl::restore_hot_set() {
  std::error_code error;
  if (!std::filesystem::exists(hot_set_path_, error)) return true;
  const auto start = std::chrono::steady_clock::now();
  auto reader = HotSetReader::open(hot_set_path_, hot_set_identity_, cache_.rows_bytes());
  if (!reader) {
    log_info("engram", "the hot set is not used: {}", reader.error().message);
    return true;
  }
  std::uint64_t restored = 0;
  const std::int32_t order_max = hasher_.spec().max_ngram_size;
  for (bool more = true; more;) {
    const auto block = reader->next();
    if (!block) {
      log_warning("engram", "the rest of the hot set is not used: {}", block.error().message);
      break;
    }
    more = !block->empty();
    for (auto rest = *block; !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), kEntriesAtOnce));
      rest = rest.subspan(some.size());
      const std::lock_guard lock(mutex_);
      if (closing_) return false;
      for (const HotNgram& ngram : some) {
        if (ngram.key.order < 2 || ngram.key.order > order_max) continue;
        const auto rows = cache_.restore(ngram.key, ngram.often_used);
        if (rows.empty()) continue;
        std::copy(ngram.rows.begin(), ngram.rows.end(), rows.begin());
        curve_.preload(NgramKeyHash{}(ngram.key));
        ++restored;
      }
      stats_.restored = restored;
    }
  }
  log_info("engram", "{} of {} n-grams of the hot set are in RAM again after {:.2f} s", restored,
           reader->entries(),
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return true;
}

// Entries that are ready, out of `count` from `first` on; returns how many come after them. They
// move while the engine works between two calls: one may be missed or come twice, and restore()
// takes each once.
std::uint64_t TableStore::Impl::copy_entries(std::uint64_t first, std::uint64_t count,
                                             bool often_used, std::vector<NgramKey>& keys,
                                             std::vector<std::byte>& rows) const {
  keys.clear();
  rows.clear();
  const std::lock_guard lock(mutex_);
  const std::uint64_t end = std::min(first + count, cache_.entries());
  for (std::uint64_t number = first; number < end; ++number) {
    const RowCache::Kept kept = cache_.kept(number);
    if (!kept.ready || kept.often_used != often_used) continue;
    keys.push_back(kept.key);
    rows.insert(rows.end(), kept.rows.begin(), kept.rows.end());
  }
  return cache_.entries() > end ? cache_.entries() - end : 0;
}

void TableStore::Impl::save_hot_set() {
  std::error_code error;
  const auto folder = std::filesystem::path(hot_set_path_).parent_path();
  std::filesystem::create_directories(folder, error);
  const auto space = std::filesystem::space(folder, error);
  std::uint64_t rows_read = 0;
  std::uint64_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    rows_read = stats_.rows_read;
    bytes = cache_.entries() * (cache_.rows_bytes() + sizeof(NgramKey));
  }
  if (!error && space.available < bytes + kRoomLeft) {
    log_warning("engram", "the hot set of {} MiB is not saved: {} has {} MiB free", bytes >> 20,
                folder.string(), space.available >> 20);
    return;
  }
  auto writer = HotSetWriter::create(hot_set_path_, hot_set_identity_, cache_.rows_bytes());
  Status status = writer ? Status() : Status(writer.error());
  // What was used often first: a smaller budget the next time then keeps that.
  std::vector<NgramKey> keys;
  std::vector<std::byte> rows;
  for (const bool often_used : {true, false}) {
    std::uint64_t left = 1;
    for (std::uint64_t at = 0; status && left > 0; at += kEntriesAtOnce) {
      left = copy_entries(at, kEntriesAtOnce, often_used, keys, rows);
      for (std::size_t i = 0; status && i < keys.size(); ++i) {
        status = writer->add(keys[i], often_used,
                             std::span(rows).subspan(i * cache_.rows_bytes(), cache_.rows_bytes()));
      }
    }
  }
  if (status) {
    if (auto written = writer->finish()) {
      const std::lock_guard lock(mutex_);
      stats_.bytes_written += *written;
      saved_reads_ = rows_read;
      return;
    } else {
      status = written.error();
    }
  }
  log_warning("engram", "the hot set is not saved: {}", status.error().message);
}

}  // namespace mneme

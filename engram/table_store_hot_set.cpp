// SPDX-License-Identifier: Apache-2.0
// The store's hot set: brought back when the store opens, saved when it closes and, where much has
// changed, now and then. It is only a copy: whatever goes wrong with it is logged, nothing fails.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/exceptions.h"
#include "base/log.h"
#include "base/private_file.h"
#include "engram/hot_set.h"
#include "engram/table_store_impl.h"

namespace mneme {
namespace {

constexpr auto kSaveEvery = std::chrono::minutes(5);
constexpr int kReaders = 3;                      // that keep the drive busy
constexpr std::uint64_t kRoomLeft = 1ull << 30;  // for everyone else on the drive

}  // namespace

void TableStore::Impl::start_hot_set(const std::string& path) {
  hot_set_path_ = path;
  auto thread = start_thread("hot set", [this] {
    const Status status = without_exceptions([this]() -> Status {
      run_hot_set();
      return {};
    });
    if (!status) log_warning("engram", "the hot set is not saved: {}", status.error().message);
  });
  if (thread) {
    hot_set_thread_ = std::move(*thread);
  } else {
    log_warning("engram", "the hot set is neither used nor saved: {}", thread.error().message);
  }
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
    const std::uint64_t fresh = (counters_.rows_read() - saved_reads_) / rows_per_entry;
    if (fresh * 4 < cache_.entries() || cache_.entries() == 0) continue;
    lock.unlock();
    save_hot_set();
    lock.lock();
  }
  if (counters_.rows_read() == saved_reads_ && !keeping_changed_) return;  // nothing new since
  lock.unlock();
  save_hot_set();
}

// False: the file stays as it is, since the store closed before all was back, or a newer program
// wrote it.
bool TableStore::Impl::restore_hot_set() {
  std::error_code error;
  if (!std::filesystem::exists(hot_set_path_, error)) return true;
  const auto start = std::chrono::steady_clock::now();
  auto reader = HotSetReader::open(hot_set_path_, *identity_, cache_.rows_bytes());
  if (!reader) {
    log_info("engram", "the hot set is not used: {}", reader.error().message);
    return reader.error().code != ErrorCode::unsupported;
  }
  Restoring shared;
  std::atomic<bool> closed_before_the_end = false;
  const auto restore = [&] {
    const auto whole =
        without_exceptions([&]() -> Result<bool> { return restore_blocks(*reader, shared); });
    if (!whole) log_warning("engram", "the hot set is not used: {}", whole.error().message);
    if (!whole || !*whole) closed_before_the_end = true;
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < kReaders; ++i) {
    if (auto helper = start_thread("hot set", restore)) helpers.push_back(std::move(*helper));
  }
  restore();
  for (std::thread& helper : helpers) helper.join();
  if (closed_before_the_end) return false;
  log_info("engram", "{} of {} n-grams of the hot set are in RAM again after {:.2f} s",
           counters_.restored(), reader->entries(),
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return true;
}

// One block after the other until there are no more; any number of threads. False: the store
// closed and one was left.
bool TableStore::Impl::restore_blocks(const HotSetReader& reader, Restoring& shared) {
  HotSetReader::Memory memory;
  std::vector<std::uint64_t> hashes;
  const std::int32_t order_max = hasher_.spec().max_ngram_size;
  for (std::uint64_t at = shared.next++; at < reader.blocks(); at = shared.next++) {
    if (closing()) return false;
    const auto block = reader.read(at, memory);
    if (!block) {
      shared.next = reader.blocks();
      if (!shared.damaged.exchange(true)) {  // only one of the threads says so
        log_warning("engram", "the rest of the hot set is not used: {}", block.error().message);
      }
      return true;
    }
    hashes.clear();
    for (const HotNgram& ngram : *block) {
      if (ngram.key.order < 2 || ngram.key.order > order_max) continue;
      if (!cache_.restore(ngram.key, ngram.segment, ngram.rows)) continue;
      hashes.push_back(NgramKeyHash{}(ngram.key));
    }
    counters_.restored(hashes.size());
    const std::lock_guard lock(mutex_);
    preloaded_.insert(preloaded_.end(), hashes.begin(), hashes.end());
    any_preloaded_ = true;
  }
  return true;
}

bool TableStore::Impl::closing() {
  const std::lock_guard lock(mutex_);
  return closing_;
}

void TableStore::Impl::save_hot_set() {
  std::error_code error;
  const auto folder = std::filesystem::path(hot_set_path_).parent_path();
  if (const Status made = make_private_folder(folder); !made) {
    log_warning("engram", "the hot set is not saved: {}", made.error().message);
    return;
  }
  const auto space = std::filesystem::space(folder, error);
  const std::uint64_t rows_read = counters_.rows_read();
  keeping_changed_ = false;
  const std::uint64_t bytes = cache_.entries() * (cache_.rows_bytes() + sizeof(NgramKey));
  if (!error && space.available < bytes + kRoomLeft) {
    log_warning("engram",
                "the hot set of {} MiB is not saved: {} has {} MiB free, and {} MiB of them are "
                "left to others",
                bytes >> 20, folder.string(), space.available >> 20, kRoomLeft >> 20);
    return;
  }
  auto writer = HotSetWriter::create(hot_set_path_, *identity_, cache_.rows_bytes());
  Status status = writer ? Status() : Status(writer.error());
  std::uint64_t written = 0;
  // Counted on the way: a user who waits for the end sees it come nearer.
  const auto count_written = [&] {
    counters_.written(writer->bytes() - std::exchange(written, writer->bytes()));
  };
  // Entries come and go between two looks: one may be missed or come twice, and restore() takes
  // each once.
  for (const CacheSegment segment : kCacheSegments) {
    for (std::uint64_t number = 0; status && number < cache_.numbers(); ++number) {
      const RowCache::CachedEntry entry = cache_.acquire_entry(number);
      if (entry.pin == RowCache::kNoPin) continue;
      if (entry.segment == segment) {
        status = writer->add(entry.key, segment, cache_.rows(entry.pin));
        count_written();
      }
      cache_.release(entry.pin);
    }
  }
  if (status) {
    status = writer->finish();
    count_written();
  }
  if (status) {
    saved_reads_ = rows_read;
    return;
  }
  log_warning("engram", "the hot set is not saved: {}", status.error().message);
}

}  // namespace mneme

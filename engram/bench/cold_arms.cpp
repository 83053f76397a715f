// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/cold_arms.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engram/bench/native_aio.h"
#include "inference/base/check.h"
#include "inference/base/file.h"

namespace mneme {
namespace {

constexpr std::uint64_t kPage = NativeAio::kPage;

// A row of the answer: where it lies in the file, and where it goes.
struct Wanted {
  std::uint64_t offset;
  std::byte* to;
  std::uint32_t bytes;

  std::uint64_t first_page() const { return offset / kPage; }
  unsigned pages() const {
    return static_cast<unsigned>((offset + bytes - 1) / kPage - first_page() + 1);
  }
  void copy_from(const std::byte* pages) const { std::memcpy(to, pages + offset % kPage, bytes); }
};

class RowList {
 public:
  explicit RowList(const ColdTables& tables)
      : tables_(tables), heads_(static_cast<std::size_t>(tables.hasher->spec().head_count)) {}

  const std::vector<Wanted>& of(std::span<const NgramKey> keys, std::span<std::byte> out) {
    rows_.clear();
    ids_.resize(heads_);
    std::byte* to = out.data();
    for (std::size_t layer = 0; layer < tables_.map.size(); ++layer) {
      const std::uint32_t bytes = tables_.map.part_bytes(layer, 0);
      for (const NgramKey& key : keys) {
        tables_.hasher->rows(layer, key, ids_);
        for (const RowId id : ids_) {
          rows_.push_back({tables_.map.locate(layer, 0, id).offset, to, bytes});
          to += bytes;
        }
      }
    }
    CHECK(to <= out.data() + out.size());
    return rows_;
  }

 private:
  const ColdTables& tables_;
  const std::size_t heads_;
  std::vector<RowId> ids_;
  std::vector<Wanted> rows_;
};

// ---- memory map --------------------------------------------------------------------------------

class MemoryMapArm final : public ColdArm {
 public:
  MemoryMapArm(const ColdTables& tables, std::shared_ptr<const MappedFile> file)
      : rows_(tables), file_(std::move(file)) {
    auto* const begin = const_cast<std::byte*>(file_->bytes().data());
    ::madvise(begin, file_->bytes().size(), MADV_RANDOM);
  }
  std::string_view name() const override { return "memory map"; }
  std::uint64_t reads() const override { return 0; }
  void let_go() override {
    ::madvise(const_cast<std::byte*>(file_->bytes().data()), file_->bytes().size(), MADV_DONTNEED);
  }

  Status fetch(std::span<const NgramKey> keys, std::span<std::byte> out) override {
    const std::byte* const begin = file_->bytes().data();
    for (const Wanted& row : rows_.of(keys, out)) {
      std::memcpy(row.to, begin + row.offset, row.bytes);
    }
    return {};
  }

 private:
  RowList rows_;
  const std::shared_ptr<const MappedFile> file_;
};

// ---- a pool of threads -------------------------------------------------------------------------

class ThreadPoolArm final : public ColdArm {
 public:
  ThreadPoolArm(const ColdTables& tables, File file, int threads)
      : rows_(tables), file_(std::move(file)), name_(fmt::format("{} threads", threads)) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
  }
  ~ThreadPoolArm() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  std::string_view name() const override { return name_; }
  std::uint64_t reads() const override { return reads_; }

  Status fetch(std::span<const NgramKey> keys, std::span<std::byte> out) override {
    const std::vector<Wanted>& rows = rows_.of(keys, out);
    reads_ += rows.size();
    std::unique_lock lock(mutex_);
    list_ = &rows;
    next_ = 0;
    left_ = rows.size();
    failed_ = {};
    work_.notify_all();
    done_.wait(lock, [&] { return left_ == 0; });
    list_ = nullptr;
    return failed_;
  }

 private:
  void loop() {
    const std::unique_ptr<std::byte, void (*)(void*)> buffer(
        static_cast<std::byte*>(std::aligned_alloc(kPage, 4 * kPage)), std::free);
    std::unique_lock lock(mutex_);
    for (;;) {
      work_.wait(lock, [&] { return stop_ || (list_ != nullptr && next_ < list_->size()); });
      if (stop_) return;
      const Wanted& row = (*list_)[next_++];
      lock.unlock();
      const auto read = ::pread(file_.descriptor(), buffer.get(), row.pages() * kPage,
                                static_cast<off_t>(row.first_page() * kPage));
      const bool whole = read >= static_cast<ssize_t>(row.offset % kPage + row.bytes);
      if (whole) row.copy_from(buffer.get());
      lock.lock();
      if (!whole) failed_ = Error{ErrorCode::io, fmt::format("cannot read {}", file_.path())};
      if (--left_ == 0) done_.notify_one();
    }
  }

  RowList rows_;
  const File file_;
  const std::string name_;
  std::mutex mutex_;
  std::condition_variable work_, done_;
  const std::vector<Wanted>* list_ = nullptr;
  std::size_t next_ = 0;
  std::size_t left_ = 0;
  std::uint64_t reads_ = 0;
  Status failed_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// ---- native AIO with a cache of rows -----------------------------------------------------------

class AioLruArm final : public ColdArm {
 public:
  static constexpr unsigned kBatch = 128;
  static constexpr std::size_t kRowsMax = 200'000;

  AioLruArm(const ColdTables& tables, NativeAio aio) : rows_(tables), aio_(std::move(aio)) {}
  std::string_view name() const override { return "AIO batches, LRU"; }
  std::uint64_t reads() const override { return reads_; }

  Status fetch(std::span<const NgramKey> keys, std::span<std::byte> out) override {
    missing_.clear();
    for (const Wanted& row : rows_.of(keys, out)) {
      const auto found = index_.find(row.offset);
      if (found == index_.end()) {
        missing_.push_back(row);
      } else {
        order_.splice(order_.begin(), order_, found->second);
        std::memcpy(row.to, found->second->bytes.data(), row.bytes);
      }
    }
    for (std::size_t at = 0; at < missing_.size(); at += kBatch) {
      const std::size_t count = std::min<std::size_t>(kBatch, missing_.size() - at);
      RETURN_IF_ERROR(read(std::span(missing_).subspan(at, count)));
    }
    return {};
  }

 private:
  struct Entry {
    std::uint64_t offset;
    std::vector<std::byte> bytes;
  };

  Status read(std::span<const Wanted> batch) {
    for (unsigned i = 0; i < batch.size(); ++i) {
      aio_.queue(i, batch[i].first_page(), batch[i].pages());
    }
    RETURN_IF_ERROR(aio_.submit());
    reads_ += batch.size();
    for (std::size_t left = batch.size(); left > 0;) {
      RETURN_IF_ERROR(aio_.collect(done_));
      for (const unsigned slot : done_) {
        batch[slot].copy_from(aio_.buffer(slot));
        keep(batch[slot]);
      }
      left -= done_.size();
    }
    return {};
  }

  void keep(const Wanted& row) {
    if (index_.contains(row.offset)) return;
    if (order_.size() >= kRowsMax) {
      index_.erase(order_.back().offset);
      order_.pop_back();
    }
    order_.push_front({row.offset, {row.to, row.to + row.bytes}});
    index_[row.offset] = order_.begin();
  }

  RowList rows_;
  NativeAio aio_;
  std::uint64_t reads_ = 0;
  std::vector<Wanted> missing_;
  std::vector<unsigned> done_;
  std::list<Entry> order_;  // newest first
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> index_;
};

// ---- ours --------------------------------------------------------------------------------------

class StoreArm final : public ColdArm {
 public:
  StoreArm(const ColdTables& tables, std::unique_ptr<TableStore> store)
      : tables_(tables),
        store_(std::move(store)),
        name_(fmt::format("mneme, {}", store_->stats().reader)) {}
  std::string_view name() const override { return name_; }
  std::uint64_t reads() const override { return store_->stats().reads; }

  Status fetch(std::span<const NgramKey> keys, std::span<std::byte> out) override {
    TableStore::Ticket ticket = store_->prefetch(keys);
    const auto heads = static_cast<std::size_t>(tables_.hasher->spec().head_count);
    for (std::size_t layer = 0; layer < tables_.map.size(); ++layer) {
      const std::size_t bytes = keys.size() * heads * store_->row_bytes(layer);
      RETURN_IF_ERROR(store_->wait(ticket, layer, out.first(bytes)));
      out = out.subspan(bytes);
    }
    return {};
  }

 private:
  const ColdTables& tables_;
  const std::unique_ptr<TableStore> store_;
  const std::string name_;
};

}  // namespace

std::uint64_t ColdTables::bytes_per_key() const {
  std::uint64_t bytes = 0;
  for (const TableSource& table : sources) {
    bytes += table.row_bytes * static_cast<std::uint64_t>(hasher->spec().head_count);
  }
  return bytes;
}

Result<ColdTables> ColdTables::create(const NgramHasher& hasher, std::vector<TableSource> tables) {
  std::vector<std::string> names;
  for (const LayerHash& layer : hasher.spec().layers) {
    names.push_back(fmt::format("layer {}", layer.layer_id));
  }
  if (names.size() != tables.size()) {
    return Error{ErrorCode::corrupt, fmt::format("there are {} tables for {} Engram layers",
                                                 tables.size(), names.size())};
  }
  auto map = TableMap::create(tables, std::move(names));
  if (!map) return map.error();
  bool simple = map->paths().size() == 1;
  for (std::size_t i = 0; i < map->size(); ++i) simple = simple && map->parts(i) == 1;
  if (!simple) {
    return Error{ErrorCode::unsupported,
                 "only tables that lie in one file, each row in one piece, can be measured"};
  }
  return ColdTables{&hasher, std::move(tables), std::move(*map)};
}

Result<std::unique_ptr<ColdArm>> open_memory_map_arm(const ColdTables& tables) {
  auto file = MappedFile::open(tables.path());
  if (!file) return file.error();
  return std::unique_ptr<ColdArm>(std::make_unique<MemoryMapArm>(tables, std::move(*file)));
}

Result<std::unique_ptr<ColdArm>> open_thread_pool_arm(const ColdTables& tables, int threads) {
  auto file = File::open(tables.path(), File::Mode::direct);
  if (!file) return file.error();
  return std::unique_ptr<ColdArm>(
      std::make_unique<ThreadPoolArm>(tables, std::move(*file), threads));
}

Result<std::unique_ptr<ColdArm>> open_aio_lru_arm(const ColdTables& tables) {
  auto aio = NativeAio::open(tables.path(), AioLruArm::kBatch, 2);
  if (!aio) return aio.error();
  return std::unique_ptr<ColdArm>(std::make_unique<AioLruArm>(tables, std::move(*aio)));
}

Result<std::unique_ptr<ColdArm>> open_store_arm(const ColdTables& tables,
                                                TableStoreOptions::Reader reader) {
  auto store = TableStore::open(*tables.hasher, tables.sources, {256 << 20, reader});
  if (!store) return store.error();
  return std::unique_ptr<ColdArm>(std::make_unique<StoreArm>(tables, std::move(*store)));
}

std::vector<std::uint64_t> pages_of(const ColdTables& tables, std::span<const NgramKey> keys) {
  RowList rows(tables);
  std::vector<std::byte> unused(tables.bytes_per_key() * keys.size());
  std::vector<std::uint64_t> pages;
  for (const Wanted& row : rows.of(keys, unused)) {
    for (unsigned i = 0; i < row.pages(); ++i) pages.push_back(row.first_page() + i);
  }
  std::ranges::sort(pages);
  pages.erase(std::ranges::unique(pages).begin(), pages.end());
  return pages;
}

Result<double> drive_reads_per_second(const std::string& path, std::span<const std::uint64_t> pages,
                                      unsigned depth, double seconds, std::uint64_t seed) {
  CHECK(!pages.empty());
  auto aio = NativeAio::open(path, depth, 1);
  if (!aio) return aio.error();
  std::mt19937_64 random(seed);
  const auto any_page = [&] { return pages[random() % pages.size()]; };
  for (unsigned slot = 0; slot < depth; ++slot) aio->queue(slot, any_page(), 1);
  RETURN_IF_ERROR(aio->submit());
  std::vector<unsigned> done;
  std::uint64_t count = 0;
  std::size_t under_way = depth;
  const auto start = std::chrono::steady_clock::now();
  double passed = 0;
  while (under_way > 0) {
    RETURN_IF_ERROR(aio->collect(done));
    under_way -= done.size();
    const double now =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (now >= seconds) continue;
    passed = now;
    count += done.size();
    for (const unsigned slot : done) aio->queue(slot, any_page(), 1);
    under_way += done.size();
    RETURN_IF_ERROR(aio->submit());
  }
  return passed > 0 ? static_cast<double>(count) / passed : 0;
}

}  // namespace mneme

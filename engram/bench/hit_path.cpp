// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/hit_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "engram/bench/key_stream.h"
#include "engram/bench/paired.h"
#include "engram/bench/removed_file.h"
#include "engram/bench/scratch_table.h"
#include "engram/bench/thread_seconds.h"
#include "engram/table_store.h"

namespace mneme {
namespace {

constexpr std::uint64_t kBucketRows = 100'000;  // a hit does not know how large the table is
constexpr std::size_t kHitTokensPerRound = 20'000;
constexpr std::size_t kRounds = 9;
constexpr ClassId kClasses = 50'000;

// Answers at once, always the same: filling a gigabyte from a drive would measure the drive.
class InstantReader final : public RowReader {
 public:
  explicit InstantReader(Callback done) : done_(std::move(done)), bytes_(kReadBytesMax) {
    std::mt19937 random(1);
    for (std::byte& byte : bytes_) byte = static_cast<std::byte>(random());
  }
  std::string_view name() const override { return "none"; }
  StorageKind storage() const override { return StorageKind::cached; }
  std::string_view file_system() const override { return "none"; }
  void read(std::span<const ReadRequest> batch, WhenFull) override {
    for (const ReadRequest& request : batch) {
      done_({request.tag, {}, std::span(bytes_).first(request.size), 1, request.size});
    }
  }

 private:
  const Callback done_;
  std::vector<std::byte> bytes_;
};

NgramKey key_number(std::uint64_t number, std::int32_t order) {
  NgramKey key{order, {}};
  key.classes[0] = static_cast<ClassId>(number % kClasses);
  key.classes[1] = static_cast<ClassId>(number / kClasses);
  for (std::int32_t k = 2; k < order; ++k) key.classes[static_cast<std::size_t>(k)] = 7;
  return key;
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// On the drive, and only there; its size.
Result<std::uint64_t> drop_from_page_cache(const std::string& path) {
  const auto file = File::open(path);
  if (!file) return file.error();
  if (::fdatasync(file->descriptor()) != 0 ||
      ::posix_fadvise(file->descriptor(), 0, 0, POSIX_FADV_DONTNEED) != 0) {
    return Error{ErrorCode::io, fmt::format("{} could not be written to the drive", path)};
  }
  return file->size();
}

class Bench {
 public:
  Bench(TableStore& store, const NgramHasher& hasher)
      : store_(store),
        hasher_(hasher),
        heads_(static_cast<std::size_t>(hasher.spec().head_count)),
        orders_(static_cast<std::size_t>(hasher.spec().orders())) {}

  Status fetch(std::span<const NgramKey> keys) {
    TableStore::Ticket ticket = store_.prefetch(keys);
    const std::size_t bytes = keys.size() * heads_ * kV41RowBytes;
    if (rows_.size() < bytes) rows_.resize(bytes);
    for (std::size_t layer = 0; layer < hasher_.spec().layers.size(); ++layer) {
      RETURN_IF_ERROR(store_.wait(ticket, layer, std::span(rows_).first(bytes)));
    }
    return {};
  }

  Status fill(std::uint64_t keys) {
    std::vector<NgramKey> chunk;
    for (std::uint64_t i = 0; i < keys; ++i) {
      chunk.push_back(key_number(i, static_cast<std::int32_t>(i % orders_) + 2));
      if (chunk.size() == 256 || i + 1 == keys) {
        RETURN_IF_ERROR(fetch(chunk));
        chunk.clear();
      }
    }
    return {};
  }

  // Nanoseconds a row. The n-grams are drawn before the clock runs.
  Result<double> hits(std::uint64_t entries, std::mt19937_64& random) {
    std::vector<NgramKey> keys(kHitTokensPerRound * orders_);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::uint64_t number = random() % (entries / orders_) * orders_ + i % orders_;
      keys[i] = key_number(number, static_cast<std::int32_t>(i % orders_) + 2);
    }
    const double start = thread_seconds() * 1e9;
    for (std::size_t token = 0; token < kHitTokensPerRound; ++token) {
      RETURN_IF_ERROR(fetch(std::span(keys).subspan(token * orders_, orders_)));
    }
    return (thread_seconds() * 1e9 - start) / static_cast<double>(kHitTokensPerRound * rows_per_token());
  }

  std::size_t rows_per_token() const { return orders_ * heads_ * hasher_.spec().layers.size(); }

 private:
  TableStore& store_;
  const NgramHasher& hasher_;
  const std::size_t heads_;
  const std::size_t orders_;
  std::vector<std::byte> rows_;
};

Result<double> page_cache_read(const File& file, std::uint64_t bytes, std::mt19937_64& random) {
  constexpr std::size_t kReads = 50'000;
  std::vector<std::uint64_t> offsets(kReads);
  for (std::uint64_t& offset : offsets) offset = random() % (bytes / kV41RowBytes) * kV41RowBytes;
  std::array<std::byte, kV41RowBytes> row;
  const double start = thread_seconds() * 1e9;
  for (const std::uint64_t offset : offsets) RETURN_IF_ERROR(file.read_at(offset, row));
  return (thread_seconds() * 1e9 - start) / kReads;
}

}  // namespace

Result<HitPathResult> bench_hit_path(const std::string& folder, std::uint64_t budget_bytes) {
  std::vector<ClassId> map(kClasses);
  for (ClassId i = 0; i < kClasses; ++i) map[static_cast<std::size_t>(i)] = i;
  auto hasher = make_v41_hasher(std::move(map), 0, kBucketRows);
  if (!hasher) return hasher.error();
  std::uint64_t bytes = 0;
  for (const LayerHash& layer : hasher->spec().layers) bytes += layer.rows * kV41RowBytes;
  auto scratch = ScratchTable::create(folder, bytes, false, {}, nullptr);
  if (!scratch) return scratch.error();
  std::vector<TableSource> tables;
  std::uint64_t offset = 0;
  for (const LayerHash& layer : hasher->spec().layers) {
    tables.push_back(plain_table(scratch->path(), offset, layer.rows, kV41RowBytes));
    offset += layer.rows * kV41RowBytes;
  }
  const RowReaderFactory reader =
      [](const std::vector<std::string>&,
         RowReader::Callback done) -> Result<std::unique_ptr<RowReader>> {
    return std::unique_ptr<RowReader>(std::make_unique<InstantReader>(std::move(done)));
  };
  TableStoreOptions options;
  options.budget_bytes = budget_bytes;
  options.hot_set = fmt::format("{}/mneme-bench-{}.rows", folder, ::getpid());
  const RemovedFile hot_set{options.hot_set};
  auto store = TableStore::open(*hasher, tables, options, reader);
  if (!store) return store.error();
  auto file = File::open(scratch->path());
  if (!file) return file.error();

  Bench bench(**store, *hasher);
  // A little less than fits, so that all of it stays.
  const std::uint64_t entries = budget_bytes / (16 * (kV41RowBytes + 16));
  RETURN_IF_ERROR(bench.fill(entries));
  const std::uint64_t evicted = (*store)->stats().evictions;
  HitPathResult result;
  result.entries = (*store)->stats().entries;
  result.rows_per_token = static_cast<std::uint32_t>(bench.rows_per_token());
  std::mt19937_64 random(1);
  // Small enough to be in the page cache as a whole.
  const std::uint64_t cached_bytes = std::min<std::uint64_t>(bytes, 256 << 20);
  if (const auto warm = page_cache_read(*file, cached_bytes, random); !warm) return warm.error();
  std::vector<double> row_ns, pread_ns, ratios;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto ours = bench.hits(entries - evicted, random);
    if (!ours) return ours.error();
    const auto theirs = page_cache_read(*file, cached_bytes, random);
    if (!theirs) return theirs.error();
    row_ns.push_back(*ours);
    pread_ns.push_back(*theirs);
    ratios.push_back(*theirs / *ours);
  }
  result.row_ns = median(row_ns);
  result.pread_ns = median(pread_ns);
  result.pread_ratio = median(ratios);

  auto start = Clock::now();
  store->reset();
  result.save_seconds = seconds_since(start);
  const auto saved = drop_from_page_cache(options.hot_set);
  if (!saved) return saved.error();
  result.hot_set_bytes = *saved;
  start = Clock::now();
  store = TableStore::open(*hasher, tables, options, reader);
  if (!store) return store.error();
  while ((*store)->stats().restored < result.entries) {
    if (seconds_since(start) > 60) {
      return Error{ErrorCode::io, "the hot set did not come back within a minute"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  result.restore_seconds = seconds_since(start);
  return result;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/cold_rows.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "engram/bench/drive_reads.h"
#include "engram/table_map.h"
#include "engram/table_store.h"

namespace mneme {
namespace {

using Clock = std::chrono::steady_clock;
using Keys = std::vector<NgramKey>;

constexpr std::uint64_t kPage = kDrivePageBytes;
constexpr std::uint64_t kBudget = 256 << 20;  // of the store; random n-grams hardly hit
constexpr double kCalibrationSeconds = 0.4;
constexpr double kDriftMax = 0.3;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double processor_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

Keys random_keys(const HashSpec& spec, std::size_t tokens, std::mt19937_64& random) {
  Keys keys;
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::int32_t order = 2; order <= spec.max_ngram_size; ++order) {
      NgramKey& key = keys.emplace_back();
      key.order = order;
      for (std::int32_t k = 0; k < order; ++k) {
        key.classes[static_cast<std::size_t>(k)] = spec.token_map[random() % spec.token_map.size()];
      }
    }
  }
  return keys;
}

// Share of a file that is in the page cache.
double resident_share(const MappedFile& file) {
  std::vector<unsigned char> pages((file.bytes().size() + kPage - 1) / kPage);
  if (::mincore(const_cast<std::byte*>(file.bytes().data()), file.bytes().size(), pages.data()) !=
      0) {
    return 1;
  }
  const auto there =
      std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; });
  return static_cast<double>(there) / static_cast<double>(pages.size());
}

// "some avg10=12.34 ..." as a share.
double cpu_pressure() {
  std::ifstream file("/proc/pressure/cpu");
  std::string word;
  while (file >> word) {
    if (word.rfind("avg10=", 0) == 0) return std::strtod(word.c_str() + 6, nullptr) / 100;
  }
  return 0;
}

// Tables that lie in one file, each row in one piece: only their pages can be read by the drive
// alone.
Result<TableMap> map_in_one_file(const NgramHasher& hasher, std::vector<TableSource> tables) {
  std::vector<std::string> names;
  for (const LayerHash& layer : hasher.spec().layers) {
    names.push_back(fmt::format("layer {}", layer.layer_id));
  }
  if (names.size() != tables.size()) {
    return Error{ErrorCode::corrupt, fmt::format("there are {} tables for {} Engram layers",
                                                 tables.size(), names.size())};
  }
  auto map = TableMap::create(std::move(tables), std::move(names));
  if (!map) return map.error();
  bool simple = map->paths().size() == 1;
  for (std::size_t i = 0; i < map->size(); ++i) simple = simple && map->parts(i) == 1;
  if (!simple) {
    return Error{ErrorCode::unsupported,
                 "only tables that lie in one file, each row in one piece, can be measured"};
  }
  return map;
}

class ColdBench {
 public:
  ColdBench(const NgramHasher& hasher, TableMap map, std::unique_ptr<TableStore> store,
            std::shared_ptr<const MappedFile> mapped, File file, const ColdRowsOptions& options)
      : hasher_(hasher),
        map_(std::move(map)),
        store_(std::move(store)),
        mapped_(std::move(mapped)),
        file_(std::move(file)),
        options_(options),
        orders_(static_cast<std::size_t>(hasher.spec().orders())),
        heads_(static_cast<std::size_t>(hasher.spec().head_count)),
        random_(options.seed) {}

  Status round(ColdRows& result) {
    const Keys tokens = random_keys(hasher_.spec(), options_.tokens, random_);
    const Keys chunk = random_keys(hasher_.spec(), options_.chunk_tokens, random_);
    const std::vector<std::uint64_t> pages = pages_of(chunk);
    const auto before = drive_reads_s(pages);
    if (!before) return before.error();
    ::posix_fadvise(file_.descriptor(), 0, 0, POSIX_FADV_DONTNEED);
    result.resident_share = std::max(result.resident_share, resident_share(*mapped_));

    std::vector<double> token_us;
    double cpu = processor_us();
    for (std::size_t t = 0; t < options_.tokens; ++t) {
      const auto start = Clock::now();
      RETURN_IF_ERROR(fetch(std::span(tokens).subspan(t * orders_, orders_)));
      token_us.push_back(microseconds_since(start));
    }
    const double token_cpu_us = (processor_us() - cpu) / options_.tokens;
    const std::uint64_t reads = store_->stats().reads;
    cpu = processor_us();
    const auto start = Clock::now();
    RETURN_IF_ERROR(fetch(chunk));
    const double chunk_us = microseconds_since(start);
    const double chunk_cpu_us = processor_us() - cpu;
    const auto chunk_reads = static_cast<double>(store_->stats().reads - reads);

    result.cpu_pressure = std::max(result.cpu_pressure, cpu_pressure());
    const auto after = drive_reads_s(pages);
    if (!after) return after.error();
    if (std::abs(*after - *before) > kDriftMax * std::max(*after, *before)) {
      ++result.rounds_dropped;
      return {};
    }
    ++result.rounds_kept;
    drive_reads_s_.push_back((*before + *after) / 2);
    token_us_.push_back(median(token_us));
    all_tokens_us_.insert(all_tokens_us_.end(), token_us.begin(), token_us.end());
    token_cpu_us_.push_back(token_cpu_us);
    chunk_us_.push_back(chunk_us);
    chunk_cpu_us_.push_back(chunk_cpu_us);
    chunk_reads_s_.push_back(chunk_reads / chunk_us * 1e6);
    return {};
  }

  void finish(ColdRows& result) {
    result.reader = store_->stats().reader;
    result.rows_per_token = static_cast<std::uint32_t>(orders_ * heads_ * map_.size());
    result.table_bytes = map_.bytes();
    if (drive_reads_s_.empty()) return;
    const double chunk_rows = double(options_.chunk_tokens) * result.rows_per_token;
    std::ranges::sort(all_tokens_us_);
    result.token_us = median(token_us_);
    result.token_us_p99 = all_tokens_us_[(all_tokens_us_.size() - 1) * 99 / 100];
    result.token_cpu_us = median(token_cpu_us_);
    result.chunk_rows_s = chunk_rows / median(chunk_us_) * 1e6;
    result.chunk_cpu_us = median(chunk_cpu_us_) / chunk_rows;
    result.drive_reads_s = median(drive_reads_s_);
    result.drive_share = paired_ratio(chunk_reads_s_, drive_reads_s_);
  }

 private:
  Status fetch(std::span<const NgramKey> keys) {
    TableStore::Ticket ticket = store_->prefetch(keys);
    for (std::size_t layer = 0; layer < map_.size(); ++layer) {
      rows_.resize(keys.size() * heads_ * store_->row_bytes(layer));
      RETURN_IF_ERROR(store_->wait(ticket, layer, rows_));
    }
    return {};
  }

  // The pages of 4 KiB that hold the rows of `keys`, each once.
  std::vector<std::uint64_t> pages_of(std::span<const NgramKey> keys) const {
    std::vector<std::uint64_t> pages;
    std::vector<RowId> ids(heads_);
    for (std::size_t layer = 0; layer < map_.size(); ++layer) {
      const std::uint64_t bytes = map_.part_bytes(layer, 0);
      for (const NgramKey& key : keys) {
        hasher_.rows(layer, key, ids);
        for (const RowId id : ids) {
          const std::uint64_t begin = map_.locate(layer, 0, id).offset;
          for (std::uint64_t page = begin / kPage; page <= (begin + bytes - 1) / kPage; ++page) {
            pages.push_back(page);
          }
        }
      }
    }
    std::ranges::sort(pages);
    pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
    return pages;
  }

  // At the better of two depths.
  Result<double> drive_reads_s(std::span<const std::uint64_t> pages) {
    double best = 0;
    for (const unsigned depth : {32u, 128u}) {
      DriveReadsOptions options;
      options.depth = depth;
      options.seconds = kCalibrationSeconds;
      options.seed = random_();
      const auto reads = measure_drive_reads(file_.path(), pages, options);
      if (!reads) return reads.error();
      best = std::max(best, reads->per_second);
    }
    return best;
  }

  const NgramHasher& hasher_;
  const TableMap map_;
  const std::unique_ptr<TableStore> store_;
  const std::shared_ptr<const MappedFile> mapped_;
  const File file_;
  const ColdRowsOptions& options_;
  const std::size_t orders_;
  const std::size_t heads_;
  std::mt19937_64 random_;
  std::vector<std::byte> rows_;
  std::vector<double> token_us_, token_cpu_us_, chunk_us_, chunk_cpu_us_;  // [rounds kept]
  std::vector<double> chunk_reads_s_, drive_reads_s_;                      // [rounds kept]
  std::vector<double> all_tokens_us_;
};

}  // namespace

Result<ColdRows> bench_cold_rows(const NgramHasher& hasher, const std::vector<TableSource>& tables,
                                 const ColdRowsOptions& options,
                                 const std::function<void(std::string_view)>& progress,
                                 const std::atomic<bool>* cancel) {
  CHECK(options.rounds > 0 && options.tokens > 0 && options.chunk_tokens > 0);
  auto map = map_in_one_file(hasher, tables);
  if (!map) return map.error();
  const std::string path = map->paths().front();
  TableStoreOptions store_options;
  store_options.budget_bytes = kBudget;
  auto store = TableStore::open(hasher, tables, store_options);
  if (!store) return store.error();
  auto mapped = MappedFile::open(path);
  if (!mapped) return mapped.error();
  auto file = File::open(path);
  if (!file) return file.error();
  ColdBench bench(hasher, std::move(*map), std::move(*store), std::move(*mapped), std::move(*file),
                  options);
  ColdRows result;
  for (std::uint32_t round = 0; round < options.rounds; ++round) {
    if (cancel != nullptr && cancel->load()) return Error{ErrorCode::cancelled, "stopped"};
    if (progress) progress(fmt::format("cold rows: round {} of {}", round + 1, options.rounds));
    RETURN_IF_ERROR(bench.round(result));
  }
  bench.finish(result);
  return result;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/cold_bench.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <utility>

#include "inference/base/check.h"
#include "inference/base/file.h"

namespace mneme {
namespace {

using Clock = std::chrono::steady_clock;
using Keys = std::vector<NgramKey>;

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

// N-grams of classes drawn anew, so that hardly any comes twice.
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
  constexpr std::size_t page_bytes = 4096;
  std::vector<unsigned char> pages((file.bytes().size() + page_bytes - 1) / page_bytes);
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

std::uint64_t digest(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const std::byte byte : bytes)
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3u;
  return hash;
}

struct ArmSamples {
  std::vector<double> token_us, token_cpu_us, chunk_us, chunk_cpu_us;  // [rounds]
  std::vector<double> chunk_reads_s;                                   // [rounds]
  std::vector<double> all_tokens_us;
};

// What one arm did in one round.
struct Turn {
  std::vector<double> token_us;
  double token_cpu_us = 0, chunk_us = 0, chunk_cpu_us = 0;
  std::uint64_t chunk_reads = 0;
  std::uint64_t digest = 0;  // of all that it brought
};

class ColdBench {
 public:
  ColdBench(const ColdTables& tables, const ColdOptions& options)
      : tables_(tables),
        options_(options),
        orders_(static_cast<std::size_t>(tables.hasher->spec().orders())),
        random_(options.seed) {}

  Status open() {
    auto mapped = MappedFile::open(tables_.path());
    if (!mapped) return mapped.error();
    mapped_ = std::move(*mapped);
    auto file = File::open(tables_.path());
    if (!file) return file.error();
    file_ = std::make_unique<File>(std::move(*file));
    auto below = open_thread_pool_arm(tables_, 16);
    if (!below) return below.error();
    below_ = std::move(*below);
    RETURN_IF_ERROR(add(open_store_arm(tables_, TableStoreOptions::Reader::automatic)));
    RETURN_IF_ERROR(add(open_store_arm(tables_, TableStoreOptions::Reader::threads)));
    RETURN_IF_ERROR(add(open_memory_map_arm(tables_)));
    RETURN_IF_ERROR(add(open_thread_pool_arm(tables_, 64)));
    return add(open_aio_lru_arm(tables_));
  }

  Status round(ColdResult& result) {
    const Keys tokens = random_keys(tables_.hasher->spec(), options_.tokens, random_);
    const Keys chunk = random_keys(tables_.hasher->spec(), options_.chunk_tokens, random_);
    // Caches below the system (of the drive, of a virtual machine's host) cannot be emptied: all
    // arms find in them what this turn, which does not count, has brought. No arm takes it: those
    // with a cache of their own would find the rows there.
    Turn unused;
    RETURN_IF_ERROR(take_turn(*below_, tokens, chunk, unused));
    const std::vector<std::uint64_t> pages = pages_of(tables_, chunk);
    const auto before = calibrate(pages);
    if (!before) return before.error();
    std::vector<std::size_t> order(arms_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::shuffle(order, random_);
    std::vector<Turn> turns(arms_.size());
    for (const std::size_t arm : order) {
      for (const auto& each : arms_) each->let_go();
      ::posix_fadvise(file_->descriptor(), 0, 0, POSIX_FADV_DONTNEED);
      result.resident_share = std::max(result.resident_share, resident_share(*mapped_));
      RETURN_IF_ERROR(take_turn(*arms_[arm], tokens, chunk, turns[arm]));
      if (turns[arm].digest != turns[order.front()].digest) {
        return Error{ErrorCode::corrupt,
                     fmt::format("'{}' brought other rows than '{}'", arms_[arm]->name(),
                                 arms_[order.front()]->name())};
      }
    }
    result.cpu_pressure = std::max(result.cpu_pressure, cpu_pressure());
    const auto after = calibrate(pages);
    if (!after) return after.error();
    if (std::abs(*after - *before) > kDriftMax * std::max(*after, *before)) {
      ++result.rounds_dropped;
      return {};
    }
    ++result.rounds_kept;
    drive_reads_s_.push_back((*before + *after) / 2);
    for (std::size_t arm = 0; arm < arms_.size(); ++arm) keep(turns[arm], samples_[arm]);
    return {};
  }

  void finish(ColdResult& result) const {
    result.rows_per_token = static_cast<std::uint32_t>(
        orders_ * static_cast<std::size_t>(tables_.hasher->spec().head_count) * tables_.map.size());
    result.table_bytes = tables_.map.bytes();
    if (drive_reads_s_.empty()) return;
    result.drive_reads_s = median(drive_reads_s_);
    const ArmSamples& ours = samples_.front();
    result.drive_share = paired_ratio(ours.chunk_reads_s, drive_reads_s_);
    for (std::size_t i = 0; i < arms_.size(); ++i) {
      const ArmSamples& samples = samples_[i];
      ColdArmResult arm;
      arm.name = arms_[i]->name();
      arm.token_us = median(samples.token_us);
      std::vector<double> all = samples.all_tokens_us;
      std::ranges::sort(all);
      arm.token_us_p99 = all[(all.size() - 1) * 99 / 100];
      arm.token_cpu_us = median(samples.token_cpu_us);
      const double rows = double(options_.chunk_tokens) * result.rows_per_token;
      arm.chunk_rows_s = rows / median(samples.chunk_us) * 1e6;
      arm.chunk_cpu_us = median(samples.chunk_cpu_us) / rows;
      arm.token_times = paired_ratio(samples.token_us, ours.token_us);
      arm.token_cpu = paired_ratio(samples.token_cpu_us, ours.token_cpu_us);
      arm.chunk_times = paired_ratio(samples.chunk_us, ours.chunk_us);
      result.arms.push_back(std::move(arm));
    }
  }

 private:
  Status add(Result<std::unique_ptr<ColdArm>> arm) {
    if (!arm) return arm.error();
    arms_.push_back(std::move(*arm));
    samples_.emplace_back();
    return {};
  }

  // The drive's own speed on the pages of a chunk, at the better of two depths.
  Result<double> calibrate(std::span<const std::uint64_t> pages) {
    double best = 0;
    for (const unsigned depth : {32u, 128u}) {
      const auto reads =
          drive_reads_per_second(file_->path(), pages, depth, kCalibrationSeconds, random_());
      if (!reads) return reads.error();
      best = std::max(best, *reads);
    }
    return best;
  }

  Status take_turn(ColdArm& arm, const Keys& tokens, const Keys& chunk, Turn& turn) {
    std::vector<std::byte> token_rows(tables_.bytes_per_key() * tokens.size());
    std::vector<std::byte> chunk_rows(tables_.bytes_per_key() * chunk.size());
    const std::size_t token_bytes = tables_.bytes_per_key() * orders_;
    double cpu = processor_us();
    for (std::size_t t = 0; t < options_.tokens; ++t) {
      const auto start = Clock::now();
      RETURN_IF_ERROR(arm.fetch(std::span(tokens).subspan(t * orders_, orders_),
                                std::span(token_rows).subspan(t * token_bytes, token_bytes)));
      turn.token_us.push_back(microseconds_since(start));
    }
    turn.token_cpu_us = (processor_us() - cpu) / options_.tokens;
    const std::uint64_t reads = arm.reads();
    cpu = processor_us();
    const auto start = Clock::now();
    RETURN_IF_ERROR(arm.fetch(chunk, chunk_rows));
    turn.chunk_us = microseconds_since(start);
    turn.chunk_cpu_us = processor_us() - cpu;
    turn.chunk_reads = arm.reads() - reads;
    turn.digest = digest(token_rows) ^ digest(chunk_rows) * 3;
    return {};
  }

  static void keep(const Turn& turn, ArmSamples& samples) {
    samples.token_us.push_back(median(turn.token_us));
    samples.all_tokens_us.insert(samples.all_tokens_us.end(), turn.token_us.begin(),
                                 turn.token_us.end());
    samples.token_cpu_us.push_back(turn.token_cpu_us);
    samples.chunk_us.push_back(turn.chunk_us);
    samples.chunk_cpu_us.push_back(turn.chunk_cpu_us);
    samples.chunk_reads_s.push_back(static_cast<double>(turn.chunk_reads) / turn.chunk_us * 1e6);
  }

  const ColdTables& tables_;
  const ColdOptions& options_;
  const std::size_t orders_;
  std::mt19937_64 random_;
  std::shared_ptr<const MappedFile> mapped_;
  std::unique_ptr<File> file_;
  std::unique_ptr<ColdArm> below_;  // keeps nothing
  std::vector<std::unique_ptr<ColdArm>> arms_;
  std::vector<ArmSamples> samples_;    // [arms]
  std::vector<double> drive_reads_s_;  // [rounds kept]
};

}  // namespace

Result<ColdResult> bench_cold(const ColdTables& tables, const ColdOptions& options,
                              const std::function<void(std::string_view)>& progress,
                              const std::atomic<bool>* cancel) {
  CHECK(options.rounds > 0 && options.tokens > 0 && options.chunk_tokens > 0);
  ColdBench bench(tables, options);
  RETURN_IF_ERROR(bench.open());
  ColdResult result;
  for (std::uint32_t round = 0; round < options.rounds; ++round) {
    if (cancel != nullptr && cancel->load()) return Error{ErrorCode::cancelled, "stopped"};
    if (progress) progress(fmt::format("cold rows: round {} of {}", round + 1, options.rounds));
    RETURN_IF_ERROR(bench.round(result));
  }
  bench.finish(result);
  return result;
}

}  // namespace mneme

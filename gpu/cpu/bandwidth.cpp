// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/bandwidth.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gpu/cpu/cpu_info.h"
#include "gpu/cpu/cpu_memory.h"
#include "gpu/cpu/kernels.h"
#include "gpu/cpu/thread_pool.h"

namespace mneme {
namespace {

constexpr std::size_t kBytes = std::size_t{512} << 20;
constexpr std::size_t kPiece = 1 << 20;
constexpr int kPasses = 10;

struct Reading {
  ThreadPool& pool;
  const Kernels& kernels;
  const unsigned char* bytes;
  std::vector<std::uint64_t> sums;  // [threads]; keeps the reading from being optimised away
};

void read_pieces(void* context, int thread) {
  Reading& reading = *static_cast<Reading*>(context);
  constexpr auto kPieces = static_cast<std::int64_t>(kBytes / kPiece);
  for (;;) {
    const std::int64_t piece = reading.pool.take(thread, kPieces);
    if (piece < 0) break;
    const unsigned char* bytes = reading.bytes + static_cast<std::size_t>(piece) * kPiece;
    reading.sums[static_cast<std::size_t>(thread)] +=
        reading.kernels.read_memory(bytes, static_cast<std::int64_t>(kPiece));
  }
}

}  // namespace

double measure_read_bandwidth_gb_s(int threads) {
  auto buffer = alloc_host_memory(kBytes);
  if (!buffer) return 0;
  std::memset(buffer->host().data(), 1, kBytes);  // pages of its own, not the shared zero page
  ThreadPool pool(std::max(1, threads));
  if (!pool.started()) return 0;
  Reading reading{pool, kernels_named(available_instruction_sets().front()),
                  reinterpret_cast<const unsigned char*>(buffer->host().data()),
                  std::vector<std::uint64_t>(static_cast<std::size_t>(pool.threads()), 0)};
  double best_seconds = 1e9;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(read_pieces, &reading);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best_seconds = std::min(best_seconds, seconds.count());
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t s : reading.sums) sum += s;
  return sum == 0 ? 0 : static_cast<double>(kBytes) / best_seconds / 1e9;
}

}  // namespace mneme

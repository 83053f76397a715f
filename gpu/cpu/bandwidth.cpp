// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/bandwidth.h"

#include <fmt/format.h>

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

constexpr std::size_t kBytesMax = std::size_t{512} << 20;
constexpr std::size_t kBytesMin = std::size_t{64} << 20;  // less may lie in the caches
constexpr std::uint64_t kShareOfFree = 4;                 // at most a quarter of what is free
constexpr std::size_t kPiece = 1 << 20;
constexpr int kPasses = 10;

struct Reading {
  ThreadPool& pool;
  const Kernels& kernels;
  const unsigned char* bytes;
  std::int64_t pieces;
  std::vector<std::uint64_t> sums;  // [threads]; keeps the reading from being optimised away
};

void read_pieces(void* context, int thread) {
  Reading& reading = *static_cast<Reading*>(context);
  for (;;) {
    const std::int64_t piece = reading.pool.take(thread, reading.pieces);
    if (piece < 0) break;
    const unsigned char* bytes = reading.bytes + static_cast<std::size_t>(piece) * kPiece;
    reading.sums[static_cast<std::size_t>(thread)] +=
        reading.kernels.read_memory(bytes, static_cast<std::int64_t>(kPiece));
  }
}

}  // namespace

std::size_t bandwidth_buffer_bytes(std::uint64_t free_bytes) {
  const std::uint64_t bytes =
      std::min<std::uint64_t>(kBytesMax, free_bytes / kShareOfFree / kPiece * kPiece);
  return bytes < kBytesMin ? 0 : static_cast<std::size_t>(bytes);
}

Result<double> measure_read_bandwidth_gb_s(int threads) {
  const std::uint64_t free = host_memory().free_bytes;
  const std::size_t bytes = bandwidth_buffer_bytes(free);
  if (bytes == 0) {
    return Error{
        ErrorCode::out_of_memory,
        fmt::format("only {} MB of RAM are free, and {} MB have to be to measure its speed: "
                    "end another program and try again",
                    free / 1'000'000, kBytesMin * kShareOfFree / 1'000'000)};
  }
  auto buffer = alloc_host_memory(bytes);
  if (!buffer) return buffer.error();
  std::memset(buffer->host().data(), 1, bytes);  // pages of its own, not the shared zero page
  ThreadPool pool(std::max(1, threads));
  RETURN_IF_ERROR(pool.started());
  Reading reading{pool, kernels_named(available_instruction_sets().front()),
                  reinterpret_cast<const unsigned char*>(buffer->host().data()),
                  static_cast<std::int64_t>(bytes / kPiece),
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
  CHECK(sum != 0);
  return static_cast<double>(bytes) / best_seconds / 1e9;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <utility>

#include "base/round_up.h"
#include "base/system_memory.h"

namespace mneme {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

double mib(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

// Of all buffers that are alive.
std::atomic<std::uint64_t> g_given_out = 0;  // bytes

// Of this process's own pages, those that hold something.
std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t mapped = 0, resident = 0, of_files = 0;
  if (!(file >> mapped >> resident >> of_files)) return 0;
  return (resident - std::min(resident, of_files)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

MemoryInfo host_memory_of(const SystemMemory& system) {
  MemoryInfo info;
  info.total_bytes = system.total_bytes;
  info.free_bytes = system.free_bytes;
  const std::uint64_t given_out = g_given_out.load(std::memory_order_relaxed);
  const std::uint64_t unused = given_out - std::min(given_out, resident_bytes());
  // Address space was taken when it was given out, and is counted there already.
  if (system.address_space_left != system.free_bytes) {
    info.free_bytes -= std::min(info.free_bytes, unused);
  }
  return info;
}

}  // namespace

MemoryInfo host_memory() {
  return host_memory_of(system_memory());
}

Result<Buffer> alloc_host_memory(std::size_t bytes) {
  const SystemMemory system = system_memory();
  const MemoryInfo memory = host_memory_of(system);
  const auto refuse = [&] {
    // What one piece needs and what all of them may have are two things where space is in pieces.
    const bool fits = bytes <= memory.free_bytes;
    return Error{
        ErrorCode::out_of_memory,
        fmt::format("{:.0f} MiB of memory are needed and {}{:.0f} MiB are free{}: {}, or choose a "
                    "smaller model or context",
                    mib(bytes), fits ? "not to be had in one piece, although " : "",
                    mib(memory.free_bytes), system.where,
                    system.where.empty() ? "close other programs" : "raise that limit")};
  };
  // The kernel promises more than it has, so a mapping that would not fit is refused here.
  if (memory.total_bytes > 0 && bytes > memory.free_bytes) return refuse();
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) return refuse();
  // Large pieces begin on a large page.
  const std::size_t size = std::max<std::size_t>(bytes, 1);
  const std::size_t slack = size >= kHugePage ? kHugePage : 0;
  void* mapped =
      mmap(nullptr, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return refuse();
  const auto at = reinterpret_cast<std::uint64_t>(mapped);
  const std::uint64_t start = slack > 0 ? round_up(at, slack) : at;
  if (slack > 0) madvise(mapped, size + slack, MADV_HUGEPAGE);  // a wish; small pages work too
  g_given_out += size;
  return Buffer(start, bytes, reinterpret_cast<std::byte*>(start),
                [at, size, slack](std::uint64_t) {
                  munmap(reinterpret_cast<void*>(at), size + slack);
                  g_given_out -= size;
                });
}

Result<Buffer> HostArena::alloc(std::size_t bytes) {
  constexpr std::size_t kChunk = 4 * kHugePage;
  constexpr std::size_t kAlign = 64;
  if (bytes > kChunk / 2) return alloc_host_memory(bytes);
  const std::size_t size = std::max(kAlign, round_up(bytes, kAlign));
  if (!chunk_ || used_ + size > kChunk) {
    auto chunk = alloc_host_memory(kChunk);
    if (!chunk) return alloc_host_memory(bytes);  // little is left, perhaps enough
    chunk_ = std::make_shared<Buffer>(std::move(*chunk));
    used_ = 0;
  }
  std::byte* data = chunk_->host().data() + used_;
  used_ += size;
  return Buffer(reinterpret_cast<std::uint64_t>(data), bytes, data,
                [keep = chunk_](std::uint64_t) {});
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

namespace mneme {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::uint64_t read_number(const char* path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  file >> value;  // "max" and a missing file leave 0
  return file ? value : 0;
}

double mib(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace

MemoryInfo host_memory() {
  MemoryInfo info;
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::string rest;
  std::uint64_t kib = 0;
  while (file >> key >> kib && std::getline(file, rest)) {
    if (key == "MemTotal:") info.total_bytes = kib * 1024;
    if (key == "MemAvailable:") info.free_bytes = kib * 1024;
  }
  const std::uint64_t limit = read_number("/sys/fs/cgroup/memory.max");
  if (limit > 0 && limit < info.total_bytes) {
    const std::uint64_t used = read_number("/sys/fs/cgroup/memory.current");
    info.total_bytes = limit;
    info.free_bytes = std::min(info.free_bytes, limit - std::min(limit, used));
  }
  return info;
}

Result<Buffer> alloc_host_memory(std::size_t bytes) {
  const MemoryInfo memory = host_memory();
  const auto refuse = [&] {
    return Error{ErrorCode::out_of_memory,
                 fmt::format("{:.0f} MiB of memory are needed and {:.0f} MiB are free: close other "
                             "programs, or choose a smaller model or context",
                             mib(bytes), mib(memory.free_bytes))};
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
  const std::uint64_t start = slack > 0 ? (at + slack - 1) / slack * slack : at;
  if (slack > 0) madvise(mapped, size + slack, MADV_HUGEPAGE);  // a wish; small pages work too
  return Buffer(
      start, bytes, reinterpret_cast<std::byte*>(start),
      [at, size, slack](std::uint64_t) { munmap(reinterpret_cast<void*>(at), size + slack); });
}

Result<Buffer> HostArena::alloc(std::size_t bytes) {
  constexpr std::size_t kChunk = 4 * kHugePage;
  constexpr std::size_t kAlign = 64;
  if (bytes > kChunk / 2) return alloc_host_memory(bytes);
  const std::size_t size = std::max<std::size_t>(1, (bytes + kAlign - 1) / kAlign) * kAlign;
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

// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

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
  const std::size_t size = std::max<std::size_t>(bytes, 1);
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return refuse();
  if (size >= kHugePage) madvise(data, size, MADV_HUGEPAGE);  // a wish; small pages work too
  return Buffer(reinterpret_cast<std::uint64_t>(data), bytes, static_cast<std::byte*>(data),
                [size](std::uint64_t handle) { munmap(reinterpret_cast<void*>(handle), size); });
}

}  // namespace mneme

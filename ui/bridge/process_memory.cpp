// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/process_memory.h"

#include <unistd.h>

#include <cstdio>

namespace mneme {

std::uint64_t processMemoryBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long size = 0;
  unsigned long long resident = 0;
  const int read = std::fscanf(file, "%llu %llu", &size, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace mneme

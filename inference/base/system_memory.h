// SPDX-License-Identifier: Apache-2.0
// How much memory there is for this process: what the machine has, what the control groups allow
// that it runs in (containers, systemd), and what its own limit of address space leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mneme {

struct SystemMemory {
  std::uint64_t total_bytes = 0;  // of the machine, or of the smallest control group
  // That could still be had: pages of files that can be read again count as free.
  std::uint64_t free_bytes = 0;
  // Of RLIMIT_AS (`ulimit -v`), counted in free_bytes too; none = it is not limited.
  std::optional<std::uint64_t> address_space_left;
  // What leaves no more than free_bytes, to stand behind "are free": "", " in the control group of
  // this program", " of its address space (ulimit -v)".
  std::string_view where;
};

// Where the kernel tells; tests bring trees of their own.
struct MemorySources {
  std::string proc = "/proc";
  std::string groups = "/sys/fs/cgroup";
};

// Reads some small files, and so is nothing for an inner loop. What cannot be read sets no limit.
SystemMemory system_memory(const MemorySources& sources = {});

}  // namespace mneme

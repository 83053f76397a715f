// SPDX-License-Identifier: Apache-2.0
#include "base/system_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <sstream>

namespace mneme {
namespace {

std::uint64_t left_of(std::uint64_t limit, std::uint64_t used) {
  return limit - std::min(limit, used);
}

// A file that holds one number; "max" and a missing file are none.
std::optional<std::uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

// The sum of some lines of a file of "name value".
std::uint64_t sum_of(const std::string& path, std::initializer_list<std::string_view> names) {
  std::ifstream file(path);
  std::uint64_t sum = 0;
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value) {
    if (std::ranges::find(names, name) != names.end()) sum += value;
  }
  return sum;
}

struct Group {
  std::uint64_t limit = 0;
  std::uint64_t used = 0;  // without what the kernel would give up by itself
};

std::optional<Group> read_group_v2(const std::string& folder) {
  const auto max = read_number(folder + "/memory.max");
  const auto high = read_number(folder + "/memory.high");  // beyond it a process is held back
  const auto used = read_number(folder + "/memory.current");
  if ((!max && !high) || !used) return std::nullopt;
  constexpr auto kNone = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t files =
      sum_of(folder + "/memory.stat", {"inactive_file", "active_file", "slab_reclaimable"});
  return Group{std::min(max.value_or(kNone), high.value_or(kNone)), left_of(*used, files)};
}

std::optional<Group> read_group_v1(const std::string& folder) {
  const auto limit = read_number(folder + "/memory.limit_in_bytes");
  const auto used = read_number(folder + "/memory.usage_in_bytes");
  if (!limit || !used) return std::nullopt;
  const std::uint64_t files =
      sum_of(folder + "/memory.stat", {"total_inactive_file", "total_active_file"});
  return Group{*limit, left_of(*used, files)};
}

// The control group and those above it, each of which has a limit of its own. In a container the
// path may be one that only the host knows: then its root is the container's group.
template <typename Read>
void look_at_groups(const std::string& root, std::string path, Read read, SystemMemory& memory) {
  if (path.find("..") != std::string::npos) path.clear();
  while (path.ends_with('/')) path.pop_back();
  for (;;) {
    if (const auto group = read(root + path)) {
      const std::uint64_t left = left_of(group->limit, group->used);
      memory.total_bytes = std::min(memory.total_bytes, group->limit);
      if (left < memory.free_bytes) {
        memory.free_bytes = left;
        memory.where = " in the control group of this program";
      }
    }
    if (path.empty()) return;
    path.resize(path.rfind('/'));
  }
}

void look_at_machine(const std::string& proc, SystemMemory& memory) {
  std::ifstream file(proc + "/meminfo");
  std::string name, rest;
  std::uint64_t kib = 0;
  while (file >> name >> kib && std::getline(file, rest)) {
    if (name == "MemTotal:") memory.total_bytes = kib * 1024;
    if (name == "MemAvailable:") memory.free_bytes = kib * 1024;
  }
}

// In a list with commas.
bool names_memory(std::string_view controllers) {
  constexpr std::string_view kMemory = "memory";
  const std::size_t at = controllers.find(kMemory);
  if (at == std::string_view::npos) return false;
  const std::size_t end = at + kMemory.size();
  return (at == 0 || controllers[at - 1] == ',') &&
         (end == controllers.size() || controllers[end] == ',');
}

// Lines of "number:controllers:path"; no controllers is version 2.
void look_at_groups(const MemorySources& sources, SystemMemory& memory) {
  std::ifstream file(sources.proc + "/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string path = line.substr(second + 1);
    const std::string_view controllers(line.data() + first + 1, second - first - 1);
    if (controllers.empty()) {
      look_at_groups(sources.groups, path, read_group_v2, memory);
    } else if (names_memory(controllers)) {
      look_at_groups(sources.groups + "/memory", path, read_group_v1, memory);
    }
  }
}

void look_at_address_space(const std::string& proc, SystemMemory& memory) {
  constexpr std::string_view kLine = "Max address space";
  std::ifstream limits(proc + "/self/limits");
  std::string line;
  while (std::getline(limits, line) && !line.starts_with(kLine)) {
  }
  if (!line.starts_with(kLine)) return;
  std::istringstream numbers(line.substr(kLine.size()));
  std::uint64_t limit = 0;
  if (!(numbers >> limit)) return;                       // "unlimited"
  const auto pages = read_number(proc + "/self/statm");  // the first number: all that is mapped
  if (!pages) return;
  memory.address_space_left =
      left_of(limit, *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  if (*memory.address_space_left >= memory.free_bytes) return;
  memory.free_bytes = *memory.address_space_left;
  memory.where = " of its address space (ulimit -v)";
}

}  // namespace

SystemMemory system_memory(const MemorySources& sources) {
  SystemMemory memory;
  look_at_machine(sources.proc, memory);
  look_at_groups(sources, memory);
  look_at_address_space(sources.proc, memory);
  return memory;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/numa.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <fstream>
#include <string>

namespace mneme {
namespace {

constexpr int kNodesMax = 1024;  // the kernel's own limit (MAX_NUMNODES)

}  // namespace

std::vector<int> parse_node_list(std::string_view text) {
  std::vector<int> nodes;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    int first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc()) break;
    int last = first;
    if (read.ptr < end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
      if (read.ec != std::errc()) break;
    }
    if (first < 0 || last < first || last >= kNodesMax) break;
    for (int node = first; node <= last; ++node) nodes.push_back(node);
    if (read.ptr == end || *read.ptr != ',') break;
    at = read.ptr + 1;
  }
  return nodes;
}

std::vector<int> memory_nodes() {
  std::ifstream file("/sys/devices/system/node/has_memory");
  std::string line;
  std::getline(file, line);
  auto nodes = parse_node_list(line);
  if (nodes.empty()) nodes.push_back(0);
  return nodes;
}

Status check_memory_node(int node) {
  const auto nodes = memory_nodes();
  if (std::ranges::find(nodes, node) != nodes.end()) return {};
  return Error{ErrorCode::invalid,
               fmt::format("there is no NUMA node {} with memory: this machine has {} {}", node,
                           nodes.size() == 1 ? "node" : "nodes", fmt::join(nodes, ", "))};
}

Status place_on_node(std::byte* begin, std::size_t bytes, int node) {
  constexpr std::size_t kBits = CHAR_BIT * sizeof(unsigned long);
  std::array<unsigned long, kNodesMax / kBits> mask{};
  mask[static_cast<std::size_t>(node) / kBits] |= 1ul << (static_cast<std::size_t>(node) % kBits);
  // Preferred, not bound: where the node is full a bound page would end in the system killing us.
  if (::syscall(SYS_mbind, begin, bytes, MPOL_PREFERRED, mask.data(), kNodesMax + 1, 0) == 0) {
    return {};
  }
  return Error{ErrorCode::unsupported,
               fmt::format("the system does not place memory on NUMA node {}: {}", node,
                           std::strerror(errno))};
}

}  // namespace mneme

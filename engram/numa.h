// SPDX-License-Identifier: Apache-2.0
// Memory of one NUMA node: another socket's, or memory behind CXL, which the system shows as a node
// without processors. Any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mneme {

// "0-2,5" -> 0, 1, 2, 5: how the kernel lists nodes. What is no number ends the list.
std::vector<int> parse_node_list(std::string_view text);

// Those that have memory, ascending; node 0 alone where the kernel knows of none.
std::vector<int> memory_nodes();

// Errors: invalid, naming the nodes there are.
Status check_memory_node(int node);

// Pages in [begin, begin + bytes) that are touched from now on come from `node` while it has free
// ones, else from the others. `begin` is the start of a page. Errors: unsupported (the kernel
// refuses).
Status place_on_node(std::byte* begin, std::size_t bytes, int node);

}  // namespace mneme

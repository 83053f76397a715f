// SPDX-License-Identifier: Apache-2.0
// Counts what a thread of the test executable asks of the heap.
#pragma once

#include <cstdint>

namespace mneme {

std::uint64_t allocations_of_this_thread();

}  // namespace mneme

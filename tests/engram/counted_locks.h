// SPDX-License-Identifier: Apache-2.0
// Counts the mutexes that a thread of the test executable locks.
#pragma once

#include <cstdint>

namespace mneme {

// False under a sanitizer, which does the same trick for itself.
bool locks_are_counted();
std::uint64_t locks_of_this_thread();

}  // namespace mneme

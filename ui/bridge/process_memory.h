// SPDX-License-Identifier: Apache-2.0
// What this process holds of the machine's RAM, as the system counts it. Any thread.
#pragma once

#include <cstdint>

namespace mneme {
std::uint64_t processMemoryBytes();  // resident; 0 = the system does not say
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace mneme {

// Drawn once a process, so that no file can be made whose keys all meet in one slot of a table.
std::uint64_t hash_seed();

}  // namespace mneme

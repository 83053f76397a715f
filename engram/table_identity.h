// SPDX-License-Identifier: Apache-2.0
// Which tables rows were read from, for files that keep copies of rows (HOTSET.md, RECORDLOG.md).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "engram/hash_spec.h"
#include "engram/table_map.h"

namespace mneme {

// XXH3-64 over multipliers, primes and row places, and over size, time of the last change, inode
// and first 64 KiB of each file: changes when a file is replaced or written to, or when its rows
// are addressed in another way. Errors: io.
Result<std::uint64_t> table_identity(const HashSpec& spec, const TableMap& map);

}  // namespace mneme

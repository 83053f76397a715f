// SPDX-License-Identifier: Apache-2.0
#include "engram/row_checksum.h"

#include <xxhash.h>

namespace mneme {

std::uint32_t row_checksum(std::uint64_t salt, std::uint64_t row,
                           std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), salt + row));
}

}  // namespace mneme

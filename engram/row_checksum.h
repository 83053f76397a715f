// SPDX-License-Identifier: Apache-2.0
// The checksum behind each row of a pack with pages (PACK.md). It covers the row's place too, so
// that a right row in the wrong place is found. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mneme {

// Which of the rows that have a checksum are compared with it as they come from storage.
enum class VerifyRows : std::uint8_t { off, sampled, always };

constexpr std::uint32_t kRowChecksumBytes = 4;  // little-endian

// The low half of XXH3-64 over the row's bytes, seeded with salt + row.
std::uint32_t row_checksum(std::uint64_t salt, std::uint64_t row, std::span<const std::byte> bytes);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Primality of 64-bit numbers, proven (no probable primes): bucket sizes are primes found by
// search.
#pragma once

#include <cstdint>

namespace mneme {

bool is_prime(std::uint64_t n);

// The smallest prime above n; n below 2^63, where one surely exists in 64 bits.
std::uint64_t next_prime(std::uint64_t n);

}  // namespace mneme

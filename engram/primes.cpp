// SPDX-License-Identifier: Apache-2.0
#include "engram/primes.h"

#include <bit>
#include <initializer_list>

#include "base/check.h"

namespace mneme {
namespace {

std::uint64_t multiply_mod(std::uint64_t a, std::uint64_t b, std::uint64_t n) {
  __extension__ using Word = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Word>(a) * b % n);
}

std::uint64_t power_mod(std::uint64_t base, std::uint64_t exponent, std::uint64_t n) {
  std::uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply_mod(result, base, n);
    base = multiply_mod(base, base, n);
  }
  return result;
}

bool is_witness(std::uint64_t base, std::uint64_t odd, int twos, std::uint64_t n) {
  std::uint64_t x = power_mod(base, odd, n);
  if (x == 1 || x == n - 1) return false;
  for (int i = 1; i < twos; ++i) {
    x = multiply_mod(x, x, n);
    if (x == n - 1) return false;
  }
  return true;
}

}  // namespace

bool is_prime(std::uint64_t n) {
  if (n < 2) return false;
  // Miller-Rabin with the first twelve primes has no exception below 3.3e24, so none in 64 bits.
  const auto bases = {2u, 3u, 5u, 7u, 11u, 13u, 17u, 19u, 23u, 29u, 31u, 37u};
  for (const std::uint64_t base : bases) {
    if (n % base == 0) return n == base;
  }
  const int twos = std::countr_zero(n - 1);
  for (const std::uint64_t base : bases) {
    if (is_witness(base, (n - 1) >> twos, twos, n)) return false;
  }
  return true;
}

std::uint64_t next_prime(std::uint64_t n) {
  CHECK(n < std::uint64_t{1} << 63);
  do {
    ++n;
  } while (!is_prime(n));
  return n;
}

}  // namespace mneme

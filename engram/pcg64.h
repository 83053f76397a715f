// SPDX-License-Identifier: Apache-2.0
// The generator behind numpy.random.default_rng(seed) for non-negative 64-bit seeds: SeedSequence,
// then PCG64 (XSL-RR 128/64). Hash multipliers are drawn from it (SPEC.md, section 2).
#pragma once

#include <cstdint>

namespace mneme {

class Pcg64 {
 public:
  explicit Pcg64(std::uint64_t seed);

  std::uint64_t next64();  // bit_generator.random_raw()

  // Uniform in [0, bound), bound >= 1: integers(0, bound, dtype=int64), numpy's 32-bit path for
  // bounds up to 2^32 included.
  std::uint64_t below(std::uint64_t bound);

 private:
  __extension__ using Word = unsigned __int128;

  void step();
  std::uint32_t next32();  // low half of a 64-bit draw first, the high half is kept for the next

  Word state_ = 0;
  Word increment_ = 0;
  std::uint32_t kept_ = 0;
  bool has_kept_ = false;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The ghost queue of S3-FIFO: the n-grams that left the small queue lately. Its answers are hints,
// so 32 bits of each hash are enough; they are in a table of fixed size, with the time of leaving.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace mneme {

class GhostList {
 public:
  static constexpr std::size_t kBytesPerEntry = 8;

  // Forgets everything, then remembers about `entries`. False: no memory, nothing changed.
  [[nodiscard]] bool reset(std::size_t entries);
  void clear();  // forgets everything, and remembers as many as before from now on

  void add(std::uint64_t hash);
  // True if it was added within the last `entries` additions; it is forgotten then.
  bool take(std::uint64_t hash);

 private:
  struct Ghost {
    std::uint32_t print = 0;  // of the hash, never 0
    std::uint32_t time = 0;   // additions before it, wraps
  };
  static constexpr std::size_t kWays = 4;

  Ghost* bucket(std::uint64_t hash) const;

  struct Free {
    void operator()(Ghost* ghosts) const { std::free(ghosts); }
  };
  std::unique_ptr<Ghost, Free> ghosts_;  // [buckets, kWays]
  std::size_t buckets_ = 0;
  std::uint32_t entries_ = 0;
  std::uint32_t now_ = 0;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/text/text_hash.h"

#include <random>

namespace mneme {

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32 | device();
  }();
  return seed;
}

}  // namespace mneme

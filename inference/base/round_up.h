// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace mneme {

// The smallest multiple of `unit` (not 0) that is at least `bytes`.
constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace mneme

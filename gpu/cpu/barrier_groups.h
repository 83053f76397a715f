// SPDX-License-Identifier: Apache-2.0
// Which phases of a plan run between two barriers of the threads. A barrier costs about as much as
// a small op, so phases that need no barrier between them form a group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mneme {

// What a phase touches, by tensor number.
struct PhaseUse {
  bool by_token = false;  // its items are tokens
  bool output_rows = false;  // .. or output tokens
  std::vector<std::uint32_t> reads;
  std::vector<std::uint32_t> reads_across;  // rows of other tokens too
  std::vector<std::uint32_t> writes;
};

struct BarrierGroup {
  std::size_t first = 0;  // phases [first, end)
  std::size_t end = 0;
  // true: a thread takes tokens and runs all phases of the group on them, one after the other.
  // false: the phases do not depend on each other, and a thread takes pieces of any of them.
  bool by_token = false;
};

// `starts`: phases that must begin a group, ascending (where segments begin).
std::vector<BarrierGroup> group_phases(std::span<const PhaseUse> phases,
                                       std::span<const std::size_t> starts);

}  // namespace mneme

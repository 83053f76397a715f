// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/barrier_groups.h"

#include <algorithm>

namespace mneme {
namespace {

using Ids = std::vector<std::uint32_t>;

bool overlap(const Ids& a, const Ids& b) {
  return std::any_of(a.begin(), a.end(), [&](std::uint32_t id) {
    return std::find(b.begin(), b.end(), id) != b.end();
  });
}

// Running both token by token is safe: what `later` reads of other tokens was written before the
// group.
bool can_follow_by_token(const PhaseUse& earlier, const PhaseUse& later) {
  return earlier.by_token && later.by_token && earlier.output_rows == later.output_rows &&
         !overlap(earlier.writes, later.reads_across) &&
         !overlap(earlier.reads_across, later.writes);
}

bool independent(const PhaseUse& a, const PhaseUse& b) {
  return !overlap(a.writes, b.reads) && !overlap(a.writes, b.reads_across) &&
         !overlap(a.writes, b.writes) && !overlap(a.reads, b.writes) &&
         !overlap(a.reads_across, b.writes);
}

}  // namespace

std::vector<BarrierGroup> group_phases(std::span<const PhaseUse> phases,
                                       std::span<const std::size_t> starts) {
  std::vector<BarrierGroup> groups;
  for (std::size_t p = 0; p < phases.size(); ++p) {
    const bool must_start = std::binary_search(starts.begin(), starts.end(), p);
    if (!groups.empty() && !must_start) {
      BarrierGroup& group = groups.back();
      const auto all = [&](auto&& fits) {
        for (std::size_t i = group.first; i < group.end; ++i) {
          if (!fits(phases[i], phases[p])) return false;
        }
        return true;
      };
      const bool alone = group.end - group.first == 1;
      const bool by_token = (alone || group.by_token) && all(can_follow_by_token);
      if (by_token || ((alone || !group.by_token) && all(independent))) {
        group.by_token = by_token;
        group.end = p + 1;
        continue;
      }
    }
    groups.push_back(BarrierGroup{p, p + 1, true});
  }
  return groups;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/batches.h"

#include <algorithm>

namespace mneme {
namespace {

using Ids = std::vector<std::uint32_t>;

bool meet(const Ids& a, const Ids& b) {
  return std::any_of(a.begin(), a.end(), [&](std::uint32_t id) {
    return std::find(b.begin(), b.end(), id) != b.end();
  });
}

// Row by row in order is safe: whatever `later` reads of other tokens was there before the batch.
bool can_follow_by_token(const PhaseUse& earlier, const PhaseUse& later) {
  return earlier.by_token && later.by_token && earlier.outputs_only == later.outputs_only &&
         !meet(earlier.writes, later.reads_across) && !meet(earlier.reads_across, later.writes);
}

bool independent(const PhaseUse& a, const PhaseUse& b) {
  return !meet(a.writes, b.reads) && !meet(a.writes, b.reads_across) && !meet(a.writes, b.writes) &&
         !meet(a.reads, b.writes) && !meet(a.reads_across, b.writes);
}

}  // namespace

std::vector<Batch> group_phases(std::span<const PhaseUse> phases,
                                std::span<const std::size_t> starts) {
  std::vector<Batch> batches;
  for (std::size_t p = 0; p < phases.size(); ++p) {
    const bool must_start = std::binary_search(starts.begin(), starts.end(), p);
    if (!batches.empty() && !must_start) {
      Batch& batch = batches.back();
      const auto all = [&](auto&& fits) {
        for (std::size_t i = batch.first; i < batch.end; ++i) {
          if (!fits(phases[i], phases[p])) return false;
        }
        return true;
      };
      const bool alone = batch.end - batch.first == 1;
      const bool chain = (alone || batch.chain) && all(can_follow_by_token);
      if (chain || ((alone || !batch.chain) && all(independent))) {
        batch.chain = chain;
        batch.end = p + 1;
        continue;
      }
    }
    batches.push_back(Batch{p, p + 1, true});
  }
  return batches;
}

}  // namespace mneme

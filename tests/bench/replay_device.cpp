// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/replay_device.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "engram/bench/thread_seconds.h"
#include "engram/device_row_cache_policy.h"

namespace mneme {

DeviceShare replay_device(const KeyStream& stream, std::uint64_t ngram_bytes, std::uint64_t budget,
                          std::size_t step_tokens) {
  CHECK(stream.tokens > 1 && step_tokens > 0 && budget >= ngram_bytes);
  DeviceRowCachePolicy policy(static_cast<std::uint32_t>(
      std::min<std::uint64_t>(budget / ngram_bytes, DeviceRowCachePolicy::kEntriesMax)));
  DeviceRowCachePolicy::Step step;
  std::vector<NgramKey> keys;
  const std::size_t orders = stream.orders();
  const std::size_t half = stream.tokens / 2 * orders;
  std::uint64_t asked = 0;
  std::uint64_t cached = 0;
  std::uint64_t transferred = 0;
  double seconds = 0;
  for (std::size_t first = 0; first < stream.accesses.size();) {
    std::size_t end = std::min(stream.accesses.size(), first + step_tokens * orders);
    if (first < half) end = std::min(end, half);  // whole steps are counted, or not
    keys.clear();
    for (std::size_t i = first; i < end; ++i) keys.push_back(stream.keys[stream.accesses[i]]);
    const double start = thread_seconds();
    policy.plan(keys, step);
    seconds += thread_seconds() - start;
    step.done();
    if (first >= half) {
      asked += keys.size();
      transferred += step.misses().size();
      cached += static_cast<std::uint64_t>(std::ranges::count_if(
          step.locations(),
          [](const DeviceRowCachePolicy::RowLocation& location) { return location.from < 0; }));
    }
    first = end;
  }
  const auto all = static_cast<double>(asked);
  DeviceShare share;
  share.cached = static_cast<double>(cached) / all;
  share.repeated = static_cast<double>(asked - cached - transferred) / all;
  share.ngrams_transferred = static_cast<double>(transferred) / all * static_cast<double>(orders);
  share.ns_per_ngram = seconds * 1e9 / static_cast<double>(stream.accesses.size());
  return share;
}

}  // namespace mneme

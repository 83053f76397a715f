// SPDX-License-Identifier: Apache-2.0
#include "engram/hit_curve.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace mneme {
namespace {

constexpr std::uint64_t kBudgetMin = 1 << 20;

// Independent of the bits that the cache's index and the miniatures use: a full mix.
std::uint64_t remixed(std::uint64_t hash) {
  hash = (hash ^ 0x6A09E667F3BCC909u) * 0xFF51AFD7ED558CCDu;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53u;
  return hash ^ (hash >> 33);
}

}  // namespace

HitCurve::HitCurve(std::uint64_t entry_bytes, std::uint64_t table_bytes, std::uint64_t window)
    : window_(window), until_halved_(window) {
  CHECK(entry_bytes > 0);
  const std::uint64_t last = std::bit_ceil(std::max(table_bytes, kBudgetMin));
  const std::uint64_t first = std::max(kBudgetMin, last >> (HitCurvePoints::kMax - 1));
  for (std::uint64_t budget = first; budget <= last; budget *= 2) {
    const std::uint64_t entries = std::max<std::uint64_t>(1, budget / entry_bytes);
    int shift = 0;
    while ((entries >> shift) > kEntriesOfOne) ++shift;
    miniatures_.push_back(
        {budget, shift, MiniatureCache(static_cast<std::uint32_t>(entries >> shift))});
  }
}

void HitCurve::access(std::uint64_t hash) {
  hash = remixed(hash);
  const int zeros = std::countr_zero(hash);
  for (Miniature& miniature : miniatures_) {
    if (miniature.shift > zeros) break;
    miniature.asked.add(1);
    if (miniature.cache.access(hash)) miniature.hits.add(1);
  }
  lookups_.add(1);
  if (window_ == 0 || --until_halved_ > 0) return;
  until_halved_ = window_;
  lookups_.set(lookups_.get() / 2);
  for (Miniature& miniature : miniatures_) {
    miniature.asked.set(miniature.asked.get() / 2);
    miniature.hits.set(miniature.hits.get() / 2);
  }
}

void HitCurve::preload(std::uint64_t hash) {
  hash = remixed(hash);
  const int zeros = std::countr_zero(hash);
  for (Miniature& miniature : miniatures_) {
    if (miniature.shift > zeros) break;
    miniature.cache.access(hash);
  }
}

void HitCurve::forget_counts() {
  lookups_.set(0);
  until_halved_ = window_;
  for (Miniature& miniature : miniatures_) {
    miniature.asked.set(0);
    miniature.hits.set(0);
  }
}

HitCurvePoints HitCurve::points() const {
  HitCurvePoints out;
  out.lookups = lookups_.get();
  double below = 0;
  for (const Miniature& miniature : miniatures_) {
    // A sample that by chance holds the commonest n-gram, or lacks it, has too many or too few
    // look-ups; what differs from the expected number would have been hits (SHARDS-adj).
    const double expected = out.lookups / std::exp2(miniature.shift);
    const double hits = miniature.hits.get() + expected - miniature.asked.get();
    const double rate = expected > 0 ? std::clamp(hits / expected, 0.0, 1.0) : 0.0;
    // More RAM never gives fewer hits; the samples are too small to say otherwise.
    below = std::max(below, rate);
    out.points[out.count++] = {miniature.budget_bytes, below};
  }
  return out;
}

}  // namespace mneme

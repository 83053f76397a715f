// SPDX-License-Identifier: Apache-2.0
// The hit rates of other budgets, estimated while the store runs: for each budget a miniature cache
// sees a sample of the n-grams, always the same ones, and is smaller by the same factor (miniature
// simulation; SHARDS, Waldspurger et al., FAST 2015). One thread, but any may call points().
#pragma once

#include <cstdint>
#include <vector>

#include "engram/miniature_cache.h"
#include "engram/one_writer.h"
#include "engram/tier_stats.h"

namespace mneme {

class HitCurve {
 public:
  static constexpr std::uint32_t kEntriesOfOne = 4096;  // at most, of a miniature

  // Budgets from 1 MiB (or a small share of large tables) up to where all of `table_bytes` fits.
  // `entry_bytes`: what a budget pays for one n-gram. The rates forget what is older than about
  // `window` look-ups; 0 = nothing.
  HitCurve(std::uint64_t entry_bytes, std::uint64_t table_bytes, std::uint64_t window);

  void access(std::uint64_t hash);   // of an n-gram that is looked up
  void preload(std::uint64_t hash);  // of one that came into the cache without being asked for
  void forget_counts();              // the caches stay as they are

  HitCurvePoints points() const;

 private:
  struct Miniature {
    std::uint64_t budget_bytes;
    int shift;  // one n-gram of 2^shift is seen
    MiniatureCache cache;
    OneWriter<double> asked;
    OneWriter<double> hits;
  };

  std::vector<Miniature> miniatures_;  // ascending budgets, so ascending shifts
  const std::uint64_t window_;
  OneWriter<double> lookups_;
  std::uint64_t until_halved_;
};

}  // namespace mneme

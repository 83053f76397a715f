// SPDX-License-Identifier: Apache-2.0
#include "engram/row_cache_ghosts.h"

#include <algorithm>
#include <utility>

namespace mneme {
namespace {

std::uint32_t ghost_print(std::uint64_t hash) {
  const auto print = static_cast<std::uint32_t>(hash);
  return print == 0 ? 1 : print;
}

}  // namespace

bool GhostList::reset(std::size_t entries) {
  const std::size_t buckets = entries / kWays;
  // Large ones come from the system as zeros that cost nothing until they are used.
  std::unique_ptr<Ghost, Free> fresh;
  if (buckets > 0) {
    fresh.reset(static_cast<Ghost*>(std::calloc(buckets * kWays, sizeof(Ghost))));
    if (fresh == nullptr) return false;
  }
  ghosts_ = std::move(fresh);
  buckets_ = buckets;
  entries_ = static_cast<std::uint32_t>(entries);
  now_ = 0;
  return true;
}

void GhostList::clear() {
  std::fill_n(ghosts_.get(), buckets_ * kWays, Ghost{});
  now_ = 0;
}

GhostList::Ghost* GhostList::bucket(std::uint64_t hash) const {
  // The upper half chooses the bucket, the lower half is the print.
  const std::size_t index = ((hash >> 32) * buckets_) >> 32;
  return ghosts_.get() + index * kWays;
}

void GhostList::add(std::uint64_t hash) {
  if (buckets_ == 0) return;
  const std::uint32_t print = ghost_print(hash);
  Ghost* const ways = bucket(hash);
  Ghost* victim = ways;
  for (Ghost* ghost = ways; ghost != ways + kWays; ++ghost) {
    if (ghost->print == print || ghost->print == 0) {
      victim = ghost;
      break;
    }
    if (now_ - ghost->time > now_ - victim->time) victim = ghost;
  }
  *victim = {print, now_++};
}

bool GhostList::take(std::uint64_t hash) {
  if (buckets_ == 0) return false;
  const std::uint32_t print = ghost_print(hash);
  Ghost* const ways = bucket(hash);
  const auto found =
      std::find_if(ways, ways + kWays, [&](const Ghost& ghost) { return ghost.print == print; });
  if (found == ways + kWays) return false;
  const bool lately = now_ - found->time <= entries_;
  *found = {};
  return lately;
}

}  // namespace mneme

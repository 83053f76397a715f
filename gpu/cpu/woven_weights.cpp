// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/woven_weights.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/round_up.h"
#include "gpu/cpu/cpu_memory.h"

namespace mneme {
namespace {

constexpr std::size_t kAlign = 64;

bool same(const WovenWeight& known, const WovenWeight& weight) {
  return known.buffer == weight.buffer && known.tensor.data == weight.tensor.data &&
         known.tensor.element == weight.tensor.element && known.tensor.rows == weight.tensor.rows &&
         known.tensor.cols == weight.tensor.cols;
}

std::int64_t tiles_of(const KernelTensor& weight, const Kernels& kernels) {
  return (weight.rows + kernels.woven_rows - 1) / kernels.woven_rows;
}

std::size_t woven_bytes(const KernelTensor& woven, const Kernels& kernels) {
  return round_up(static_cast<std::size_t>(tiles_of(woven, kernels) * woven.stride), kAlign);
}

struct Weaving {
  const Kernels& kernels;
  ThreadPool& pool;
  const WovenArena& arena;
};

void weave_share(void* context, int thread) {
  const Weaving& weaving = *static_cast<Weaving*>(context);
  const auto count = static_cast<std::int64_t>(weaving.arena.copies.size());
  for (std::int64_t i = weaving.pool.take(thread, count); i >= 0;
       i = weaving.pool.take(thread, count)) {
    const WovenArena::Copy& copy = weaving.arena.copies[static_cast<std::size_t>(i)];
    KernelArgs args;
    args.in[1] = copy.original.tensor;
    args.out = copy.woven;
    weaving.kernels.weave_tiles(args, {}, 0, tiles_of(copy.woven, weaving.kernels), nullptr);
  }
}

}  // namespace

std::vector<KernelTensor> Weaver::weave(std::span<const WovenWeight> weights,
                                        std::vector<std::shared_ptr<const WovenArena>>& keep) {
  std::vector<KernelTensor> woven(weights.size());
  if (kernels_.weave_tiles == nullptr) return woven;
  std::erase_if(arenas_, [](const auto& arena) { return arena.expired(); });
  const auto hold = [&](const std::shared_ptr<const WovenArena>& arena) {
    if (std::find(keep.begin(), keep.end(), arena) == keep.end()) keep.push_back(arena);
  };

  auto fresh = std::make_shared<WovenArena>();
  std::vector<std::pair<std::size_t, std::size_t>> places;  // index here, index in fresh->copies
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto known = [&](const WovenArena& arena) {
      return std::find_if(arena.copies.begin(), arena.copies.end(),
                          [&](const auto& copy) { return same(copy.original, weights[i]); });
    };
    for (const auto& weak : arenas_) {
      const std::shared_ptr<const WovenArena> arena = weak.lock();
      if (const auto at = known(*arena); at != arena->copies.end()) {
        woven[i] = at->woven;
        hold(arena);
        break;
      }
    }
    if (woven[i].data) continue;
    if (const auto at = known(*fresh); at != fresh->copies.end()) {
      places.emplace_back(i, static_cast<std::size_t>(at - fresh->copies.begin()));
      continue;
    }
    KernelTensor copy = weights[i].tensor;
    copy.stride = kernels_.woven_stride(copy.element, copy.cols);
    copy.data = nullptr;
    places.emplace_back(i, fresh->copies.size());
    fresh->copies.push_back({weights[i], copy});
    bytes += woven_bytes(copy, kernels_);
  }
  if (fresh->copies.empty()) return woven;

  auto memory = alloc_host_memory(bytes);
  if (!memory || bytes > host_memory().free_bytes / 2) {
    log_info("gpu", "{} MiB of weights stay in file order: a faster copy would not fit",
             bytes >> 20);
    return woven;
  }
  fresh->memory = std::move(*memory);
  std::size_t at = 0;
  for (WovenArena::Copy& copy : fresh->copies) {
    copy.woven.data = reinterpret_cast<unsigned char*>(fresh->memory.host().data() + at);
    at += woven_bytes(copy.woven, kernels_);
  }
  Weaving weaving{kernels_, pool_, *fresh};
  pool_.run(weave_share, &weaving);
  log_info("gpu", "{} MiB of weights copied into the order the {} kernels read", bytes >> 20,
           kernels_.name);
  for (const auto& [index, place] : places) woven[index] = fresh->copies[place].woven;
  hold(fresh);
  arenas_.push_back(fresh);
  return woven;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// What a timeline remembers: keys and values of every position and layer, and for each Engram layer
// the normalised inputs of its convolution. All of it is indexed by position, so going back is a
// length (engram/SPEC.md, section 9).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "inference/model/memory_pack.h"
#include "inference/model/model_config.h"
#include "inference/model/placement.h"

namespace mneme {

struct KvCache {
  std::int64_t context = 0;          // positions there is room for
  DType dtype = DType::f16;          // f32 in exact mode
  std::vector<Buffer> keys, values;  // per layer, [context, kv_dim]
  std::vector<Buffer> conv_inputs;   // per Engram slot, [context, G*D] f32

  static Result<KvCache> create(const ModelConfig& config, const MemoryPack* pack,
                                std::int64_t context, NumericMode mode, const Placement& placement);
};

// Bytes of a cache for `context` positions; `conv_width` is the sum of G*D over Engram layers.
std::uint64_t kv_cache_bytes(const ModelConfig& config, std::int64_t conv_width,
                             std::int64_t context, NumericMode mode);

}  // namespace mneme

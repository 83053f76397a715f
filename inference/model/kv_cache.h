// SPDX-License-Identifier: Apache-2.0
// What sequences remember: the states that the model needs (keys and values of every layer), and
// for each Engram layer the normalised inputs of its convolution. All of it is indexed by position,
// so going back is a length (engram/SPEC.md, section 9).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "inference/model/model_config.h"
#include "inference/model/placement.h"
#include "inference/tables/memory_pack.h"

namespace mneme {

struct KvCache {
  std::int64_t context = 0;                           // positions there is room for in a sequence
  DType dtype = DType::f16;                           // of the states; f32 in exact mode
  std::map<std::string, Buffer, std::less<>> states;  // by name, [sequences, context, width]
  std::vector<Buffer> conv_inputs;  // per Engram slot, [sequences, context, G*D] f32

  const Buffer& find(std::string_view state) const;  // CHECKs that it is there

  static Result<KvCache> create(const ModelConfig& config, const MemoryPack* pack,
                                std::int64_t context, std::int64_t sequences, NumericMode mode,
                                const Placement& placement);
};

// Bytes of the states of each layer for `context` positions of a sequence, without Engram's.
std::vector<std::uint64_t> kv_cache_bytes(const ModelConfig& config, std::int64_t context,
                                          NumericMode mode);

}  // namespace mneme

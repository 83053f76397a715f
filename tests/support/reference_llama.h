// SPDX-License-Identifier: Apache-2.0
// What a Llama-type GGUF computes, written a second time: from the file's numbers in float64, one
// token after another, without a graph, a backend or a cache. Slow; for tiny models.
#pragma once

#include <span>
#include <vector>

#include "base/ids.h"
#include "inference/files/gguf.h"

namespace mneme {

// [positions][rows of the output matrix]. `position_scale`: positions are divided by it.
std::vector<std::vector<double>> reference_logits(const GgufFile& file,
                                                  std::span<const TokenId> tokens,
                                                  double position_scale = 1);

}  // namespace mneme

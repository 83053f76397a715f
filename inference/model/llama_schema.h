// SPDX-License-Identifier: Apache-2.0
// What a file of a Llama-type model may say. Keys under the architecture's prefix and tensors that
// change what the model computes, and that nothing here computes with, are errors with their name:
// else its answers would be wrong without a word. Parts beside the model (a vision tower, a draft
// head) are left out on purpose, and that is said.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "inference/model/gguf.h"
#include "inference/model/model_config.h"

namespace mneme {

// Errors: unsupported (a key "llama.*" that changes the computation, or that is not known here).
Status check_model_keys(const GgufFile& file, const ModelConfig& config);

// `bound`: the names of the tensors that are computed with. Returns what of the others is left out
// on purpose, in words: "3 tensors of a vision tower"; "" where there is none. Errors: unsupported
// (any other tensor).
using TensorNames = std::set<std::string, std::less<>>;
Result<std::string> check_model_tensors(const GgufFile& file, const ModelConfig& config,
                                        const TensorNames& bound);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The tensors of a file that nothing computes with: parts beside the model (a vision tower, a draft
// head) are left out on purpose, and that is said; any other is an error with its name. Else a part
// of the model would not be computed, and answers would be wrong without a word.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/result.h"
#include "inference/files/model_source.h"
#include "inference/model/model_config.h"

namespace mneme {

using TensorNames = std::set<std::string, std::less<>>;

// `bound`: the names of the tensors that are computed with. Returns what of the others is left out
// on purpose, in words: "3 tensors of a vision tower"; "" where there is none. Errors: unsupported
// (any other tensor).
Result<std::string> check_unbound_tensors(const ModelSource& source, const ModelConfig& config,
                                          const TensorNames& bound);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The logits of a model for some tokens, without a tokenizer.
#pragma once

#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "gpu/backend.h"
#include "inference/files/model_source.h"

namespace mneme {

// [tokens, vocabulary], in exact mode. Errors: as opening the model.
Result<std::vector<float>> source_logits(const ModelSource& source, std::span<const TokenId> tokens,
                                         Backend& backend);

}  // namespace mneme

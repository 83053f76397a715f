// SPDX-License-Identifier: Apache-2.0
// The tokenizer of a model, whatever holds it.
#pragma once

#include "base/result.h"
#include "inference/files/model_source.h"
#include "inference/text/tokenizer.h"

namespace mneme {

// Errors: as Tokenizer::from_gguf(); io (a folder without tokenizer.json).
Result<Tokenizer> read_tokenizer(const ModelSource& source);

// What that says before it reads the vocabulary, which takes most of its time.
Status check_tokenizer(const ModelSource& source);

}  // namespace mneme

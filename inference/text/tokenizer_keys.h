// SPDX-License-Identifier: Apache-2.0
// What a file may say of its tokenizer. Keys that change the tokens or the answer, and that nothing
// here computes with, are errors with their name, as llama_schema.h has it of the model's.
#pragma once

#include "base/result.h"
#include "inference/model/gguf.h"

namespace mneme {

// Of a byte-level BPE tokenizer. Errors: unsupported (a key "tokenizer.ggml.*" that changes what is
// computed, or that is not known here).
Status check_tokenizer_keys(const GgufFile& file);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// What a file may say of its tokenizer. Keys that change the tokens or the answer, and that nothing
// here computes with, are errors with their name, as unread_keys.h has it of the model's.
#pragma once

#include "base/result.h"
#include "inference/files/metadata.h"

namespace mneme {

// Errors: unsupported (a key "tokenizer.ggml.*" that changes what is computed, or that is not known
// here). `scores`: of SentencePiece, not of byte-level BPE.
Status check_tokenizer_keys(const Metadata& file, bool scores);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The vocabulary in a GGUF: keys "tokenizer.ggml.*".
#pragma once

#include "base/result.h"
#include "inference/files/metadata.h"
#include "inference/text/vocabulary.h"

namespace mneme {

// Errors: unsupported (another kind than BPE, an unknown pre-tokenizer, or a setting that is not
// computed with; names it); corrupt (metadata missing, of another shape, or contradicting itself).
Result<Vocabulary> read_gguf_vocabulary(const Metadata& file);

// What that says before it reads the tokens, which takes most of its time.
Status check_gguf_vocabulary(const Metadata& file);

}  // namespace mneme

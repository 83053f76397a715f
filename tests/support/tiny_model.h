// SPDX-License-Identifier: Apache-2.0
// A small model with an untrained memory, written to files from a seed: small enough for
// sanitizers, whole enough for everything from the tokenizer to the window.
#pragma once

#include <string>
#include <string_view>

#include "gpu/tensor.h"
#include "tests/support/temporary_folder.h"  // what most users of the model need too

namespace mneme {

struct TinyModelOptions {
  DType type = DType::q4_0;
  std::int64_t context = 512;
  std::int64_t layers = 2;
  bool memory = true;  // also a pack, with Engram layers 0 and 1
  std::string_view family = "llama";
  std::int64_t experts = 0;  // of each layer, of which a token takes two
};

// Writes `tiny.gguf` and, with memory, `tiny.engram.gguf` into `folder`. Returns the model's path.
std::string write_tiny_model(const std::string& folder, const TinyModelOptions& options = {});

}  // namespace mneme

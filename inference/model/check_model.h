// SPDX-License-Identifier: Apache-2.0
// Everything that opening a model or a pack would check, without opening it: `mneme-cli check`; and
// what of it a header tells.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "gpu/backend.h"
#include "inference/files/gguf.h"
#include "inference/files/model_source.h"
#include "inference/model/model_config.h"
#include "inference/tables/memory_pack.h"

namespace mneme {

struct ModelSummary {
  ModelConfig config;
  std::string weights;  // the type that most bytes have
  std::string tokenizer_sha256;
  std::string left_out;  // as Weights::left_out
  std::string chat;      // "yes", or why not
};

// Errors: as Engine::open for the same file.
Result<ModelSummary> check_model(const ModelSource& source);

// The same but for the contents of the vocabulary and the chat template, whose members stay empty:
// a millisecond instead of some hundred. `cpu` is a backend of the CPU; nothing is kept there.
Result<ModelSummary> check_model_header(const ModelSource& source, Backend& cpu);

// Everything that opening a pack would check, except that it fits a model.
Result<PackHeader> check_pack(const GgufFile& file);

}  // namespace mneme

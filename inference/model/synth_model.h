// SPDX-License-Identifier: Apache-2.0
// Writes a Llama-type GGUF of a given shape with random weights from a seed: real sizes for
// measurements, tiny ones for tests. Its text is noise.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "gpu/tensor.h"
#include "inference/files/gguf.h"
#include "inference/files/gguf_writer.h"

namespace mneme {

struct SynthShape {
  std::int64_t n_layers = 0;
  std::int64_t dim = 0;
  std::int64_t hidden_dim = 0;
  std::int64_t n_heads = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t vocab_size = 0;  // at least the tokenizer's
  std::int64_t context_length = 0;
  float rope_base = 10000.0f;
};
inline constexpr SynthShape kLlama1bShape{16, 2048, 8192, 32, 8, 128256, 131072, 500000.0f};
inline constexpr SynthShape kSmolShape{30, 576, 1536, 9, 3, 49152, 8192, 100000.0f};

struct SynthModelOptions {
  SynthShape shape;
  DType type = DType::q4_0;        // of the matrices
  DType embed_type = DType::q8_0;  // of the embedding, which is also the output layer
  std::uint64_t seed = 1;
};

// The model, ready to be written. Tokenizer and chat template are copied from `tokenizer_source`.
// Errors: io, invalid (a shape that does not work out).
Result<GgufWriter> plan_synth_model(const GgufFile& tokenizer_source,
                                    const SynthModelOptions& options);
Status write_synth_model(const GgufFile& tokenizer_source, const std::string& path,
                         const SynthModelOptions& options);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Writes a GGUF of a given family and shape with random weights from a seed: real sizes for
// measurements, tiny ones for tests. Its text is noise.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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
  std::string_view family = "llama";  // general.architecture
  std::int64_t head_dim = 0;          // 0 = dim / n_heads
  std::int64_t window = 0;            // of the layers that have one; 0 = as the family's default
  std::int64_t experts = 0;           // of each layer, hidden_dim wide; 0 = dense
  std::int64_t experts_used = 0;      // for each token
};
// Llama 3.2 1B, SmolLM2 135M, Qwen 3 0.6B, Gemma 3 1B.
inline constexpr SynthShape kLlama1bShape{16, 2048, 8192, 32, 8, 128256, 131072, 500000.0f};
inline constexpr SynthShape kSmolShape{30, 576, 1536, 9, 3, 49152, 8192, 100000.0f};
inline constexpr SynthShape kQwen3Shape{28,    1024, 3072,    16,  8, 151936,
                                        40960, 1e6f, "qwen3", 128, 0};
inline constexpr SynthShape kGemma3Shape{26,    1152, 6912,     4,   1,  262144,
                                         32768, 1e6f, "gemma3", 256, 512};

struct SynthModelOptions {
  SynthShape shape;
  DType type = DType::q4_0;        // of the matrices
  DType embed_type = DType::q8_0;  // of the embedding, which is also the output layer
  std::uint64_t seed = 1;
};

// The model, ready to be written: the tensors that its family asks for (needs_of), without optional
// ones. Tokenizer and chat template are copied from `tokenizer_source`. Errors: invalid (rows that
// are no whole blocks of the type, a vocabulary below the tokenizer's); those of ModelConfig::read
// (a shape that does not work out).
Result<GgufWriter> plan_synth_model(const GgufFile& tokenizer_source,
                                    const SynthModelOptions& options);
Status write_synth_model(const GgufFile& tokenizer_source, const std::string& path,
                         const SynthModelOptions& options);

}  // namespace mneme

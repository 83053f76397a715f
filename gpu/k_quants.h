// SPDX-License-Identifier: Apache-2.0
// Q4_K, Q5_K and Q6_K, block layouts as ggml defines them: 256 values each. Scalar; the definition
// every kernel is tested against, itself checked against the `gguf` package's decoder. Pure.
#pragma once

#include <cstddef>

namespace mneme {

// f16 scale and minimum, 8 pairs of 6 bits in 12 bytes (scale and minimum of each 32 values), [32
// bytes of fifth bits,] 128 bytes of nibbles, even groups of 32 in the low ones:
// x = d * scale * q - dmin * minimum
void decode_q4_k(const std::byte* block, float* out);  // 144 bytes
void decode_q5_k(const std::byte* block, float* out);  // 176 bytes
// 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales (of 16 values each), f16
// scale: x = d * scale * (q - 32)
void decode_q6_k(const std::byte* block, float* out);  // 210 bytes

}  // namespace mneme

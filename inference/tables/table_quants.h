// SPDX-License-Identifier: Apache-2.0
// Element types that GGUF tables come in and that nothing here computes with: decoded row by row.
// Block layouts are ggml's; scalar, checked against the `gguf` package's own decoder. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mneme {

// Q2_K, Q3_K, IQ4_NL, MXFP4.
bool can_decode_quant(std::uint32_t ggml_type);

// `row` is whole blocks, out.size() their values; the type is one that can be decoded.
void decode_quant(std::uint32_t ggml_type, std::span<const std::byte> row, std::span<float> out);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// A table row as stored: d e4m3 values ("fn": bias 7, largest 448, no infinities, 0x7f/0xff NaN),
// then one e8m0 scale 2^(code-127) per 32 of them (255 NaN). Lossy to write, exact to read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mneme {

constexpr std::size_t kScaleBlock = 32;  // values that share a scale

double e4m3_to_double(std::uint8_t code);
double e8m0_to_double(std::uint8_t code);  // double: code 0 is subnormal in float

// Round to nearest even; magnitudes beyond 448 saturate, NaN stays NaN.
std::uint8_t e4m3_from_double(double value);

// The exponent k of the scale 2^k that the published quantiser picks for a block's largest
// magnitude: the smallest with amax / 2^k <= 448. amax finite and above 0.
int scale_exponent(double amax);

// Bytes of a row of `width` values; width is a multiple of 32.
constexpr std::size_t encoded_row_bytes(std::size_t width) {
  return width + width / kScaleBlock;
}

// out.size() == encoded_row_bytes(values.size()). Values must be finite.
void encode_row(std::span<const float> values, std::span<std::byte> out);

// row.size() == encoded_row_bytes(out.size()).
void decode_row(std::span<const std::byte> row, std::span<double> out);

// Codes and scales kept apart, as in safetensors: scales.size() == codes.size() / 32.
void decode_blocks(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                   std::span<double> out);

// In place: every block of 32 rounded to what its fp8 form holds, as V4.1 does with the input of
// an fp8 linear (scale 2^ceil(log2(max(amax, 1e-4) / 448))).
void quantise_activations(std::span<double> values);

}  // namespace mneme

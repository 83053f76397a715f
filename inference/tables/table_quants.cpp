// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/table_quants.h"

#include <array>
#include <bit>

#include "base/check.h"
#include "base/half.h"
#include "inference/files/ggml_type.h"

namespace mneme {
namespace {

using Byte = unsigned char;

float half_at(const Byte* at) {
  return half_to_float(static_cast<std::uint16_t>(at[0] | at[1] << 8));
}

// Sixteen bytes hold 32 nibbles: the low ones first.
template <class Value>
void nibbles(const Byte* bytes, float* out, Value value) {
  for (int i = 0; i < 16; ++i) {
    out[i] = value(bytes[i] & 15, i);
    out[i + 16] = value(bytes[i] >> 4, i + 16);
  }
}

// f16 scale, 16 bytes of nibbles into a table of levels.
void iq4_nl(const Byte* block, float* out) {
  constexpr std::array<int, 16> kLevels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                           1,    13,   25,  38,  53,  69,  89,  113};
  const float d = half_at(block);
  nibbles(block + 2, out,
          [&](int q, int) { return d * static_cast<float>(kLevels[static_cast<std::size_t>(q)]); });
}

// e8m0 scale, 16 bytes of e2m1 nibbles; the levels are doubled, the scale halved.
void mxfp4(const Byte* block, float* out) {
  constexpr std::array<int, 16> kLevels = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  const std::uint32_t code = block[0];
  const float d = std::bit_cast<float>(code < 2 ? 0x00200000u << code : (code - 1) << 23);
  nibbles(block + 1, out,
          [&](int q, int) { return d * static_cast<float>(kLevels[static_cast<std::size_t>(q)]); });
}

// 16 x (4-bit scale, 4-bit minimum), 64 bytes of 2-bit values, f16 scale and minimum of those.
void q2_k(const Byte* block, float* out) {
  const Byte* quants = block + 16;
  const float d = half_at(block + 80);
  const float dmin = half_at(block + 82);
  for (int i = 0; i < 256; ++i) {
    const int group = i / 16;
    const float scale = d * static_cast<float>(block[group] & 15);
    const float minimum = dmin * static_cast<float>(block[group] >> 4);
    const int q = quants[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
    out[i] = scale * static_cast<float>(q) - minimum;
  }
}

// 32 bytes of third bits, 64 bytes of 2-bit values, 16 x 6-bit scales in 12 bytes, f16 scale.
void q3_k(const Byte* block, float* out) {
  const Byte* quants = block + 32;
  const Byte* scales = block + 96;
  const float d = half_at(block + 108);
  for (int i = 0; i < 256; ++i) {
    const int group = i / 16;
    const int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    const int high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    const int q = quants[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
    const int third = block[i % 32] >> (i / 32) & 1;
    out[i] = scale * static_cast<float>(q - (third != 0 ? 0 : 4));
  }
}

struct Decoder {
  std::uint32_t ggml_type;
  void (*block)(const Byte*, float*);
};
constexpr std::array<Decoder, 4> kDecoders{{
    {10, q2_k},
    {11, q3_k},
    {20, iq4_nl},
    {39, mxfp4},
}};

const Decoder* find_decoder(std::uint32_t ggml_type) {
  for (const Decoder& decoder : kDecoders) {
    if (decoder.ggml_type == ggml_type) return &decoder;
  }
  return nullptr;
}

}  // namespace

bool can_decode_quant(std::uint32_t ggml_type) {
  return find_decoder(ggml_type) != nullptr;
}

void decode_quant(std::uint32_t ggml_type, std::span<const std::byte> row, std::span<float> out) {
  const Decoder* decoder = find_decoder(ggml_type);
  CHECK(decoder != nullptr);
  const GgmlTypeInfo& info = *find_ggml_type(ggml_type);
  CHECK(out.size() % info.block_values == 0);
  CHECK(row.size() == out.size() / info.block_values * info.block_bytes);
  const auto* at = reinterpret_cast<const Byte*>(row.data());
  for (std::size_t i = 0; i < out.size(); i += info.block_values, at += info.block_bytes) {
    decoder->block(at, out.data() + i);
  }
}

}  // namespace mneme

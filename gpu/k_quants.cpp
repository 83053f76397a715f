// SPDX-License-Identifier: Apache-2.0
#include "gpu/k_quants.h"

#include <cstdint>

#include "base/half.h"

namespace mneme {
namespace {

using Byte = unsigned char;

float half_at(const Byte* at) {
  return half_to_float(static_cast<std::uint16_t>(at[0] | at[1] << 8));
}

struct ScaleMin {
  int scale, minimum;
};

// Eight pairs of 6 bits in 12 bytes, as Q4_K and Q5_K pack them.
ScaleMin scale_min(const Byte* packed, int j) {
  if (j < 4) return {packed[j] & 63, packed[j + 4] & 63};
  return {(packed[j + 4] & 15) | (packed[j - 4] >> 6 << 4),
          (packed[j + 4] >> 4) | (packed[j] >> 6 << 4)};
}

void q4_or_5_k(const Byte* block, float* out, bool five_bits) {
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  const Byte* fifths = block + 16;
  const Byte* quants = block + (five_bits ? 48 : 16);
  for (int i = 0; i < 256; ++i) {
    const int group = i / 32;
    const ScaleMin pair = scale_min(block + 4, group);
    const Byte byte = quants[group / 2 * 32 + i % 32];
    int q = group % 2 == 0 ? byte & 15 : byte >> 4;
    if (five_bits) q |= (fifths[i % 32] >> group & 1) << 4;
    out[i] = d * static_cast<float>(pair.scale) * static_cast<float>(q) -
             dmin * static_cast<float>(pair.minimum);
  }
}

}  // namespace

void decode_q4_k(const std::byte* block, float* out) {
  q4_or_5_k(reinterpret_cast<const Byte*>(block), out, false);
}
void decode_q5_k(const std::byte* block, float* out) {
  q4_or_5_k(reinterpret_cast<const Byte*>(block), out, true);
}

void decode_q6_k(const std::byte* bytes, float* out) {
  const auto* block = reinterpret_cast<const Byte*>(bytes);
  const Byte* high = block + 128;
  const Byte* scales = block + 192;
  const float d = half_at(block + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128;
    const int quarter = i / 32 % 4;
    const Byte byte = block[half * 64 + quarter % 2 * 32 + i % 32];
    const int low = quarter < 2 ? byte & 15 : byte >> 4;
    const int q = (low | (high[half * 32 + i % 32] >> (quarter * 2) & 3) << 4) - 32;
    const float scale = d * static_cast<float>(static_cast<signed char>(scales[i / 16]));
    out[i] = scale * static_cast<float>(q);
  }
}

}  // namespace mneme

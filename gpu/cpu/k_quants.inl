// SPDX-License-Identifier: Apache-2.0
// Blocks of 256 values of Q4_K, Q5_K and Q6_K in one form; gpu/k_quants.h has the layouts.

constexpr bool is_k_quant(DType element) {
  return info_of(element).block_values == 256;
}

// x = scale * (value - offset) + minimum, with a scale and a minimum for each 16 values.
struct SuperBlock {
  unsigned char values[256];
  float scales[16];
  float minima[16];
  int offset;
};

MNEME_INLINE void unpack_scales(const unsigned char* p, SuperBlock& out) {
  const float d = half_bits_to_float(load_u16(p));
  const float dmin = half_bits_to_float(load_u16(p + 2));
  const unsigned char* packed = p + 4;
  for (int j = 0; j < 8; ++j) {
    const int scale = j < 4 ? packed[j] & 63 : (packed[j + 4] & 15) | (packed[j - 4] >> 6 << 4);
    const int minimum = j < 4 ? packed[j + 4] & 63 : (packed[j + 4] >> 4) | (packed[j] >> 6 << 4);
    for (int half = 0; half < 2; ++half) {
      out.scales[2 * j + half] = d * static_cast<float>(scale);
      out.minima[2 * j + half] = -(dmin * static_cast<float>(minimum));
    }
  }
  out.offset = 0;
}

// 128 bytes of nibbles, 32 bytes for each two groups of 32 values.
MNEME_INLINE void unpack_nibbles(const unsigned char* nibbles, SuperBlock& out) {
  for (int pair = 0; pair < 4; ++pair) {
    for (int i = 0; i < 32; ++i) {
      out.values[pair * 64 + i] = nibbles[pair * 32 + i] & 15;
      out.values[pair * 64 + 32 + i] = static_cast<unsigned char>(nibbles[pair * 32 + i] >> 4);
    }
  }
}

MNEME_INLINE void unpack_q6_k(const unsigned char* p, SuperBlock& out) {
  const float d = half_bits_to_float(load_u16(p + 208));
  for (int i = 0; i < 16; ++i) {
    out.scales[i] = d * static_cast<float>(static_cast<signed char>(p[192 + i]));
    out.minima[i] = 0;
  }
  for (int half = 0; half < 2; ++half) {
    const unsigned char* low = p + half * 64;
    const unsigned char* high = p + 128 + half * 32;
    unsigned char* to = out.values + half * 128;
    for (int i = 0; i < 32; ++i) {
      to[i] = static_cast<unsigned char>((low[i] & 15) | (high[i] & 3) << 4);
      to[32 + i] = static_cast<unsigned char>((low[32 + i] & 15) | (high[i] >> 2 & 3) << 4);
      to[64 + i] = static_cast<unsigned char>((low[i] >> 4) | (high[i] >> 4 & 3) << 4);
      to[96 + i] = static_cast<unsigned char>((low[32 + i] >> 4) | (high[i] >> 6) << 4);
    }
  }
  out.offset = 32;
}

MNEME_INLINE void unpack_super_block(DType element, const unsigned char* p, SuperBlock& out) {
  if (element == DType::q6_k) return unpack_q6_k(p, out);
  unpack_scales(p, out);
  if (element == DType::q4_k) return unpack_nibbles(p + 16, out);
  unpack_nibbles(p + 48, out);
  for (int i = 0; i < 256; ++i) {
    out.values[i] |= static_cast<unsigned char>((p[16 + i % 32] >> (i / 32) & 1) << 4);
  }
}

MNEME_INLINE void decode_k_row(DType element, const unsigned char* row, std::int64_t cols,
                               float* out) {
  SuperBlock block;
  for (std::int64_t at = 0; at < cols; at += 256, row += info_of(element).block_bytes, out += 256) {
    unpack_super_block(element, row, block);
    for (int i = 0; i < 256; ++i) {
      const float value = static_cast<float>(block.values[i] - block.offset);
      out[i] = block.scales[i / 16] * value + block.minima[i / 16];
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Blocks of 32 values (gpu/weight_types.h), by BLOCK_BYTES, BLOCK_BITS and BLOCK_MINIMUM: a value
// is scale * code + minimum. They begin at even addresses, and no more is promised.

const uint kBlockHalfs = BLOCK_BYTES / 2;
#if BLOCK_BITS == 8
const uint kCodesAt = kBlockHalfs - 16;
#else
const uint kCodesAt = kBlockHalfs - 8;
#endif

// 16-bit words i and i + 1.
uint two_words(uvec2 address, uint i) {
#if BLOCK_BYTES % 4 == 0
  return Uints(address).v[i / 2u];
#else
  return word_at(address, i);
#endif
}

// Scale and minimum; without one, what a code of zero takes.
vec2 block_scale(uvec2 address, uint block) {
#if BLOCK_MINIMUM
  return unpackHalf2x16(two_words(address, block * kBlockHalfs));
#else
  const float scale = float(Halfs(address).v[block * kBlockHalfs]);
#if BLOCK_BITS == 8
  return vec2(scale, 0.0);
#else
  return vec2(scale, -float(1 << (BLOCK_BITS - 1)) * scale);
#endif
#endif
}

// Bytes of codes: four from value `first` on where they are bytes, else of nibbles the four from
// value `first` on in the low ones, and from `first` + 16 on in the high ones.
uint code_bytes(uvec2 address, uint block, uint first) {
  return two_words(address, block * kBlockHalfs + kCodesAt + first / 2u);
}

#if BLOCK_BITS == 5
// The fifth bits of the values from `first` on as bits 4 of eight bytes.
uvec2 fifths(uvec2 address, uint block, uint first) {
  const uint at = block * kBlockHalfs + kCodesAt - 2;
  const uint bits = two_words(address, at) >> first;
  return (uvec2(bits & 15u, bits >> 4u & 15u) * 0x00204081u & 0x01010101u) << 4u;
}
#else
uvec2 fifths(uvec2 address, uint block, uint first) {
  return uvec2(0);
}
#endif

// Codes of values 8 quarter .., four in a word.
uvec2 block_quarter(uvec2 address, uint block, uint quarter) {
#if BLOCK_BITS == 8
  const uint first = 8u * quarter;
  return uvec2(code_bytes(address, block, first), code_bytes(address, block, first + 4u));
#else
  const uint first = 8u * (quarter & 1u);
  const uvec2 bytes = uvec2(code_bytes(address, block, first), code_bytes(address, block, first + 4u));
  return (bytes >> 4u * (quarter >> 1u) & 0x0f0f0f0fu) | fifths(address, block, 8u * quarter);
#endif
}

// For products in integers, which take half of a block at a time: of bytes values 16 part .., of
// nibbles 8 part .. and 16 + 8 part ..
uvec4 block_half(uvec2 address, uint block, uint part) {
#if BLOCK_BITS == 8
  return uvec4(block_quarter(address, block, 2u * part), block_quarter(address, block, 2u * part + 1u));
#else
  const uint first = 8u * part;
  const uvec2 bytes = uvec2(code_bytes(address, block, first), code_bytes(address, block, first + 4u));
  return (uvec4(bytes, bytes >> 4) & 0x0f0f0f0fu) |
         uvec4(fifths(address, block, first), fifths(address, block, first + 16u));
#endif
}

// Code j of a word.
int code_at(uint word, int j) {
#if BLOCK_BITS == 8
  return bitfieldExtract(int(word), 8 * j, 8);
#else
  return int(word >> 8 * j & 255u);
#endif
}

// SPDX-License-Identifier: Apache-2.0
// Rows of Q4_K, Q5_K and Q6_K (gpu/k_quants.h), a piece at a time: eight values for products in
// floats, 16 for products in integers. No piece has more than one scale.
//
// Lanes that follow each other take pieces that follow each other, so what a subgroup reads lies
// together. Blocks of Q4_K and Q5_K are 9 and 11 times 16 bytes long and each field in them begins
// at a multiple of 16: a piece's nibbles are one aligned vector of 8 or 16 bytes, its fifth bits
// another, and the head with all scales one of 16 that the lanes of a block read together. The same
// bytes are the low nibbles of one group and the high ones of another: both groups' lanes read
// them, in one subgroup, and memory gives them once. Blocks of Q6_K are 210 bytes long and begin at
// even addresses only: of them aligned words are read, with one more behind these, and shifted.

#if defined(INTEGERS)
#define PieceWords uvec4
#define PieceMemory Uint4s
#else
#define PieceWords uvec2
#define PieceMemory Uint2s
#endif
const uint kGroupPieces = 32 / kPieceValues;  // of 32 values: what one scale is for, of Q6_K two

struct KPiece {
  PieceWords words;  // signed bytes
  float scale;       // a value is scale * byte + minimum
  float minimum;
};

#if defined(WEIGHT_Q6_K)
const uint kBlockHalfs = 105;  // 210 bytes

// A byte for each of a piece's values, from the i-th 16 bits on.
PieceWords bytes_from(uvec2 address, uint i) {
  const bool odd = (i & 1u) != 0u;
  PieceWords words;
  uint word = Uints(address).v[i / 2u];
  [[unroll]] for (uint j = 0; j < kPieceValues / 4u; ++j) {
    const uint next = Uints(address).v[i / 2u + 1u + j];
    words[j] = odd ? word >> 16 | next << 16 : word;
    word = next;
  }
  return words;
}

KPiece load_piece(uvec2 address, uint row, uint piece) {
  const uint at = (row * (p.cols / 256u) + piece / (8u * kGroupPieces)) * kBlockHalfs;
  const uint group = piece / kGroupPieces & 7u;
  const uint first = piece % kGroupPieces * kPieceValues;  // of the group's values
  // Of 128 values: 64 bytes of low nibbles, whose high ones are groups 2 and 3; 32 of high pairs.
  const PieceWords low =
      bytes_from(address, at + (group >> 2u) * 32u + (group & 1u) * 16u + first / 2u);
  const PieceWords high = bytes_from(address, at + 64u + (group >> 2u) * 16u + first / 2u);
  const PieceWords quants = (low >> (group & 2u) * 2u & 0x0f0f0f0fu) |
                            (high >> (group & 3u) * 2u & 0x03030303u) << 4u;
  const uint scales = uint(Words(address).v[at + 96u + group]);
  const int scale = bitfieldExtract(int(scales), int(first & 16u) / 2, 8);
  // 32 less in each byte: with its highest bit set none borrows from the next.
  const PieceWords less = ((quants | 0x80808080u) - 0x20202020u) ^ 0x80808080u;
  return KPiece(less, float(Halfs(address).v[at + 104u]) * float(scale), 0.0);
}
#else
#if defined(WEIGHT_Q4_K)
const uint kBlockVectors = 9;
const uint kNibblesAt = 16;
#else
const uint kBlockVectors = 11;
const uint kNibblesAt = 48;
#endif

KPiece load_piece(uvec2 address, uint row, uint piece) {
  const uint block = (row * (p.cols / 256u) + piece / (8u * kGroupPieces)) * kBlockVectors;
  const uint group = piece / kGroupPieces & 7u;
  const uint part = piece % kGroupPieces;
  const uint at = block * (16u / kPieceValues) + part;  // in pieces
  // Two groups share 32 bytes: the even one has the low nibbles.
  const PieceWords bytes =
      PieceMemory(address).v[at + (kNibblesAt + 32u * (group >> 1u)) / kPieceValues];
  PieceWords quants = bytes >> (group & 1u) * 4u & 0x0f0f0f0fu;
#if defined(WEIGHT_Q5_K)
  // Bit `group` of byte i of 32 is the fifth of the group's value i.
  quants |= (PieceMemory(address).v[at + 16u / kPieceValues] >> group & 0x01010101u) << 4u;
#endif
  // Two halfs; then in bytes 0 to 3 the scales of groups 0 to 3 in 6 bits, in 4 to 7 their minima,
  // in 8 to 11 nibbles of the scales and minima of groups 4 to 7, whose high pairs are on top of
  // the others.
  const uvec4 head = Uint4s(address).v[block];
  const vec2 both = unpackHalf2x16(head.x);
  const uvec3 bits = head.yzw >> 8u * (group & 3u);
  const uvec2 six = group < 4u ? bits.xy & 63u
                               : (uvec2(bits.z, bits.z >> 4) & 15u) | (bits.xy >> 2 & 48u);
  return KPiece(quants, both.x * float(six.x), -(both.y * float(six.y)));
}
#endif

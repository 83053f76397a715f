// SPDX-License-Identifier: Apache-2.0
// What attention reads, four dimensions of a head at a time. A workgroup takes kHeads heads that
// share keys and values.

layout(constant_id = 2) const uint kHeads = 1;
layout(constant_id = 3) const bool kWide = false;  // all rows lie where vectors of 16 bytes may

const uint kQuads = (kHeadDim + 3) / 4;

uint first_head() {
  return gl_WorkGroupID.x * kHeads;
}
// Where what the heads share begins in a position's row of keys or values, and these rows' width.
uint kv_column() {
  return first_head() / (n_heads() / n_kv_heads()) * kHeadDim;
}
uint kv_width() {
  return n_kv_heads() * kHeadDim;
}
// Where a token's sequence begins in keys or values.
uint kv_first(uint row) {
  return first_state_row(Step(p.step).token[row]) * kv_width() + kv_column();
}

float kv_at(uvec2 address, uint i) {
#if defined(STATE_F16)
  return float(Halfs(address).v[i]);
#else
  return Floats(address).v[i];
#endif
}

// Values 4 quad .. of a head's that begin at `at`; zeros beyond their end.
vec4 kv_quad(uvec2 address, uint at, uint quad) {
  const uint first = at + 4u * quad;
  if (kWide) {
#if defined(STATE_F16)
    const uvec2 two = Uint2s(address).v[first / 4u];
    return vec4(unpackHalf2x16(two.x), unpackHalf2x16(two.y));
#else
    return Float4s(address).v[first / 4u];
#endif
  }
  vec4 values = vec4(0.0);
  for (uint c = 0; c < 4; ++c) {
    if (4u * quad + c < kHeadDim) values[c] = kv_at(address, first + c);
  }
  return values;
}

// The same of the query of a head of row `row`, scaled.
vec4 query_quad(uint row, uint head, uint quad) {
  const uint first = (row * n_heads() + head) * kHeadDim + 4u * quad;
  vec4 query = vec4(0.0);
  if (kWide) {
    query = Float4s(p.in0).v[first / 4u];
  } else {
    for (uint c = 0; c < 4; ++c) {
      if (4u * quad + c < kHeadDim) query[c] = Floats(p.in0).v[first + c];
    }
  }
  return query * params().scale;
}

void write_quad(uint row, uint head, uint quad, vec4 values) {
  const uint first = (row * n_heads() + head) * kHeadDim + 4u * quad;
  if (kWide) {
    Float4s(p.out0).v[first / 4u] = values;
  } else {
    for (uint c = 0; c < 4; ++c) {
      if (4u * quad + c < kHeadDim) Floats(p.out0).v[first + c] = values[c];
    }
  }
}

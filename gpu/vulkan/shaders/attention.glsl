// SPDX-License-Identifier: Apache-2.0
// What both parts of attention share: which positions a token sees, how they are split, and where
// the splits' results lie.

layout(constant_id = 1) const uint kHeadDim = 64;

USE_PARAMS(AttentionParams)
uint n_heads() {
  return uint(params().n_heads);
}
uint n_kv_heads() {
  return uint(params().n_kv_heads);
}

// Positions that the token of row `row` sees.
uint context_of(uint row) {
  return Step(p.step).token[row].position + 1u;
}

// The first of them, of a token that sees up to `context`.
uint first_seen(uint context) {
  const uint window = uint(params().window);
  return window > 0u && context > window ? context - window : 0u;
}

uint splits_of(uint positions) {
  return (positions + Step(p.step).split_positions - 1u) / Step(p.step).split_positions;
}

// The place in p.out1 of a split of a row's head: its highest score, the sum of its weights, the
// weighted sum of its values [kHeadDim].
uint partial_of(uint row, uint head, uint split) {
  return ((row * n_heads() + head) * Step(p.step).splits + split) * (kHeadDim + 2u);
}

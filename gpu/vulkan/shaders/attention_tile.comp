#version 450
// SPDX-License-Identifier: Apache-2.0
// attention of many tokens: a workgroup makes a tile of rows, each a query of one of kTokens tokens
// and kHeads heads, against the keys and values of kPositions positions at a time, which it reads
// into shared memory once for all its rows. Lane (across, down) scores four rows from 4 down on
// against every kAcross-th position, and adds up every kAcross-th four dimensions of their values;
// sums are scaled when a higher score is met, as in attention.comp.
#include "common.glsl"
#include "attention.glsl"
#include "attention_rows.glsl"

layout(constant_id = 4) const uint kAcross = 16;
layout(constant_id = 5) const uint kDown = 8;
layout(constant_id = 6) const uint kPositions = 32;  // a multiple of kAcross and of 4

const uint kRows = 4 * kDown;
const uint kTokens = kRows / kHeads;
const uint kPositionsALane = kPositions / kAcross;
const uint kQuadsALane = (kQuads + kAcross - 1) / kAcross;
// Of a row in shared memory: odd, so that lanes that read one quad of rows below each other meet
// different banks.
const uint kStride = kQuads | 1u;

// AttentionTile::shared_bytes() counts these.
shared vec4 queries[kRows * kStride];
shared vec4 states[kPositions * kStride];     // keys, then values
shared vec4 weights[kRows * kPositions / 4];  // [rows, positions]
shared float maxima[kRows * kAcross];         // of what a lane scored of a row

void load_states(uvec2 address, uint kv, uint first, uint end) {
  const uint width = kv_width();
  for (uint i = lane(); i < kPositions * kQuads; i += lanes()) {
    const uint position = first + i / kQuads;
    const uint quad = i % kQuads;
    states[i / kQuads * kStride + quad] =
        position < end ? kv_quad(address, kv + position * width, quad) : vec4(0.0);
  }
}

// The first and the last token of the workgroup's tile, which is of one sequence. The later a token,
// the more it sees: the longest work of a sequence begins first.
uvec2 tile_tokens() {
  uint tile = gl_WorkGroupID.y;
  uint end = row_count();
  for (;;) {  // the last run, the one before ..
    const uint first = Step(p.step).token[end - 1u].first;
    const uint tiles = (end - first + kTokens - 1u) / kTokens;
    if (tile < tiles) {
      const uint begin = first + (tiles - 1u - tile) * kTokens;
      return uvec2(begin, min(begin + kTokens, end) - 1u);
    }
    tile -= tiles;
    end = first;
  }
}

void main() {
  const uvec2 tile = tile_tokens();
  const uint first_token = tile.x;
  const uint last_token = tile.y;
  const uint kv = kv_first(first_token);
  const uint end = context_of(last_token);
  const uint across = lane() % kAcross;
  const uint first_row = lane() / kAcross * 4u;

  // Rows past the last token's are made as its, and not kept.
  for (uint i = lane(); i < kRows * kQuads; i += lanes()) {
    const uint row = i / kQuads;
    const uint token = min(first_token + row / kHeads, last_token);
    queries[row * kStride + i % kQuads] =
        query_quad(token, first_head() + row % kHeads, i % kQuads);
  }
  const uint begin = first_seen(context_of(first_token));
  const float cap = params().cap;
  uint contexts[4];
  float highest[4];
  float totals[4];
  vec4 sums[4 * kQuadsALane];
  [[unroll]] for (uint r = 0; r < 4; ++r) {
    contexts[r] = context_of(min(first_token + (first_row + r) / kHeads, last_token));
    highest[r] = -3.0e38;
    totals[r] = 0.0;
  }
  [[unroll]] for (uint i = 0; i < 4 * kQuadsALane; ++i) sums[i] = vec4(0.0);

  for (uint first = begin; first < end; first += kPositions) {
    load_states(p.in1, kv, first, end);
    barrier();
    float scores[4 * kPositionsALane];
    [[unroll]] for (uint i = 0; i < 4 * kPositionsALane; ++i) scores[i] = 0.0;
    for (uint quad = 0; quad < kQuads; ++quad) {
      vec4 rows[4];
      [[unroll]] for (uint r = 0; r < 4; ++r) rows[r] = queries[(first_row + r) * kStride + quad];
      [[unroll]] for (uint j = 0; j < kPositionsALane; ++j) {
        const vec4 key = states[(across + j * kAcross) * kStride + quad];
        [[unroll]] for (uint r = 0; r < 4; ++r) {
          scores[r * kPositionsALane + j] += dot(rows[r], key);
        }
      }
    }
    [[unroll]] for (uint r = 0; r < 4; ++r) {
      float most = -3.0e38;
      [[unroll]] for (uint j = 0; j < kPositionsALane; ++j) {
        const uint position = first + across + j * kAcross;
        const bool seen = position < contexts[r] && position >= first_seen(contexts[r]);
        const uint at = r * kPositionsALane + j;
        scores[at] = seen ? soft_cap(scores[at], cap) : -3.0e38;
        most = max(most, scores[r * kPositionsALane + j]);
      }
      maxima[(first_row + r) * kAcross + across] = most;
    }
    barrier();

    load_states(p.in2, kv, first, end);
    [[unroll]] for (uint r = 0; r < 4; ++r) {
      float peak = highest[r];
      for (uint a = 0; a < kAcross; ++a) peak = max(peak, maxima[(first_row + r) * kAcross + a]);
      const float shrink = exp(highest[r] - peak);
      highest[r] = peak;
      totals[r] *= shrink;
      [[unroll]] for (uint q = 0; q < kQuadsALane; ++q) sums[r * kQuadsALane + q] *= shrink;
      [[unroll]] for (uint j = 0; j < kPositionsALane; ++j) {
        const uint at = (first_row + r) * kPositions + across + j * kAcross;
        weights[at / 4u][at % 4u] = exp(scores[r * kPositionsALane + j] - peak);
      }
    }
    barrier();

    for (uint four = 0; four < kPositions; four += 4u) {
      vec4 rows[4];
      [[unroll]] for (uint r = 0; r < 4; ++r) {
        rows[r] = weights[((first_row + r) * kPositions + four) / 4u];
        totals[r] += dot(rows[r], vec4(1.0));
      }
      [[unroll]] for (uint q = 0; q < kQuadsALane; ++q) {
        const uint quad = min(across + q * kAcross, kQuads - 1u);  // the last again, not kept
        [[unroll]] for (uint j = 0; j < 4; ++j) {
          const vec4 value = states[(four + j) * kStride + quad];
          [[unroll]] for (uint r = 0; r < 4; ++r) sums[r * kQuadsALane + q] += rows[r][j] * value;
        }
      }
    }
    barrier();
  }

  [[unroll]] for (uint r = 0; r < 4; ++r) {
    const uint row = first_row + r;
    const uint token = first_token + row / kHeads;
    if (row < kTokens * kHeads && token <= last_token) {
      [[unroll]] for (uint q = 0; q < kQuadsALane; ++q) {
        const uint quad = across + q * kAcross;
        if (quad >= kQuads) break;
        write_quad(token, first_head() + row % kHeads, quad,
                   sums[r * kQuadsALane + q] / totals[r]);
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Attention for many tokens over float16 states, on tensor cores: a block takes 64 tokens of one
// head, a warp 16 of them, against tiles of 32 keys with a running softmax. Queries and softmax
// weights are split into two halves, x = high + low, whose products with the exact float16 states
// add up in float32: twice the arithmetic (2 * 4 * pairs * head_dim), errors of float32's size.
#include "gpu/cuda/module/attention.cuh"
#include "gpu/cuda/module/launch.h"

namespace mneme {
namespace {

constexpr int kThreads = 128;
constexpr int kQueries = 64;
constexpr int kKeys = 32;
// The score of a key that is not seen: finite, since a row may see none of its first tile.
constexpr float kNothing = -1e30f;

template <int kDim>
struct Tiles {
  std::uint16_t k[2][kKeys][kDim + 8];
  std::uint16_t v[2][kKeys][kDim + 8];
};

// Two values as the pair of words that stand for them.
__device__ __forceinline__ void split_pair(float a, float b, std::uint32_t& high,
                                           std::uint32_t& low) {
  high = pack_halves(a, b);
  low = pack_halves(a - half_to_float(static_cast<std::uint16_t>(high & 0xffffu)),
                    b - half_to_float(static_cast<std::uint16_t>(high >> 16)));
}

// The greatest or the sum over the four lanes that share a row of a tile.
__device__ __forceinline__ float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, 1));
  return fmaxf(x, __shfl_xor_sync(kAllLanes, x, 2));
}
__device__ __forceinline__ float quad_sum(float x) {
  x += __shfl_xor_sync(kAllLanes, x, 1);
  return x + __shfl_xor_sync(kAllLanes, x, 2);
}

// kDim: head_dim rounded up; the columns behind it are zero.
template <int kDim>
__global__ void __launch_bounds__(kThreads) attention_tiles(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  // The block's tile, which is of one sequence: counted from the last one on.
  int tile_of_run = static_cast<int>(blockIdx.x);
  int run_end = rows;
  int run_first = rows;
  while (run_end > 0) {
    run_first = token_of(call, run_end - 1).first;
    const int tiles_of_run = (run_end - run_first + kQueries - 1) / kQueries;
    if (tile_of_run < tiles_of_run) break;
    tile_of_run -= tiles_of_run;
    run_end = run_first;
  }
  if (run_end == 0) return;
  const int first = run_first + tile_of_run * kQueries;
  const CudaToken& token = token_of(call, first);
  const CudaTensor keys = part_of(call.in[1], token);
  const CudaTensor values = part_of(call.in[2], token);
  Tiles<kDim>& tiles = *shared_memory<Tiles<kDim>>();
  const int dim = call.params.attention.head_dim;
  const int head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (call.params.attention.n_heads / call.params.attention.n_kv_heads);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int my_row = first + thread / 32 * 16 + lane / 4;  // and the one 8 below
  const int my_col = lane % 4 * 2;
  // What row 0 would have as its position, if it were of this sequence.
  const std::int64_t position = std::int64_t{token.position} - first;
  const int last = first + kQueries < run_end ? first + kQueries : run_end;
  const std::int64_t length = position + last;  // keys that the block's last query sees

  const std::int64_t column = static_cast<std::int64_t>(kv_head) * dim * 2;  // bytes
  const auto fetch = [&](int tile) {
    const std::int64_t first_key = static_cast<std::int64_t>(tile) * kKeys;
    if (first_key < length) {
      const int pieces = dim / 8;
      for (int at = thread; at < kKeys * pieces; at += kThreads) {
        const int key = at / pieces;
        const int place = at % pieces * 8;
        auto* k = &tiles.k[tile % 2][key][place];
        auto* v = &tiles.v[tile % 2][key][place];
        if (first_key + key < length) {
          cp_async16(k, keys.data + (first_key + key) * keys.stride + column + place * 2);
          cp_async16(v, values.data + (first_key + key) * values.stride + column + place * 2);
        } else {  // weights of 0 must not meet what was never written
          *reinterpret_cast<int4*>(k) = make_int4(0, 0, 0, 0);
          *reinterpret_cast<int4*>(v) = make_int4(0, 0, 0, 0);
        }
      }
    }
    cp_async_commit();
  };
  const auto first_tile = static_cast<int>(first_seen(call, position + first + 1) / kKeys);
  fetch(first_tile);
  for (int at = thread; at < 2 * kKeys * (kDim - dim); at += kThreads) {
    const int row = at / (kDim - dim);
    const int place = dim + at % (kDim - dim);
    tiles.k[row / kKeys][row % kKeys][place] = 0;
    tiles.v[row / kKeys][row % kKeys][place] = 0;
  }

  // Queries, scaled by a power of two to the upper half of float16's range.
  std::uint32_t q_high[kDim / 16][4];
  std::uint32_t q_low[kDim / 16][4];
  float scale[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = my_row + 8 * half;
    const float* q = row < last ? row_of<const float>(call.in[0], row) + head * dim : nullptr;
    float most = 0;
#pragma unroll
    for (int c = 0; c < kDim; c += 8) {
      if (q == nullptr || c + my_col >= dim) continue;
      most = fmaxf(most, fmaxf(fabsf(q[c + my_col]), fabsf(q[c + my_col + 1])));
    }
    const int exponent = static_cast<int>(magnitude_bits(quad_max(most)) >> 23) - 127;
    const int shift = exponent < -100 ? 0 : exponent > 100 ? 0 : 13 - exponent;
    const float up = __uint_as_float(static_cast<std::uint32_t>(127 + shift) << 23);
    scale[half] = __uint_as_float(static_cast<std::uint32_t>(127 - shift) << 23) *
                  call.params.attention.scale;
#pragma unroll
    for (int c = 0; c < kDim; c += 8) {
      const bool there = q != nullptr && c + my_col < dim;
      const float a = there ? q[c + my_col] * up : 0.0f;
      const float b = there ? q[c + my_col + 1] * up : 0.0f;
      split_pair(a, b, q_high[c / 16][half + c / 8 % 2 * 2], q_low[c / 16][half + c / 8 % 2 * 2]);
    }
  }

  float sums[kDim / 8][4] = {};
  float highest[2] = {-INFINITY, -INFINITY};
  float totals[2] = {0, 0};  // of this lane's keys
  const auto n_tiles = static_cast<int>((length + kKeys - 1) / kKeys);
  const float cap = call.params.attention.cap;
  for (int tile = first_tile; tile < n_tiles; ++tile) {
    fetch(tile + 1);
    cp_async_wait<1>();
    __syncthreads();
    const int buffer = tile % 2;

    float scores[kKeys / 8][4] = {};
#pragma unroll
    for (int c = 0; c < kDim; c += 16) {
#pragma unroll
      for (int n = 0; n < kKeys / 16; ++n) {
        std::uint32_t b[4];
        ldmatrix_x4(b, &tiles.k[buffer][16 * n + lane % 8 + lane / 16 * 8][c + lane / 8 % 2 * 8]);
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          mma_half(scores[2 * n + i], q_high[c / 16], b[2 * i], b[2 * i + 1]);
          mma_half(scores[2 * n + i], q_low[c / 16], b[2 * i], b[2 * i + 1]);
        }
      }
    }

    // Index 0, 1: this lane's row; 2, 3: the row 8 below.
    float most[2] = {highest[0], highest[1]};
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const std::int64_t key = static_cast<std::int64_t>(tile) * kKeys + 8 * n + my_col + i % 2;
        const std::int64_t context = position + my_row + 8 * (i / 2) + 1;
        const bool seen = key < context && key >= first_seen(call, context);
        scores[n][i] = seen ? soft_cap(scores[n][i] * scale[i / 2], cap) : kNothing;
        most[i / 2] = fmaxf(most[i / 2], scores[n][i]);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      most[half] = quad_max(most[half]);
      const float factor = expf(highest[half] - most[half]);
      highest[half] = most[half];
      totals[half] *= factor;
#pragma unroll
      for (int d = 0; d < kDim / 8; ++d) {
        sums[d][2 * half] *= factor;
        sums[d][2 * half + 1] *= factor;
      }
    }
    std::uint32_t p_high[kKeys / 16][4];
    std::uint32_t p_low[kKeys / 16][4];
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float a = expf(scores[n][2 * half] - highest[half]);
        const float b = expf(scores[n][2 * half + 1] - highest[half]);
        totals[half] += a + b;
        split_pair(a, b, p_high[n / 2][half + n % 2 * 2], p_low[n / 2][half + n % 2 * 2]);
      }
    }
#pragma unroll
    for (int n = 0; n < kKeys / 16; ++n) {
#pragma unroll
      for (int d = 0; d < kDim / 16; ++d) {
        std::uint32_t b[4];
        ldmatrix_x4_trans(b, &tiles.v[buffer][16 * n + lane % 16][16 * d + lane / 16 * 8]);
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          mma_half(sums[2 * d + i], p_high[n], b[2 * i], b[2 * i + 1]);
          mma_half(sums[2 * d + i], p_low[n], b[2 * i], b[2 * i + 1]);
        }
      }
    }
    __syncthreads();  // before this buffer is filled again
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float total = quad_sum(totals[half]);
    const int row = my_row + 8 * half;
    if (row >= last) continue;
    float* to = row_of<float>(call.out, row) + head * dim;
#pragma unroll
    for (int d = 0; d < kDim / 8; ++d) {
      const int at = 8 * d + my_col;
      if (at >= dim) continue;
      to[at] = sums[d][2 * half] / total;
      to[at + 1] = sums[d][2 * half + 1] / total;
    }
  }
}

}  // namespace

int launch_prefill_attention(void* stream, const CudaCall& call) {
  const dim3 grid(
      static_cast<unsigned>((call.rows_max + kQueries - 1) / kQueries + call.sequences_max - 1),
      static_cast<unsigned>(call.params.attention.n_heads));
  return call.params.attention.head_dim <= 64
             ? launch_kernel(stream, attention_tiles<64>, call, grid, dim3(kThreads),
                             sizeof(Tiles<64>))
             : launch_kernel(stream, attention_tiles<128>, call, grid, dim3(kThreads),
                             sizeof(Tiles<128>));
}

}  // namespace mneme

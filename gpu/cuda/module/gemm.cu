// SPDX-License-Identifier: Apache-2.0
// Products for many tokens. On tensor cores a block makes 128 tokens x 64 outputs in steps of 32
// inputs: weights are expanded to half precision once for each 128 tokens, so from about 128 tokens
// on arithmetic is the floor (2 * tokens * inputs * outputs), not memory. float32 weights and exact
// mode go through plain float32 sums.
#include "gpu/cuda/module/gemm_weights.cuh"
#include "gpu/cuda/module/launch.h"
#include "gpu/cuda/module/weights.cuh"

namespace mneme {
namespace {

constexpr int kTokens = static_cast<int>(kCudaTileRows);  // of a block's tile
constexpr int kOuts = 64;
constexpr int kInputs = static_cast<int>(kCudaTileCols);
constexpr int kThreads = 128;
constexpr int kStages = 3;            // tiles of activations in flight
constexpr int kPadded = kInputs + 8;  // of a row in shared memory: rows start in different banks

// A warp makes 64 tokens x 32 outputs: 4 x 4 tiles of 16 x 8.
constexpr int kWarpTokens = 64;
constexpr int kWarpOuts = 32;

struct Tiles {
  std::uint16_t x[kStages][kTokens][kPadded];
  std::uint16_t w[2][kOuts][kPadded];
};

template <Element E>
__global__ void __launch_bounds__(kThreads) gemm_tiles(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int first_token = static_cast<int>(blockIdx.y) * kTokens;
  if (first_token >= rows) return;
  Tiles& tiles = *shared_memory<Tiles>();
  const Product product = product_of(call, kOuts);
  const CudaTensor& weight = *product.weight;
  const std::int64_t first_out = product.block * kOuts;
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp_token = thread / 64 * kWarpTokens;
  const int warp_out = thread / 32 % 2 * kWarpOuts;
  const auto steps = static_cast<int>((weight.cols + kInputs - 1) / kInputs);

  // Rows of x are padded with zeroes to whole tiles; so is their number, with whatever was there,
  // which reaches only sums that are not written.
  const unsigned char* x = call.in[0].data + first_token * call.in[0].stride;
  const auto fetch_x = [&](int step) {
    if (step < steps) {
#pragma unroll
      for (int i = 0; i < kTokens * kInputs / 8 / kThreads; ++i) {
        const int piece = thread + i * kThreads;
        const int token = piece / (kInputs / 8);
        const int place = piece % (kInputs / 8) * 8;
        cp_async16(&tiles.x[step % kStages][token][place],
                   x + token * call.in[0].stride +
                       (static_cast<std::int64_t>(step) * kInputs + place) * 2);
      }
    }
    cp_async_commit();
  };

  const int my_out = thread / 2;  // row of the weight tile, and the half of it
  const int my_half = thread % 2 * 16;
  const auto my_column = [&](int step) {
    return static_cast<std::int64_t>(step) * kInputs + my_half;
  };
  TileWeights<E> raw;
  const auto fetch_w = [&](int step) {
    const std::int64_t row = first_out + my_out;
    if (row < weight.rows && my_column(step) < weight.cols) {
      raw.load(weight.data + row * weight.stride, my_column(step), weight.cols);
    } else {
      raw = {};  // behind the last: zeroes
    }
  };
  const auto store_w = [&](int step) {
    std::uint32_t words[8];
    raw.expand(my_column(step), words);
    auto* to = reinterpret_cast<int4*>(&tiles.w[step % 2][my_out][my_half]);
    to[0] = make_int4(static_cast<int>(words[0]), static_cast<int>(words[1]),
                      static_cast<int>(words[2]), static_cast<int>(words[3]));
    to[1] = make_int4(static_cast<int>(words[4]), static_cast<int>(words[5]),
                      static_cast<int>(words[6]), static_cast<int>(words[7]));
  };

  float sums[4][4][4] = {};
  fetch_x(0);
  fetch_x(1);
  fetch_w(0);
  for (int step = 0; step < steps; ++step) {
    // The tile two steps back was read before the barrier of the last step.
    store_w(step);
    if (step + 1 < steps) fetch_w(step + 1);
    cp_async_wait<1>();
    __syncthreads();
    fetch_x(step + 2);
#pragma unroll
    for (int k = 0; k < kInputs; k += 16) {
      std::uint32_t a[4][4];
      std::uint32_t b[2][4];
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        ldmatrix_x4(a[m],
                    &tiles.x[step % kStages][warp_token + 16 * m + lane % 16][k + lane / 16 * 8]);
      }
#pragma unroll
      for (int n = 0; n < 2; ++n) {  // two tiles of 8 outputs each: k, k + 8 of both
        const int out = warp_out + 16 * n + lane % 8 + lane / 16 * 8;
        ldmatrix_x4(b[n], &tiles.w[step % 2][out][k + lane / 8 % 2 * 8]);
      }
#pragma unroll
      for (int m = 0; m < 4; ++m) {
#pragma unroll
        for (int n = 0; n < 4; ++n) {
          if constexpr (E == kBF16) {
            mma_bfloat(sums[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
          } else {
            mma_half(sums[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
          }
        }
      }
    }
  }

  const auto* scales = reinterpret_cast<const float*>(call.in[3].data);
  const auto* bias = reinterpret_cast<const float*>(product.bias->data);
#pragma unroll
  for (int m = 0; m < 4; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int token = first_token + warp_token + 16 * m + lane / 4 + 8 * half;
      if (token >= rows) continue;
      const float scale = scales[token];
      float* to = row_of<float>(*product.out, token);
      const float* add = call.in[4].data ? row_of<const float>(call.in[4], token) : nullptr;
#pragma unroll
      for (int n = 0; n < 4; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const std::int64_t out = first_out + warp_out + 8 * n + lane % 4 * 2 + i;
          if (out >= weight.rows) continue;
          float sum = sums[m][n][2 * half + i] * scale;
          if (bias) sum += bias[out];
          if (add) sum += add[out];
          to[out] = sum;
        }
      }
    }
  }
}

// float32 throughout: 64 tokens x 64 outputs a block, 4 x 4 a thread.
constexpr int kExactTile = 64;
constexpr int kExactInputs = 16;
constexpr int kExactThreads = 256;
struct ExactTiles {
  float x[kExactInputs][kExactTile + 4];
  float w[kExactInputs][kExactTile + 4];
};

__global__ void __launch_bounds__(kExactThreads) gemm_exact(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int first_token = static_cast<int>(blockIdx.y) * kExactTile;
  if (first_token >= rows) return;
  ExactTiles& tiles = *shared_memory<ExactTiles>();
  const Product product = product_of(call, kExactTile);
  const CudaTensor& weight = *product.weight;
  const std::int64_t first_out = product.block * kExactTile;
  const int thread = static_cast<int>(threadIdx.x);
  const int my_token = thread / 16 * 4;
  const int my_out = thread % 16 * 4;
  float sums[4][4] = {};
  for (std::int64_t first = 0; first < weight.cols; first += kExactInputs) {
    for (int i = 0; i < kExactTile * kExactInputs / kExactThreads; ++i) {
      const int piece = thread + i * kExactThreads;
      const int k = piece % kExactInputs;
      const int row = piece / kExactInputs;
      const std::int64_t c = first + k;
      const int token = first_token + row;
      const std::int64_t out = first_out + row;
      tiles.x[k][row] =
          c < weight.cols && token < rows ? row_of<const float>(call.in[0], token)[c] : 0.0f;
      tiles.w[k][row] = c < weight.cols && out < weight.rows
                            ? value_at(weight.element, weight.data + out * weight.stride, c)
                            : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kExactInputs; ++k) {
#pragma unroll
      for (int t = 0; t < 4; ++t) {
#pragma unroll
        for (int o = 0; o < 4; ++o) sums[t][o] += tiles.x[k][my_token + t] * tiles.w[k][my_out + o];
      }
    }
    __syncthreads();
  }
  const auto* bias = reinterpret_cast<const float*>(product.bias->data);
#pragma unroll
  for (int t = 0; t < 4; ++t) {
    const int token = first_token + my_token + t;
    if (token >= rows) continue;
    const float* add = call.in[4].data ? row_of<const float>(call.in[4], token) : nullptr;
    float* to = row_of<float>(*product.out, token);
#pragma unroll
    for (int o = 0; o < 4; ++o) {
      const std::int64_t out = first_out + my_out + o;
      if (out >= weight.rows) continue;
      to[out] = sums[t][o] + (bias ? bias[out] : 0.0f) + (add ? add[out] : 0.0f);
    }
  }
}

unsigned tiles_of(std::int64_t n, std::int64_t tile) {
  return static_cast<unsigned>((n + tile - 1) / tile);
}

}  // namespace

int launch_gemm(void* stream, const CudaCall& call) {
  if (call.kernel == CudaKernel::gemm_exact) {
    return launch_kernel(
        stream, gemm_exact, call,
        dim3(product_blocks(call, kExactTile), tiles_of(call.rows_max, kExactTile)),
        dim3(kExactThreads), sizeof(ExactTiles));
  }
  const dim3 grid(product_blocks(call, kOuts), tiles_of(call.rows_max, kTokens));
  const auto start = [&](DeviceKernel kernel) {
    return launch_kernel(stream, kernel, call, grid, dim3(kThreads), sizeof(Tiles));
  };
  switch (call.in[1].element) {
    case kF16:
      return start(gemm_tiles<kF16>);
    case kBF16:
      return start(gemm_tiles<kBF16>);
#define X(name, ...) \
  case k##name:      \
    return start(gemm_tiles<k##name>);
      MNEME_BLOCK_TYPES(X)
      MNEME_K_QUANT_TYPES(X)
#undef X
  }
  return kInvalidValue;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Products for few tokens: each weight is read from memory once for up to kTokens tokens, so the
// floor is the weights' bytes over the memory's bandwidth. A warp takes kRows rows of the weight
// and streams them through shared memory with 16-byte copies, kStages chunks ahead: blocks of
// quantised files lie at even addresses, where wide loads into registers are not allowed. Lanes
// then take 32 values each; strides of 34, 18 and 20 bytes meet few banks twice. Of blocks of 144
// and 176 bytes they take 16 bytes at once where the file has them aligned, of 210 they meet banks
// twice.
#include "gpu/cuda/module/launch.h"
#include "gpu/cuda/module/matvec_pieces.cuh"
#include "gpu/cuda/module/weights.cuh"

namespace mneme {
namespace {

constexpr int kWarps = 4;
constexpr int kRows = 2;
constexpr int kStages = 4;
constexpr int kBlockRows = kWarps * kRows;

// Where a warp's sums go: lane 0 writes them, with bias and what is to be added.
template <int kTokens>
__device__ __forceinline__ void write_sums(const CudaCall& call, const Product& product,
                                           std::int32_t rows, int first_token,
                                           std::int64_t first_row, float (&sums)[kRows][kTokens]) {
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kTokens; ++t) sums[r][t] = warp_sum(sums[r][t]);
  }
  if (threadIdx.x % 32 > 0) return;
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t row = first_row + r;
    if (row >= product.weight->rows) return;
    const auto* biases = reinterpret_cast<const float*>(product.bias->data);
    const float bias = biases ? biases[row] : 0.0f;
    for (int t = 0; t < kTokens; ++t) {
      const int token = first_token + t;
      if (token >= rows) break;
      float sum = sums[r][t] + bias;
      if (call.in[4].data) sum += row_of<const float>(call.in[4], token)[row];
      row_of<float>(*product.out, token)[row] = sum;
    }
  }
}

template <Element E>
constexpr int kChunkBlocks = kChunkValues / Block<E>::kValues;

// Bytes of shared memory a row's chunk takes: it starts up to 15 bytes before the chunk, and
// load_words() looks 2 bytes behind it.
template <Element E>
constexpr int kStageBytes = (kChunkBlocks<E> * Block<E>::kBytes + 15 + 2 + 15) / 16 * 16;

// kIntegers: in[0] holds packed bytes and in[3] their scales; else, in exact mode, in[0] is
// float32.
template <Element E, int kTokens, bool kIntegers>
__global__ void __launch_bounds__(kWarps * 32)
    matvec_blocks(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int first_token = static_cast<int>(blockIdx.y) * kTokens;
  if (first_token >= rows) return;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const Product product = product_of(call, kBlockRows);
  const CudaTensor& weight = *product.weight;
  const std::int64_t first_row = (product.block * kWarps + warp) * kRows;
  if (first_row >= weight.rows) return;  // whole warps; nothing below waits for the block
  const auto pieces = static_cast<int>(weight.cols / kPieceValues);
  const int chunks = (pieces + 31) / 32;
  auto* stages = shared_memory<unsigned char>() + warp * (kStages * kRows * kStageBytes<E>);

  // A row beyond the last is read as the last and not written.
  const unsigned char* weight_rows[kRows];
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t row = first_row + r < weight.rows ? first_row + r : weight.rows - 1;
    weight_rows[r] = weight.data + row * weight.stride;
  }
  const auto chunk_start = [&](int chunk, int r) {
    return weight_rows[r] + static_cast<std::int64_t>(chunk) * (kChunkBlocks<E> * Block<E>::kBytes);
  };
  const auto fetch = [&](int chunk) {
    if (chunk < chunks) {
      const int left = pieces * kPieceValues / Block<E>::kValues - chunk * kChunkBlocks<E>;
      const int here = left < kChunkBlocks<E> ? left : kChunkBlocks<E>;
      for (int r = 0; r < kRows; ++r) {
        const unsigned char* start = chunk_start(chunk, r);
        const auto skew = static_cast<int>(reinterpret_cast<std::uintptr_t>(start) & 15u);
        unsigned char* to = stages + (chunk % kStages * kRows + r) * kStageBytes<E>;
        for (int at = lane * 16; at < skew + here * Block<E>::kBytes; at += 32 * 16) {
          cp_async16(to + at, start - skew + at);
        }
      }
    }
    cp_async_commit();
  };

  float sums[kRows][kTokens] = {};
  for (int chunk = 0; chunk < kStages - 1; ++chunk) fetch(chunk);
  for (int chunk = 0; chunk < chunks; ++chunk) {
    fetch(chunk + kStages - 1);
    cp_async_wait<kStages - 1>();
    __syncwarp();
    const int piece = chunk * 32 + lane;
    if (piece < pieces) {
      for (int r = 0; r < kRows; ++r) {
        const auto skew = reinterpret_cast<std::uintptr_t>(chunk_start(chunk, r)) & 15u;
        const Piece<E> w(stages + (chunk % kStages * kRows + r) * kStageBytes<E> + skew, lane);
#pragma unroll
        for (int t = 0; t < kTokens; ++t) {
          const int token = first_token + t < rows ? first_token + t : rows - 1;
          if constexpr (kIntegers) {
            const PackedRow x{
                reinterpret_cast<const signed char*>(call.in[0].data + token * call.in[0].stride),
                reinterpret_cast<const float2*>(call.in[3].data + token * call.in[3].stride)};
            sums[r][t] += w.times(x, piece);
          } else {
            sums[r][t] += w.times(row_of<const float>(call.in[0], token), piece);
          }
        }
      }
    }
    __syncwarp();  // before the stage is filled again
  }
  write_sums<kTokens>(call, product, rows, first_token, first_row, sums);
}

// Eight values of a row of plain numbers, 16-byte aligned.
template <Element E>
__device__ __forceinline__ void load_eight(const unsigned char* from, float (&to)[8]) {
  if constexpr (E == kF32) {
    const auto* p = reinterpret_cast<const float4*>(from);
    const float4 a = p[0];
    const float4 b = p[1];
    to[0] = a.x, to[1] = a.y, to[2] = a.z, to[3] = a.w;
    to[4] = b.x, to[5] = b.y, to[6] = b.z, to[7] = b.w;
  } else {
    const int4 raw = *reinterpret_cast<const int4*>(from);
    const int words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const auto bits =
          static_cast<std::uint16_t>(static_cast<unsigned>(words[i / 2]) >> (i % 2 * 16));
      to[i] = E == kF16 ? half_to_float(bits) : bfloat_to_float(bits);
    }
  }
}

template <Element E, int kTokens>
__global__ void __launch_bounds__(kWarps * 32)
    matvec_floats(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int first_token = static_cast<int>(blockIdx.y) * kTokens;
  if (first_token >= rows) return;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const Product product = product_of(call, kBlockRows);
  const CudaTensor& weight = *product.weight;
  const std::int64_t first_row = (product.block * kWarps + warp) * kRows;
  if (first_row >= weight.rows) return;
  const unsigned char* weight_rows[kRows];
  const float* x[kTokens];
  bool aligned = weight.cols % 8 == 0;
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t row = first_row + r < weight.rows ? first_row + r : weight.rows - 1;
    weight_rows[r] = weight.data + row * weight.stride;
    aligned = aligned && reinterpret_cast<std::uintptr_t>(weight_rows[r]) % 16 == 0;
  }
#pragma unroll
  for (int t = 0; t < kTokens; ++t) {
    const int token = first_token + t < rows ? first_token + t : rows - 1;
    x[t] = row_of<const float>(call.in[0], token);
    aligned = aligned && reinterpret_cast<std::uintptr_t>(x[t]) % 16 == 0;
  }
  float sums[kRows][kTokens] = {};
  // Pieces of 256 values in flight, in registers; the emulation does not unroll.
  [[maybe_unused]] constexpr int kAhead = kTokens == 1 ? 4 : 2;
  const auto pieces = aligned ? static_cast<int>(weight.cols / 8) : 0;
#pragma unroll kAhead
  for (int piece = lane; piece < pieces; piece += 32) {
    float w[kRows][8];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      load_eight<E>(weight_rows[r] + piece * (8 * Block<E>::kBytes), w[r]);
    }
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      float v[8];
      load_eight<kF32>(reinterpret_cast<const unsigned char*>(x[t] + 8 * piece), v);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
#pragma unroll
        for (int i = 0; i < 8; ++i) sums[r][t] += w[r][i] * v[i];
      }
    }
  }
  if (!aligned) {  // widths that no vector divides: no model's, but a file may have them
    for (std::int64_t c = lane; c < weight.cols; c += 32) {
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float w = value_at(E, weight_rows[r], c);
#pragma unroll
        for (int t = 0; t < kTokens; ++t) sums[r][t] += w * x[t][c];
      }
    }
  }
  write_sums<kTokens>(call, product, rows, first_token, first_row, sums);
}

// `tokens`: that a block takes.
int start(void* stream, DeviceKernel kernel, const CudaCall& call, int tokens, int stage_bytes) {
  const dim3 grid(product_blocks(call, kBlockRows),
                  static_cast<unsigned>((call.rows_max + tokens - 1) / tokens));
  return launch_kernel(stream, kernel, call, grid, dim3(kWarps * 32),
                       static_cast<std::size_t>(kWarps * kStages * kRows * stage_bytes));
}

template <Element E, int kTokens>
int launch_floats(void* stream, const CudaCall& call) {
  return start(stream, matvec_floats<E, kTokens>, call, kTokens, 0);
}

// Exact mode goes token by token: float32 activations of several would not fit in registers.
template <Element E, int kTokens>
int launch_blocks(void* stream, const CudaCall& call) {
  return call.exact ? start(stream, matvec_blocks<E, 1, false>, call, 1, kStageBytes<E>)
                    : start(stream, matvec_blocks<E, kTokens, true>, call, kTokens, kStageBytes<E>);
}

template <int kTokens>
int launch_for(void* stream, const CudaCall& call) {
  switch (call.in[1].element) {
#define X(name, ...) \
  case k##name:      \
    return launch_floats<k##name, kTokens>(stream, call);
    MNEME_FLOAT_TYPES(X)
#undef X
#define X(name, ...) \
  case k##name:      \
    return launch_blocks<k##name, kTokens>(stream, call);
    MNEME_BLOCK_TYPES(X)
    MNEME_K_QUANT_TYPES(X)
#undef X
  }
  return kInvalidValue;
}

}  // namespace

int launch_matvec(void* stream, const CudaCall& call) {
  return call.rows_max == 1 ? launch_for<1>(stream, call) : launch_for<4>(stream, call);
}

}  // namespace mneme

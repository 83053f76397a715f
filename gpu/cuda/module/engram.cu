// SPDX-License-Identifier: Apache-2.0
// The Engram layer, one block a token and residual stream: every value of h, key and v is read once
// for the sums and once, from the L1 cache, for the result.
#include "gpu/cuda/module/device.cuh"
#include "gpu/cuda/module/launch.h"

namespace mneme {
namespace {

constexpr int kThreads = 256;
constexpr int kSumsMax = 4;

// 2^n for n from -126 to 127.
__device__ __forceinline__ float power_of_two(int n) {
  return __uint_as_float(static_cast<std::uint32_t>(n + 127) << 23);
}

__device__ __forceinline__ float e4m3(unsigned code) {
  const unsigned exponent = code >> 3 & 15u;
  const unsigned mantissa = code & 7u;
  float value = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-9f
                              : __uint_as_float((exponent + 120u) << 23 | mantissa << 20);
  if ((code & 0x7fu) == 0x7fu) value = NAN;
  return code & 0x80u ? -value : value;
}

// Where the rows of an n-gram lie, and where they are to be kept; null = nowhere.
struct Ngram {
  const unsigned char* row;
  unsigned char* keep;
};
__device__ __forceinline__ Ngram ngram_of(const CudaCall& call, int i, int order) {
  const CudaTensor& cached = call.in[2];
  const auto* location = row_of<const std::int32_t>(call.in[1], i) + 2 * order;
  const std::int64_t from = location[0];
  const std::int64_t keep = location[1];
  return {from >= 0 ? call.in[0].data + from * call.in[0].stride
                    : cached.data + (-1 - from) * cached.stride,
          keep >= 0 ? cached.data + keep * cached.stride : nullptr};
}

// A thread takes a value: column c, place i of the row's e4m3 bytes; scales lie behind them. With
// an index, the columns of an order are those of an n-gram, and the threads that read its bytes
// also keep them where they are to be kept: no other reads that entry in this launch.
__global__ void __launch_bounds__(kThreads) table_decode(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const int dims = call.params.table_decode.column_dims;
  const int stored = dims + dims / 32;
  const bool indexed = call.in[1].data != nullptr;
  const int columns =
      indexed ? static_cast<int>(call.in[0].cols) / stored : call.params.table_decode.columns;
  float* to = row_of<float>(call.out, i);
  for (int at = static_cast<int>(blockIdx.y * kThreads + threadIdx.x);
       at < call.params.table_decode.columns * dims; at += static_cast<int>(gridDim.y) * kThreads) {
    const Ngram ngram = indexed ? ngram_of(call, i, at / dims / columns)
                                : Ngram{row_of<const unsigned char>(call.in[0], i), nullptr};
    const int place = at % dims;
    const int first = at / dims % columns * stored;  // byte of the row
    const unsigned char code = ngram.row[first + place];
    const unsigned char scale = ngram.row[first + dims + place / 32];
    if (ngram.keep != nullptr) {
      ngram.keep[first + place] = code;
      if (place % 32 == 0) ngram.keep[first + dims + place / 32] = scale;
    }
    // The product is made in two steps, so that neither factor leaves the range of float first.
    const int exponent = static_cast<int>(scale) - 127;
    const int half = exponent / 2;
    const float value = e4m3(code) * power_of_two(half) * power_of_two(exponent - half);
    to[at] = scale == 255 ? NAN : value;
    pack_too(call, i, at, to[at]);
  }
}

// Of a stream: the sums of key^2, h^2 and of the product of both with their norms' weights.
__device__ __forceinline__ float gate_of(float key_squares, float h_squares, float products,
                                         float n, float eps) {
  const float score =
      products / sqrtf(key_squares / n + eps) / sqrtf(h_squares / n + eps) / sqrtf(n);
  const float size = fmaxf(fabsf(score), 1e-6f);
  // fmaxf drops a NaN; the gate must not.
  const float root = score != score ? score
                     : score > 0    ? sqrtf(size)
                     : score < 0    ? -sqrtf(size)
                                    : 0;
  return 1.0f / (1.0f + expf(-root));
}

__global__ void __launch_bounds__(kThreads) engram_gate(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  auto* scratch = shared_memory<float>();
  const std::int64_t dim = call.in[2].cols;
  const std::int64_t stream = blockIdx.y * dim;
  const float* h = row_of<const float>(call.in[0], i) + stream;
  const float* key = row_of<const float>(call.in[1], i) + stream;
  const float* value = row_of<const float>(call.in[2], i);
  const float* key_norm = reinterpret_cast<const float*>(call.in[3].data) + stream;
  const float* query_norm = reinterpret_cast<const float*>(call.in[4].data) + stream;
  float sums[3] = {0, 0, 0};  // key^2, h^2, normalised product
  for (std::int64_t c = threadIdx.x; c < dim; c += kThreads) {
    sums[0] += key[c] * key[c];
    sums[1] += h[c] * h[c];
    sums[2] += key[c] * key_norm[c] * (h[c] * query_norm[c]);
  }
  block_sums(sums, scratch);
  const float gate =
      gate_of(sums[0], sums[1], sums[2], static_cast<float>(dim), call.params.engram_gate.eps);
  if (threadIdx.x == 0) row_of<float>(call.out2, i)[blockIdx.y] = gate;
  float* to = row_of<float>(call.out, i) + stream;
  for (std::int64_t c = threadIdx.x; c < dim; c += kThreads) to[c] = gate * value[c];
}

// norm(v) into the state; a launch of its own, since the convolution of a token reads the rows of
// tokens before it.
__global__ void __launch_bounds__(kThreads) conv_append(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  auto* scratch = shared_memory<float>();
  const std::int64_t dim = call.in[1].cols / call.params.short_conv.streams;
  const std::int64_t stream = blockIdx.y * dim;
  const float* v = row_of<const float>(call.in[1], i) + stream;
  const float* weight = reinterpret_cast<const float*>(call.in[2].data) + stream;
  float squares[1] = {0};
  for (std::int64_t c = threadIdx.x; c < dim; c += kThreads) squares[0] += v[c] * v[c];
  block_sums(squares, scratch);
  const float scale =
      1.0f / sqrtf(squares[0] / static_cast<float>(dim) + call.params.short_conv.eps);
  const CudaToken& token = token_of(call, i);
  const CudaTensor state = part_of(call.in[4], token);
  for (std::int64_t c = threadIdx.x; c < dim; c += kThreads) {
    set_state(state, token.position, stream + c, v[c] * scale * weight[c]);
  }
}

__global__ void __launch_bounds__(kThreads) short_conv(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  auto* scratch = shared_memory<float>();
  const std::int64_t width = call.in[0].cols;
  const std::int64_t dim = width / call.params.short_conv.streams;
  const std::int64_t stream = blockIdx.y * dim;
  const float* h = row_of<const float>(call.in[0], i) + stream;
  const float* v = row_of<const float>(call.in[1], i) + stream;
  const float* kernel = reinterpret_cast<const float*>(call.in[3].data) + stream;
  const auto taps = static_cast<int>(call.in[3].rows);
  float* to = row_of<float>(call.out, i) + stream;
  const CudaToken& token = token_of(call, i);
  const CudaTensor state = part_of(call.in[4], token);
  float squares[2] = {0, 0};  // of what is added, of h
  for (std::int64_t c = threadIdx.x; c < dim; c += kThreads) {
    float sum = 0;
    for (int j = 0; j < taps; ++j) {
      const std::int64_t p = token.position - static_cast<std::int64_t>(taps - 1 - j) *
                                                  call.params.short_conv.dilation;
      if (p >= 0) sum += state_at(state, p, stream + c) * kernel[j * width + c];
    }
    const float before = h[c];
    const float added = v[c] + silu(sum);
    to[c] = before + added;
    squares[0] += added * added;
    squares[1] += before * before;
  }
  block_sums(squares, scratch);
  if (threadIdx.x > 0) return;
  row_of<float>(call.out2, i)[blockIdx.y] = squares[1] == 0 ? 0.0f : sqrtf(squares[0] / squares[1]);
}

// engram_gate and short_conv in one. Taps of the convolution that see tokens of the same step need
// their gates; these are made again here, from the L2 cache, since blocks cannot wait for each
// other, and nothing of a step is read back from the state.
__global__ void __launch_bounds__(kThreads, 4)
    fused_gate_conv(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  auto* scratch = shared_memory<float>();
  float* gates = scratch + kSumsMax * kThreads / 32;  // of the token that a tap sees
  float* scales = gates + kCudaTapsMax;               // of its gated values' norm
  const std::int64_t dim = call.in[2].cols;
  const std::int64_t width = call.in[0].cols;
  const std::int64_t stream = blockIdx.y * dim;
  const auto* key_norm = reinterpret_cast<const float*>(call.in[3].data) + stream;
  const auto* query_norm = reinterpret_cast<const float*>(call.in[4].data) + stream;
  const auto* conv_norm = reinterpret_cast<const float*>(call.in[5].data) + stream;
  const auto* kernel = reinterpret_cast<const float*>(call.in[6].data) + stream;
  const CudaToken& token = token_of(call, i);
  const CudaTensor state = part_of(call.in[7], token);
  const auto last = static_cast<int>(call.in[6].rows) - 1;
  const auto n = static_cast<float>(dim);
  for (int tap = 0; tap <= last; ++tap) {
    const std::int64_t seen = i - static_cast<std::int64_t>(last - tap) * call.conv_params.dilation;
    if (seen < token.first) continue;  // it sees the state
    const float* h = row_of<const float>(call.in[0], seen) + stream;
    const float* key = row_of<const float>(call.in[1], seen) + stream;
    const float* value = row_of<const float>(call.in[2], seen);
    float sums[4] = {0, 0, 0, 0};  // key^2, h^2, normalised product, value^2
    for (std::int64_t c = threadIdx.x; c < dim; c += kThreads) {
      sums[0] += key[c] * key[c];
      sums[1] += h[c] * h[c];
      sums[2] += key[c] * key_norm[c] * (h[c] * query_norm[c]);
      sums[3] += value[c] * value[c];
    }
    block_sums(sums, scratch);
    if (threadIdx.x > 0) continue;
    const float gate = gate_of(sums[0], sums[1], sums[2], n, call.params.engram_gate.eps);
    gates[tap] = gate;
    scales[tap] = 1.0f / sqrtf(gate * gate * sums[3] / n + call.conv_params.eps);
  }
  __syncthreads();
  const float* h = row_of<const float>(call.in[0], i) + stream;
  float* to = row_of<float>(call.out, i) + stream;
  float squares[2] = {0, 0};  // of what is added, of h
  for (std::int64_t c = threadIdx.x; c < dim; c += kThreads) {
    float sum = 0;
    float value = 0;
    float normed = 0;
    for (int tap = 0; tap <= last; ++tap) {
      const std::int64_t seen =
          i - static_cast<std::int64_t>(last - tap) * call.conv_params.dilation;
      const std::int64_t p = token.position + seen - i;
      if (p < 0) continue;  // zeros before the start
      if (seen < token.first) {
        normed = state_at(state, p, stream + c);
      } else {
        value = gates[tap] * row_of<const float>(call.in[2], seen)[c];
        normed = as_stored(state, value * scales[tap] * conv_norm[c]);
      }
      sum += normed * kernel[tap * width + c];
    }
    // The last tap sees the token itself.
    set_state(state, token.position, stream + c, normed);
    const float before = h[c];
    const float added = value + silu(sum);
    to[c] = before + added;
    squares[0] += added * added;
    squares[1] += before * before;
  }
  block_sums(squares, scratch);
  if (threadIdx.x > 0) return;
  row_of<float>(call.out2, i)[blockIdx.y] = gates[last];
  row_of<float>(call.out3, i)[blockIdx.y] = squares[1] == 0 ? 0.0f : sqrtf(squares[0] / squares[1]);
}

}  // namespace

int launch_engram(void* stream, const CudaCall& call) {
  const auto rows = static_cast<unsigned>(call.rows_max);
  const bool gate =
      call.kernel == CudaKernel::engram_gate || call.kernel == CudaKernel::fused_gate_conv;
  const auto streams = static_cast<unsigned>(gate ? call.params.engram_gate.streams
                                                  : call.params.short_conv.streams);
  const std::size_t sums = sizeof(float) * kSumsMax * kThreads / 32;
  switch (call.kernel) {
    case CudaKernel::table_decode: {
      const auto blocks = static_cast<unsigned>((call.out.cols + kThreads - 1) / kThreads);
      return launch_kernel(stream, table_decode, call, dim3(rows, blocks), dim3(kThreads), 0);
    }
    case CudaKernel::engram_gate:
      return launch_kernel(stream, engram_gate, call, dim3(rows, streams), dim3(kThreads), sums);
    case CudaKernel::conv_append:
      return launch_kernel(stream, conv_append, call, dim3(rows, streams), dim3(kThreads), sums);
    case CudaKernel::fused_gate_conv:
      return launch_kernel(stream, fused_gate_conv, call, dim3(rows, streams), dim3(kThreads),
                           sums + sizeof(float) * 2 * kCudaTapsMax);
    default:
      return launch_kernel(stream, short_conv, call, dim3(rows, streams), dim3(kThreads), sums);
  }
}

}  // namespace mneme

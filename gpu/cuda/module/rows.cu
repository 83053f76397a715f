// SPDX-License-Identifier: Apache-2.0
// Ops on rows, one block a row, a head or a piece of one. Each reads and writes every value once,
// but rms_norm, which reads twice, the second time from the L1 cache.
#include "gpu/cuda/module/launch.h"
#include "gpu/cuda/module/weights.cuh"

namespace mneme {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kPiece = kThreads * 4;  // values of a row that a block takes

// What is this thread's in a row cut into pieces: every kThreads-th value from begin to end.
struct Piece {
  std::int64_t begin;
  std::int64_t end;
};
__device__ __forceinline__ Piece piece_of(std::int64_t cols) {
  const std::int64_t first = blockIdx.y * kPiece;
  return {first + threadIdx.x, first + kPiece < cols ? first + kPiece : cols};
}

__global__ void __launch_bounds__(kThreads) embed(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const CudaTensor& table = call.in[0];
  const unsigned char* from = table.data + token_of(call, i).id * table.stride;
  float* to = row_of<float>(call.out, i);
  const Piece piece = piece_of(table.cols);
  for (std::int64_t c = piece.begin; c < piece.end; c += kThreads) {
    to[c] = value_at(table.element, from, c);
  }
}

__global__ void __launch_bounds__(kThreads) rms_norm(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  auto* scratch = shared_memory<float>();
  const std::int64_t cols = call.params.rms_norm.width;
  const std::int64_t first = blockIdx.y * cols;
  const float* x = row_of<const float>(call.in[0], i) + first;
  const auto* weight = reinterpret_cast<const float*>(call.in[1].data);
  float* to = row_of<float>(call.out, i) + first;
  float squares[1] = {0};
  for (std::int64_t c = threadIdx.x; c < cols; c += kThreads) squares[0] += x[c] * x[c];
  block_sums(squares, scratch);
  const float scale =
      1.0f / sqrtf(squares[0] / static_cast<float>(cols) + call.params.rms_norm.eps);
  for (std::int64_t c = threadIdx.x; c < cols; c += kThreads) {
    const float value = x[c] * scale * weight[c];
    to[c] = value;
    pack_too(call, i, c, value);
  }
}

// in[1] [tokens, dims]: cosines of a token's pairs, then sines, made on the host in double.
__global__ void __launch_bounds__(kThreads) rope(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const float* x = row_of<const float>(call.in[0], i);
  float* to = row_of<float>(call.out, i);
  const int pairs = call.params.rope.dims / 2;
  const int from_pair = call.params.rope.halves ? 1 : 2;   // between pairs' first values
  const int within = call.params.rope.halves ? pairs : 1;  // from a pair's first to its second
  const float* turns = row_of<const float>(call.in[1], i);
  const auto heads = static_cast<int>(call.in[0].cols / call.params.rope.head_dim);
  for (int item = static_cast<int>(threadIdx.x); item < heads * pairs; item += kThreads) {
    const int pair = item % pairs;
    const int at = item / pairs * call.params.rope.head_dim + pair * from_pair;
    const float a = x[at];
    const float b = x[at + within];
    to[at] = a * turns[pair] - b * turns[pairs + pair];
    to[at + within] = b * turns[pair] + a * turns[pairs + pair];
  }
  const int rest =
      call.params.rope.head_dim - call.params.rope.dims;  // of each head, which does not turn
  for (int item = static_cast<int>(threadIdx.x); item < heads * rest; item += kThreads) {
    const int at = item / rest * call.params.rope.head_dim + call.params.rope.dims + item % rest;
    to[at] = x[at];
  }
}

__global__ void __launch_bounds__(kThreads) kv_append(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const CudaToken& token = token_of(call, i);
  for (int which = 0; which < 2; ++which) {
    const CudaTensor state = part_of(call.in[2 + which], token);
    const float* x = row_of<const float>(call.in[which], i);
    const Piece piece = piece_of(call.in[which].cols);
    for (std::int64_t c = piece.begin; c < piece.end; c += kThreads) {
      set_state(state, token.position, c, x[c]);
    }
  }
}

__device__ __forceinline__ float activated(float x, int activation) {
  if (activation == kSilu) return silu(x);
  return x / (1.0f + expf(-1.5957691216f * (x + 0.044715f * x * x * x)));  // 2 sqrt(2 / pi)
}

template <bool kGlu>
__global__ void __launch_bounds__(kThreads) two_rows(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const float* a = row_of<const float>(call.in[0], i);
  const float* b = row_of<const float>(call.in[1], i);
  float* to = row_of<float>(call.out, i);
  const Piece piece = piece_of(call.out.cols);
  for (std::int64_t c = piece.begin; c < piece.end; c += kThreads) {
    const float value = kGlu ? activated(a[c], call.params.glu.activation) * b[c] : a[c] + b[c];
    to[c] = value;
    if (kGlu) pack_too(call, i, c, value);
  }
}

__global__ void __launch_bounds__(kThreads) scale(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const float* x = row_of<const float>(call.in[0], i);
  float* to = row_of<float>(call.out, i);
  const ScaleParams& p = call.params.scale;
  const Piece piece = piece_of(call.out.cols);
  for (std::int64_t c = piece.begin; c < piece.end; c += kThreads) {
    to[c] = soft_cap(x[c] * p.factor, p.cap);
  }
}

__global__ void __launch_bounds__(kThreads) output_rows(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const auto* tokens = reinterpret_cast<const std::int32_t*>(call.in[1].data);
  const float* x = row_of<const float>(call.in[0], tokens[i]);
  float* to = row_of<float>(call.out, i);
  const Piece piece = piece_of(call.out.cols);
  for (std::int64_t c = piece.begin; c < piece.end; c += kThreads) to[c] = x[c];
}

unsigned pieces(std::int64_t cols) {
  return static_cast<unsigned>((cols + kPiece - 1) / kPiece);
}

}  // namespace

int launch_rows(void* stream, const CudaCall& call) {
  const auto rows = static_cast<unsigned>(call.rows_max);
  const dim3 threads(kThreads);
  const std::size_t sums = sizeof(float) * kThreads / 32;
  switch (call.kernel) {
    case CudaKernel::embed:
      return launch_kernel(stream, embed, call, dim3(rows, pieces(call.out.cols)), threads, 0);
    case CudaKernel::rms_norm: {
      const auto heads = static_cast<unsigned>(call.in[0].cols / call.params.rms_norm.width);
      return launch_kernel(stream, rms_norm, call, dim3(rows, heads), threads, sums);
    }
    case CudaKernel::rope:
      return launch_kernel(stream, rope, call, dim3(rows), threads, 0);
    case CudaKernel::kv_append: {
      const std::int64_t cols =
          call.in[0].cols > call.in[1].cols ? call.in[0].cols : call.in[1].cols;
      return launch_kernel(stream, kv_append, call, dim3(rows, pieces(cols)), threads, 0);
    }
    case CudaKernel::glu:
      return launch_kernel(stream, two_rows<true>, call, dim3(rows, pieces(call.out.cols)), threads,
                           0);
    case CudaKernel::scale:
      return launch_kernel(stream, scale, call, dim3(rows, pieces(call.out.cols)), threads, 0);
    case CudaKernel::output_rows:
      return launch_kernel(stream, output_rows, call, dim3(rows, pieces(call.out.cols)), threads,
                           0);
    case CudaKernel::add:
      return launch_kernel(stream, two_rows<false>, call, dim3(rows, pieces(call.out.cols)),
                           threads, 0);
    default:
      return kInvalidValue;
  }
}

}  // namespace mneme

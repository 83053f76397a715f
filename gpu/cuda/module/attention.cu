// SPDX-License-Identifier: Apache-2.0
// Attention for few tokens: keys and values are read from memory once for each token and group of
// up to 8 heads that share them, so the floor is their bytes over the bandwidth. The context of a
// token is cut into call.splits parts, each a block's; `combine` joins their partial results.
#include "gpu/cuda/module/attention.cuh"
#include "gpu/cuda/module/launch.h"

namespace mneme {
namespace {

constexpr int kThreads = 128;
constexpr int kGroup = 8;    // heads of a block
constexpr int kSlices = 32;  // most parts that the keys of a tile are summed in

// Of a block with `keys` keys a tile; everything in the order it lies in shared memory.
struct Layout {
  int keys;
  int key_stride;  // bytes
  int query;       // offsets in bytes: float [kGroup][dim]
  int scores;      // float [keys][kGroup]
  int state;       // float [3][kGroup]: highest score, sum of weights, factor of what was summed
  int bytes;
};
__host__ __device__ __forceinline__ Layout layout_of(int dim, int value_bytes) {
  Layout layout{};
  layout.key_stride = (dim * value_bytes + 15) / 16 * 16 + 16;  // rows start in different banks
  layout.keys = 64 * layout.key_stride <= (20 << 10) ? 64 : 32;
  layout.query = layout.keys * layout.key_stride;
  // The slices' sums take the place of the keys: those of 8 heads are shorter than 32 keys.
  layout.scores = layout.query + kGroup * dim * 4;
  layout.state = layout.scores + layout.keys * kGroup * 4;
  layout.bytes = layout.state + 3 * kGroup * 4;
  return layout;
}

__device__ __forceinline__ float2 pair_at(const float* values, int pair) {
  return make_float2(values[2 * pair], values[2 * pair + 1]);
}
__device__ __forceinline__ float2 pair_at(const std::uint16_t* values, int pair) {
  const std::uint32_t word = reinterpret_cast<const std::uint32_t*>(values)[pair];
  return make_float2(half_to_float(static_cast<std::uint16_t>(word & 0xffffu)),
                     half_to_float(static_cast<std::uint16_t>(word >> 16)));
}

// q k of one key in shared memory, 4 bytes at a time: rows of keys are padded to conflict-free
// strides, the query is read by all lanes at once.
__device__ __forceinline__ float dot(const float* q, const float* k, int dim) {
  float sum = 0;
#pragma unroll 4
  for (int i = 0; i < dim; ++i) sum += q[i] * k[i];
  return sum;
}
__device__ __forceinline__ float dot(const float* q, const std::uint16_t* k, int dim) {
  float sum = 0;
#pragma unroll 8
  for (int i = 0; i < dim / 2; ++i) {
    const float2 pair = pair_at(k, i);
    sum += q[2 * i] * pair.x + q[2 * i + 1] * pair.y;
  }
  return sum;
}

// T: what states hold. Grid: splits, kv heads times groups, rows.
template <class T>
__global__ void __launch_bounds__(kThreads, 4)
    attention_split(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.z);
  if (i >= rows) return;
  const int dim = call.params.attention.head_dim;
  const int shared_heads = call.params.attention.n_heads / call.params.attention.n_kv_heads;
  const int groups = (shared_heads + kGroup - 1) / kGroup;
  const int kv_head = static_cast<int>(blockIdx.y) / groups;
  const int first_of_group = static_cast<int>(blockIdx.y) % groups * kGroup;
  const int first_head = kv_head * shared_heads + first_of_group;
  const int heads = shared_heads - first_of_group < kGroup ? shared_heads - first_of_group : kGroup;
  const CudaToken& token = token_of(call, i);
  const std::int64_t length = std::int64_t{token.position} + 1;
  const Layout layout = layout_of(dim, sizeof(T));
  const SplitRange range = split_range(call, length, static_cast<int>(blockIdx.x));
  if (range.begin >= range.end) return;  // combine() knows

  auto* shared = shared_memory<unsigned char>();
  auto* query = reinterpret_cast<float*>(shared + layout.query);
  auto* scores = reinterpret_cast<float*>(shared + layout.scores);
  auto* highest = reinterpret_cast<float*>(shared + layout.state);
  float* totals = highest + kGroup;
  float* factors = totals + kGroup;
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;

  const float* q = row_of<const float>(call.in[0], i) + first_head * dim;
  const float scale = call.params.attention.scale;
  const float cap = call.params.attention.cap;
  for (int c = thread; c < heads * dim; c += kThreads) query[c] = q[c] * scale;
  if (thread < kGroup) {
    highest[thread] = -INFINITY;
    totals[thread] = 0;
  }

  // Of values: this thread sums a pair of columns over every slices-th key.
  const int pairs = dim / 2;
  const int slices = kThreads / pairs < kSlices ? kThreads / pairs : kSlices;
  const int slice = thread / pairs;
  const int pair = thread % pairs;
  const bool sums_values = slice < slices;
  float sums[kGroup][2] = {};

  const unsigned char* keys = part_of(call.in[1], token).data + static_cast<std::int64_t>(kv_head) *
                                                                    dim *
                                                                    static_cast<int>(sizeof(T));
  const unsigned char* values =
      part_of(call.in[2], token).data +
      static_cast<std::int64_t>(kv_head) * dim * static_cast<int>(sizeof(T));
  const int words = dim * static_cast<int>(sizeof(T)) / 4;  // of a key
  for (std::int64_t first = range.begin; first < range.end; first += layout.keys) {
    const int here =
        range.end - first < layout.keys ? static_cast<int>(range.end - first) : layout.keys;
    // No barrier: the last tile's keys were done with before its scores, which stay until the next.
    for (int at = thread; at < here * words; at += kThreads) {
      const int key = at / words;
      const int word = at % words;
      reinterpret_cast<std::uint32_t*>(shared + key * layout.key_stride)[word] =
          reinterpret_cast<const std::uint32_t*>(keys + (first + key) * call.in[1].stride)[word];
    }
    __syncthreads();
    for (int item = thread; item < here * heads; item += kThreads) {
      const int key = item % here;
      const int head = item / here;
      const auto* k = reinterpret_cast<const T*>(shared + key * layout.key_stride);
      scores[key * kGroup + head] = soft_cap(dot(query + head * dim, k, dim), cap);
    }
    __syncthreads();
    for (int head = thread / 32; head < heads; head += kThreads / 32) {
      float most = -INFINITY;
      bool broken = false;  // a NaN among the scores, which fmaxf would drop
      for (int key = lane; key < here; key += 32) {
        const float score = scores[key * kGroup + head];
        broken = broken || score != score;
        most = fmaxf(most, score);
      }
      most = fmaxf(warp_max(most), highest[head]);
      float total = 0;
      for (int key = lane; key < here; key += 32) {
        const float weight = expf(scores[key * kGroup + head] - most);
        scores[key * kGroup + head] = weight;
        total += weight;
      }
      total = warp_sum(broken ? NAN : total);
      __syncwarp();  // all have read the highest: a sum over lanes orders no memory
      if (lane == 0) {
        const float factor = expf(highest[head] - most);
        factors[head] = factor;
        totals[head] = totals[head] * factor + total;
        highest[head] = most;
      }
    }
    __syncthreads();
    if (!sums_values) continue;
#pragma unroll
    for (int head = 0; head < kGroup; ++head) {
      if (head < heads) {
        sums[head][0] *= factors[head];
        sums[head][1] *= factors[head];
      }
    }
#pragma unroll 4
    for (int key = slice; key < here; key += slices) {
      const float2 value =
          pair_at(reinterpret_cast<const T*>(values + (first + key) * call.in[2].stride), pair);
#pragma unroll
      for (int head = 0; head < kGroup; ++head) {
        if (head < heads) {
          const float weight = scores[key * kGroup + head];
          sums[head][0] += weight * value.x;
          sums[head][1] += weight * value.y;
        }
      }
    }
  }

  // Slices add up one after the other, in the memory of the keys, which were used before the
  // scores.
  auto* joined = reinterpret_cast<float*>(shared);  // [heads][dim]
  for (int s = 0; s < slices; ++s) {
    if (sums_values && slice == s) {
#pragma unroll
      for (int head = 0; head < kGroup; ++head) {
        if (head < heads) {
          float* to = joined + head * dim + 2 * pair;
          to[0] = s == 0 ? sums[head][0] : to[0] + sums[head][0];
          to[1] = s == 0 ? sums[head][1] : to[1] + sums[head][1];
        }
      }
    }
    __syncthreads();
  }
  for (int head = 0; head < heads; ++head) {
    float* to = partial_of(call, i, first_head + head, static_cast<int>(blockIdx.x));
    for (int c = thread; c < dim; c += kThreads) to[2 + c] = joined[head * dim + c];
    if (thread == 0) {
      to[0] = highest[head];
      to[1] = totals[head];
    }
  }
}

// Joins the splits of a row's head; a block takes one.
__global__ void __launch_bounds__(kThreads) combine(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const int head = static_cast<int>(blockIdx.y);
  const std::int64_t length = std::int64_t{token_of(call, i).position} + 1;
  const int used = splits_used(call, length);
  float most = -INFINITY;
  for (int s = 0; s < used; ++s) most = fmaxf(most, partial_of(call, i, head, s)[0]);
  float total = 0;
  for (int s = 0; s < used; ++s) {
    const float* part = partial_of(call, i, head, s);
    total += part[1] * expf(part[0] - most);
  }
  float* to = row_of<float>(call.out, i) + head * call.params.attention.head_dim;
  for (int c = static_cast<int>(threadIdx.x); c < call.params.attention.head_dim; c += kThreads) {
    float sum = 0;
    for (int s = 0; s < used; ++s) {
      const float* part = partial_of(call, i, head, s);
      sum += part[2 + c] * expf(part[0] - most);
    }
    to[c] = sum / total;
  }
}

}  // namespace

int launch_attention(void* stream, const CudaCall& call) {
  const auto rows = static_cast<unsigned>(call.rows_max);
  if (call.kernel == CudaKernel::combine) {
    return launch_kernel(stream, combine, call,
                         dim3(rows, static_cast<unsigned>(call.params.attention.n_heads)),
                         dim3(kThreads), 0);
  }
  const int shared_heads = call.params.attention.n_heads / call.params.attention.n_kv_heads;
  const int groups = (shared_heads + kGroup - 1) / kGroup;
  const bool half = call.in[1].element == kF16;
  const dim3 grid(static_cast<unsigned>(call.splits),
                  static_cast<unsigned>(call.params.attention.n_kv_heads * groups), rows);
  const auto bytes =
      static_cast<std::size_t>(layout_of(call.params.attention.head_dim, half ? 2 : 4).bytes);
  return half ? launch_kernel(stream, attention_split<std::uint16_t>, call, grid, dim3(kThreads),
                              bytes)
              : launch_kernel(stream, attention_split<float>, call, grid, dim3(kThreads), bytes);
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Enough of CUDA to run the backend's kernels on the CPU: a launch runs block by block, the threads
// of a block as fibers that take turns at barriers and warp operations. It proves arithmetic,
// bounds (with the address sanitizer), that every thread comes to every barrier, and that nothing
// but barriers is counted on (with the thread sanitizer); it proves nothing about speed.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "gpu/cuda/cuda_abi.h"

#define __device__
#define __host__
#define __global__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct int4 {
  int x, y, z, w;
};
struct float2 {
  float x, y;
};
struct float4 {
  float x, y, z, w;
};
inline int4 make_int4(int x, int y, int z, int w) {
  return {x, y, z, w};
}
inline float2 make_float2(float x, float y) {
  return {x, y};
}

namespace mneme::emulation {

// The thread that runs now, and its place.
extern dim3 thread_index;
extern dim3 block_index;
extern dim3 block_size;
extern dim3 grid_size;

void wait_for_block();
// All 32 lanes come with their argument; the last one to come runs `all` on them. `site` names the
// operation: lanes that meet at different ones have diverged, which ends the program.
using LaneFunction = void (*)(void* (&lanes)[32]);
// Orders nothing else that they do, as the instructions.
void wait_for_warp(const void* site, void* mine, LaneFunction all);
void order_warp();  // __syncwarp()

unsigned char* block_memory();  // as many bytes as the launch asked for

void copy_later(void* to, const void* from);  // 16 bytes, now or when they are waited for
void close_copy_group();
void wait_for_copies(int groups_left);

template <class T>
T shuffle(T value, int from_lane) {
  struct Mine {
    T value;
    int from;
    T result;
  } mine{value, from_lane, T{}};
  static const char site = 0;
  wait_for_warp(&site, &mine, [](void*(&lanes)[32]) {
    for (void* lane : lanes) {
      auto* one = static_cast<Mine*>(lane);
      one->result = static_cast<Mine*>(lanes[one->from])->value;
    }
  });
  return mine.result;
}

inline int lane() {
  return static_cast<int>(thread_index.x % 32);
}

}  // namespace mneme::emulation

#define threadIdx (::mneme::emulation::thread_index)
#define blockIdx (::mneme::emulation::block_index)
#define blockDim (::mneme::emulation::block_size)
#define gridDim (::mneme::emulation::grid_size)

inline void __syncthreads() {
  mneme::emulation::wait_for_block();
}
inline void __syncwarp() {
  mneme::emulation::order_warp();
}
template <class T>
T __shfl_xor_sync(unsigned, T value, int lanes) {
  return mneme::emulation::shuffle(value, mneme::emulation::lane() ^ lanes);
}

inline std::uint32_t __float_as_uint(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
inline float __uint_as_float(std::uint32_t x) {
  return std::bit_cast<float>(x);
}
inline int __float2int_rn(float x) {  // saturating, NaN to 0, as the instruction
  if (std::isnan(x)) return 0;
  const float rounded = std::nearbyint(x);
  if (rounded >= 2147483648.0f) return INT32_MAX;
  if (rounded < -2147483648.0f) return INT32_MIN;
  return static_cast<int>(rounded);
}
inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 4; ++i) {
    c += static_cast<std::int8_t>(a >> (8 * i)) * static_cast<std::int8_t>(b >> (8 * i));
  }
  return c;
}
inline std::uint32_t __funnelshift_r(std::uint32_t low, std::uint32_t high, unsigned shift) {
  return static_cast<std::uint32_t>((std::uint64_t{high} << 32 | low) >> (shift & 31u));
}

namespace mneme {

// half_to_float() and its like are the host's own (inference/base/half.h).
inline std::uint32_t pack_halves(float first, float second) {
  return float_to_half(first) | std::uint32_t{float_to_half(second)} << 16;
}
inline std::uint32_t pack_bfloats(float first, float second) {
  return float_to_bfloat(first) | std::uint32_t{float_to_bfloat(second)} << 16;
}

inline void cp_async16(void* shared, const void* global) {
  emulation::copy_later(shared, global);
}
inline void cp_async_commit() {
  emulation::close_copy_group();
}
template <int N>
void cp_async_wait() {
  emulation::wait_for_copies(N);
}

void ldmatrix_x4(std::uint32_t (&to)[4], const void* row);
void ldmatrix_x4_trans(std::uint32_t (&to)[4], const void* row);
void mma_half(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1);
void mma_bfloat(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1);

template <class T>
T* shared_memory() {
  return reinterpret_cast<T*>(emulation::block_memory());
}

using DeviceKernel = void (*)(CudaCall);
// As the module's: `stream` is what the emulated runtime gave to launch_call().
int launch_kernel(void* stream, DeviceKernel kernel, const CudaCall& call, dim3 grid, dim3 block,
                  std::size_t shared_bytes);

namespace emulation {
// Runs one launch to its end. Ends the program, with what happened, on a divergent barrier.
void run_kernel(DeviceKernel kernel, const CudaCall& call, dim3 grid, dim3 block,
                std::size_t shared_bytes);
}  // namespace emulation

}  // namespace mneme

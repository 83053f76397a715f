// SPDX-License-Identifier: Apache-2.0
// That the emulation sees the mistakes it is there for, and that its tensor cores multiply.
#include <cuda_emulation.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <vector>

namespace mneme {
namespace {

void run(DeviceKernel kernel, void* memory, unsigned blocks = 1) {
  CudaCall call;
  call.out.data = static_cast<unsigned char*>(memory);
  emulation::run_kernel(kernel, call, dim3(blocks), dim3(64), 1024);
}

__global__ void divergent_barrier(CudaCall) {
  if (threadIdx.x < 16) __syncthreads();
}
__global__ void divergent_shuffle(CudaCall) {
  if (threadIdx.x % 32 < 16) __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}

TEST(CudaEmulationDeathTest, ThreadsThatDoNotMeetEndTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run(divergent_barrier, nullptr), "divergent barrier");
  EXPECT_DEATH(run(divergent_shuffle, nullptr), "divergent barrier");
}

// A kernel that reads what another thread writes, without the barrier between.
__global__ void reads_its_neighbour(CudaCall call) {
  auto* shared = shared_memory<float>();
  shared[threadIdx.x] = 1.0f;
  reinterpret_cast<float*>(call.out.data)[threadIdx.x] = shared[threadIdx.x ^ 1u];
}

#if defined(__SANITIZE_THREAD__)
__global__ void takes_a_shuffle_for_a_barrier(CudaCall call) {
  auto* shared = shared_memory<float>();
  shared[threadIdx.x] = 1.0f;
  __shfl_xor_sync(0xffffffffu, 1.0f, 1);
  reinterpret_cast<float*>(call.out.data)[threadIdx.x] = shared[threadIdx.x ^ 1u];
}
__global__ void takes_its_warp_for_the_block(CudaCall call) {
  auto* shared = shared_memory<float>();
  shared[threadIdx.x] = 1.0f;
  __syncwarp();
  reinterpret_cast<float*>(call.out.data)[threadIdx.x] = shared[threadIdx.x ^ 32u];
}
__global__ void writes_where_every_block_does(CudaCall call) {
  reinterpret_cast<float*>(call.out.data)[threadIdx.x] = static_cast<float>(blockIdx.x);
}
// The copy begins while others may still read what was there.
__global__ void copies_too_early(CudaCall call) {
  auto* shared = shared_memory<float>();
  auto* out = reinterpret_cast<float*>(call.out.data);
  if (threadIdx.x == 0) shared[0] = 1.0f;
  __syncthreads();
  out[threadIdx.x] = shared[0];
  if (threadIdx.x == 0) cp_async16(shared, out);
  cp_async_commit();
  __syncthreads();
  cp_async_wait<0>();
}
__global__ void meets_before_it_reads(CudaCall call) {
  auto* shared = shared_memory<float>();
  auto* out = reinterpret_cast<float*>(call.out.data) + blockIdx.x * blockDim.x;
  shared[threadIdx.x] = 1.0f;
  __syncwarp();
  const float near = shared[threadIdx.x ^ 1u];
  __syncthreads();
  out[threadIdx.x] = near + shared[threadIdx.x ^ 32u];
}

TEST(CudaEmulationDeathTest, ARaceEndsTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  alignas(16) static float out[128];
  const auto race = testing::ExitedWithCode(66);
  const auto exits = [](DeviceKernel kernel) {
    run(kernel, out, 2);
    std::exit(0);
  };
  EXPECT_EXIT(exits(reads_its_neighbour), race, "data race");
  EXPECT_EXIT(exits(takes_a_shuffle_for_a_barrier), race, "data race");
  EXPECT_EXIT(exits(takes_its_warp_for_the_block), race, "data race");
  EXPECT_EXIT(exits(writes_where_every_block_does), race, "data race");
  EXPECT_EXIT(exits(copies_too_early), race, "data race");
  EXPECT_EXIT(exits(meets_before_it_reads), testing::ExitedWithCode(0), "");
}
#else
TEST(CudaEmulation, AMissingBarrierReadsWhatNobodyWrote) {
  std::vector<float> out(64);
  run(reads_its_neighbour, out.data());
  int unwritten = 0;
  for (const float x : out) unwritten += std::isnan(x) ? 1 : 0;
  EXPECT_EQ(unwritten, 32);
}
#endif

__global__ void reads_too_early(CudaCall call) {
  auto* shared = shared_memory<float>();
  auto* out = reinterpret_cast<float*>(call.out.data);
  if (threadIdx.x == 0) cp_async16(shared, out);
  cp_async_commit();
  if (threadIdx.x == 0) out[8] = shared[0];
  cp_async_wait<0>();
  if (threadIdx.x == 0) out[9] = shared[0];
}

TEST(CudaEmulation, AsynchronousCopiesArriveWhenTheyAreWaitedFor) {
  alignas(16) float memory[16] = {7};
  run(reads_too_early, memory);
  EXPECT_TRUE(std::isnan(memory[8]));
  EXPECT_EQ(memory[9], 7.0f);
}

// out: a [16][16] by rows, b [8][16] by columns as halves, then c [16][8].
struct Matrices {
  alignas(16) std::uint16_t a[16][16];
  alignas(16) std::uint16_t b[16][16];  // the upper 8 rows only fill ldmatrix's four matrices
  float c[16][8];
};
__global__ void multiplies(CudaCall call) {
  auto& m = *reinterpret_cast<Matrices*>(call.out.data);
  if (threadIdx.x >= 32) return;
  const int lane = static_cast<int>(threadIdx.x);
  std::uint32_t a[4];
  std::uint32_t b[4];
  ldmatrix_x4(a, &m.a[lane % 16][lane / 16 * 8]);
  ldmatrix_x4(b, &m.b[lane % 8 + lane / 16 * 8][lane / 8 % 2 * 8]);
  float c[4] = {};
  mma_half(c, a, b[0], b[1]);
  for (int i = 0; i < 4; ++i) m.c[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2] = c[i];
}

TEST(CudaEmulation, TensorCoresMultiply) {
  Matrices m{};
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 16; ++k) {
      m.a[i][k] = float_to_half(static_cast<float>(i * 3 - k));
      m.b[i][k] = float_to_half(static_cast<float>(i - k * 2));
    }
  }
  run(multiplies, &m);
  for (int i = 0; i < 16; ++i) {
    for (int n = 0; n < 8; ++n) {
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += static_cast<float>((i * 3 - k) * (n - k * 2));
      EXPECT_EQ(m.c[i][n], sum) << i << " " << n;
    }
  }
}

}  // namespace
}  // namespace mneme

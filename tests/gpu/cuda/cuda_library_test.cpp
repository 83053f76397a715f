// SPDX-License-Identifier: Apache-2.0
// NVIDIA's matrix products through stand-ins for its library: what they are asked is right, and
// where they cannot be used Mneme's own kernels do all, and the log says so once.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gpu/conformance/run_case.h"
#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/module/matrix_library.h"
#include "tests/gpu/cuda/one_product.h"
#include "tests/gpu/cuda_emulation/emulated_runtime.h"

namespace mneme {
namespace {

constexpr std::int64_t kWorkspaceBytes = 32 << 20;

const CudaApi& with_library(const char* file) {
  EmulatedCuda state;
  state.library = file;
  return emulated_cuda(state);
}

std::unique_ptr<Backend> open_with(const char* library) {
  return std::move(open_cuda_backend(&with_library(library), 0).value());
}

// A chunk of a prompt, as attention begins: products of the same rows, the last of them summed up.
OpCase chunk_of(std::int64_t tokens) {
  return {"chunk", tokens, 0, 0, [](OpHarness& h) {
            Op norm{OpKind::rms_norm};
            norm.params.rms_norm = {1e-5f, 64};
            norm.in = {h.input(64), h.constant(DType::f32, 1, 64)};
            norm.out = h.activation(64);
            const auto product = [&](std::int64_t out) {
              Op op{OpKind::matmul};
              op.in = {norm.out, h.constant(DType::bf16, out, 64)};
              op.out = h.output(out);
              return op;
            };
            Op last = product(48);
            last.out = h.activation(48);
            Op sum{OpKind::add};
            sum.in = {h.input(48), last.out};
            sum.out = sum.in[0];
            return OpChain(std::vector<Op>{norm, product(24), product(40), last, sum});
          }};
}

TEST(CudaLibrary, MakesProductsOfWholeSteps) {
  const auto backend = open_with(MNEME_CUBLASLT_MULTIPLIES);
  EXPECT_EQ(emulated_cuda_state().products, 1);  // for trial
  EXPECT_EQ(run_case(*backend, chunk_of(40), NumericMode::fast).failure, "");
  EXPECT_EQ(emulated_cuda_state().products, 4);
  EXPECT_EQ(emulated_cuda_state().launches, 2);  // the norm, one packing for all three
  EXPECT_EQ(run_case(*backend, chunk_of(40), NumericMode::exact).failure, "");
  EXPECT_EQ(run_case(*backend, chunk_of(8), NumericMode::fast).failure, "");
  EXPECT_EQ(emulated_cuda_state().products, 4);
  EXPECT_GE(backend->memory().held_max_bytes, std::uint64_t{kWorkspaceBytes});
}

TEST(CudaLibrary, TheTableHoldsWithIt) {
  const auto backend = open_with(MNEME_CUBLASLT_MULTIPLIES);
  for (const OpCase& c : conformance_cases()) {
    if (c.large || c.tokens <= 8) continue;
    EXPECT_EQ(run_case(*backend, c, NumericMode::fast).failure, "") << c.name;
  }
  EXPECT_GT(emulated_cuda_state().products, 1);
}

// Of a step that is not whole the library would make rows that nobody asked for.
TEST(CudaLibrary, LeavesPartsOfAStepToOurKernels) {
  const auto backend = open_with(MNEME_CUBLASLT_MULTIPLIES);
  OneProduct product(*backend, DType::bf16, 40, NumericMode::fast);
  const std::vector<float> whole = product.run(40);
  EXPECT_EQ(emulated_cuda_state().products, 2);
  const std::vector<float> part = product.run(30);
  EXPECT_EQ(emulated_cuda_state().products, 2);
  for (std::size_t i = 0; i < part.size(); ++i) {
    ASSERT_NEAR(part[i], whole[i], 1e-4f * (1 + std::fabs(whole[i])));
  }
}

TEST(CudaLibrary, IsFreedWithTheBackend) {
  ASSERT_TRUE(open_with(MNEME_CUBLASLT_MULTIPLIES));
  EXPECT_EQ(emulated_cuda_state().allocations, 0);
}

// The lines of the log that opening a device adds.
std::vector<std::string> said_about(const char* library) {
  const std::vector<LogLine> before = recent_log_lines();
  const auto backend = open_with(library);
  EXPECT_EQ(run_case(*backend, chunk_of(40), NumericMode::fast).failure, "") << library;
  EXPECT_LE(emulated_cuda_state().products, 1) << library;
  EXPECT_EQ(run_case(*backend, chunk_of(40), NumericMode::fast).failure, "") << library;
  std::vector<std::string> said;
  for (const LogLine& line : recent_log_lines(before.empty() ? 0 : before.back().number)) {
    said.push_back(line.text);
  }
  return said;
}

TEST(CudaLibrary, WhereItCannotBeUsedOurKernelsMultiplyAndTheLogSaysItOnce) {
  const std::pair<const char*, const char*> reasons[] = {
      {nullptr, "there is no cuBLASLt"},
      {"/nowhere/libcublasLt.so.13", "there is no cuBLASLt"},
      {MNEME_CUBLASLT_INCOMPLETE, "has no cublasLtMatmul:"},
      {MNEME_CUBLASLT_REFUSES, "refuses a product for trial"},
      {MNEME_CUBLASLT_WRONG, "made a product for trial wrong"}};
  for (const auto& [library, reason] : reasons) {
    const std::vector<std::string> said = said_about(library);
    ASSERT_EQ(said.size(), 1u) << reason;
    EXPECT_NE(said[0].find(reason), std::string::npos) << said[0];
    EXPECT_NE(said[0].find("own kernels"), std::string::npos) << said[0];
  }
}

TEST(CudaLibrary, WithoutRoomForItsWorkspaceItIsNotUsed) {
  EmulatedCuda small;
  small.library = MNEME_CUBLASLT_MULTIPLIES;
  small.room_bytes = kWorkspaceBytes - 1;
  const auto backend = std::move(open_cuda_backend(&emulated_cuda(small), 0).value());
  EXPECT_EQ(run_case(*backend, chunk_of(40), NumericMode::fast).failure, "");
  EXPECT_EQ(emulated_cuda_state().products, 0);
}

// A call that fails while the library is opened costs the library, a later one the step; nothing
// stays taken.
TEST(CudaLibrary, EveryCallMayFail) {
  std::int64_t n = 0;
  for (bool reached = true; reached; ++n) {
    EmulatedCuda faulty;
    faulty.library = MNEME_CUBLASLT_MULTIPLIES;
    faulty.calls_left = n;
    faulty.once = true;
    faulty.error = 700;
    const CudaApi& api = emulated_cuda(faulty);
    if (const auto backend = open_cuda_backend(&api, 0)) {
      const bool with_library = emulated_cuda_state().calls_left >= 0;
      const std::string failure = run_case(**backend, chunk_of(16), NumericMode::fast).failure;
      reached = emulated_cuda_state().calls > n;
      EXPECT_EQ(failure.empty(), !with_library || !reached) << "call " << n;
    }
    EXPECT_EQ(emulated_cuda_state().allocations, 0) << "call " << n;
  }
  EXPECT_GT(n, 20);
}

TEST(CudaLibrary, TheListOfDevicesSaysWhetherItIsThere) {
  EXPECT_EQ(list_cuda_devices(&with_library(MNEME_CUBLASLT_MULTIPLIES))[0].driver,
            "CUDA 13.0; cuBLASLt 13.2.7");
  EXPECT_EQ(list_cuda_devices(&emulated_cuda())[0].driver, "CUDA 13.0; there is no cuBLASLt");
}

// Where NVIDIA's own library is installed: that it has what is used. Needs no device.
TEST(CudaLibrary, TheRealOneHasAllThatIsUsed) {
  const char* const files[] = {"libcublasLt.so.13", "libcublasLt.so.12", nullptr};
  char says[256];
  const int error = find_matrix_library(files, says, sizeof says);
  if (error != 0 && std::string(says) == "there is no cuBLASLt") GTEST_SKIP() << says;
  EXPECT_EQ(error, 0) << says;
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// What a user is told when the module, the driver or a device does not do its part; nothing
// crashes, and nothing that was taken stays taken.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "gpu/conformance/run_case.h"
#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/cuda_module.h"
#include "gpu/registry.h"
#include "tests/gpu/case_named.h"
#include "tests/gpu/cuda_emulation/emulated_runtime.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

// The reason that the list gives, which must also be in the error of opening the first device.
std::string reason_of(const Result<const CudaApi*>& module) {
  const auto listed = list_cuda_devices(module);
  const auto opened = open_cuda_backend(module, 0);
  EXPECT_FALSE(opened);
  EXPECT_EQ(listed.size(), 1u);
  EXPECT_NE(opened.error().message.find(listed[0].unusable), std::string::npos);
  EXPECT_EQ(opened.error().message.find('\n'), std::string::npos);
  return listed[0].unusable;
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(CudaModule, WithoutTheModuleTheReasonSaysSo) {
  EXPECT_TRUE(says(reason_of(load_cuda_module({"/nowhere/mneme_cuda.so"})), "is not installed"));
}

TEST(CudaModule, AFileThatIsNoLibraryIsRefused) {
  const TemporaryFolder folder;
  const auto path = std::filesystem::path(folder.path()) / "mneme_cuda.so";
  std::ofstream(path) << "not a library";
  EXPECT_TRUE(says(reason_of(load_cuda_module({path})), "cannot be loaded"));
}

TEST(CudaModule, AModuleOfAnotherVersionIsRefused) {
  const std::string reason = reason_of(load_cuda_module({MNEME_OLD_CUDA_MODULE}));
  EXPECT_TRUE(says(reason, "was built for Mneme 0.0.1/1")) << reason;
  EXPECT_TRUE(says(reason, kCudaModuleVersion)) << reason;
}

TEST(CudaModule, ALibraryOfSomethingElseIsRefused) {
  EXPECT_TRUE(says(reason_of(load_cuda_module({MNEME_OTHER_MODULE})), "is no CUDA module"));
}

// The module as this build made it, on a machine with or without a driver.
TEST(CudaModule, LoadsWithoutADriverAndSaysWhatIsMissing) {
  const auto module = load_cuda_module(cuda_module_paths());
  if (!module) GTEST_SKIP() << module.error().message;
  const auto devices = list_cuda_devices(module);
  ASSERT_FALSE(devices.empty());
  if (devices[0].unusable.empty()) GTEST_SKIP() << "there is a device: " << devices[0].name;
  EXPECT_TRUE(says(devices[0].unusable, "driver") || says(devices[0].unusable, "device"));
}

TEST(CudaFault, WithoutADriverOrADeviceTheReasonIsOneLine) {
  EmulatedCuda none;
  none.count_error = 35;
  EXPECT_TRUE(says(reason_of(&emulated_cuda(none)), "no NVIDIA driver, or one older"));
  none.count_error = 100;
  EXPECT_TRUE(says(reason_of(&emulated_cuda(none)), "no NVIDIA device"));
  none.count_error = 999;
  EXPECT_TRUE(says(reason_of(&emulated_cuda(none)), "(CUDA error 999)"));
}

TEST(CudaFault, ADeviceBelowTheFloorSaysWhatItLacks) {
  EmulatedCuda old;
  old.old_device = 0;
  EXPECT_TRUE(says(reason_of(&emulated_cuda(old)), "7.5, at least 8.0"));
}

TEST(CudaFault, OfTwoDevicesTheOneThatWorksIsUsed) {
  EmulatedCuda two;
  two.devices = 2;
  two.broken_device = 0;
  const CudaApi& api = emulated_cuda(two);
  const auto devices = list_cuda_devices(&api);
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_TRUE(says(devices[0].unusable, "cannot be opened"));
  EXPECT_TRUE(devices[1].unusable.empty());
  EXPECT_EQ(devices[1].id, "cuda:1");
  EXPECT_FALSE(open_cuda_backend(&api, 0));
  const auto backend = open_cuda_backend(&api, 1);
  ASSERT_TRUE(backend);
  EXPECT_EQ(run_case(**backend, case_named("rms_norm_64_0"), NumericMode::fast).failure, "");
  EXPECT_TRUE(says(open_cuda_backend(&api, 2).error().message, "this machine has 2"));
}

// Every call that can fail does once, for each of several ops: the failure is told, the device
// works for the next who asks, and nothing stays taken.
TEST(CudaFault, EveryCallMayFail) {
  for (const char* name : {"matmul_Q4_1_2x64x31", "matmul_F16_17x96x65", "rope_5_factors",
                           "attention_F16_1at0_1over1x8", "table_decode_mixed_9x2x3x32",
                           "short_conv_1x24_at2_F32", "fused_gate_conv_F32_5at2_4x24_4taps"}) {
    const OpCase& row = case_named(name);
    for (const int error : {2, 700}) {  // out of memory, a lost device
      std::int64_t n = 0;
      for (bool reached = true; reached; ++n) {
        EmulatedCuda faulty;
        faulty.calls_left = n;
        faulty.once = true;
        faulty.error = error;
        const CudaApi& api = emulated_cuda(faulty);
        if (auto backend = open_cuda_backend(&api, 0)) {
          const std::string failure = run_case(**backend, row, NumericMode::fast, 1).failure;
          reached = emulated_cuda_state().calls > n;
          EXPECT_EQ(failure.empty(), !reached) << name << ", call " << n;
          if (reached && n % 5 == 0) {
            EXPECT_EQ(run_case(**backend, row, NumericMode::fast).failure, "") << name;
          }
        }
        EXPECT_EQ(emulated_cuda_state().allocations, 0) << name << ", call " << n;
      }
      EXPECT_GT(n, 10) << name;
    }
  }
}

TEST(CudaFault, OutOfMemoryNamesTheSum) {
  const CudaApi& api = emulated_cuda();
  auto backend = std::move(open_cuda_backend(&api, 0).value());
  emulated_cuda_state().calls_left = 0;
  const auto buffer = backend->alloc(300'000'000, MemoryKind::device);
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().code, ErrorCode::out_of_memory);
  EXPECT_TRUE(says(buffer.error().message, "300.0 MB do not fit")) << buffer.error().message;
  EXPECT_TRUE(says(buffer.error().message, "536.9 of 1073.7 MB are free"))
      << buffer.error().message;
  emulated_cuda_state().calls_left = -1;
}

}  // namespace
}  // namespace mneme

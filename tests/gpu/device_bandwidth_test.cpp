// SPDX-License-Identifier: Apache-2.0
#include "gpu/device_bandwidth.h"

#include <gtest/gtest.h>

#include "gpu/cpu/bandwidth.h"
#include "gpu/registry.h"

namespace mneme {
namespace {

TEST(DeviceBandwidth, IsThatOfTheBackend) {
  auto backend = open_backend({});
  ASSERT_TRUE(backend) << backend.error().message;
  const auto gb_s = measure_device_bandwidth_gb_s(**backend);
  ASSERT_TRUE(gb_s) << gb_s.error().message;
  EXPECT_GT(*gb_s, 0);
}

TEST(ReadBandwidth, LeavesAMachineThatHasLittleRamMostOfIt) {
  constexpr std::uint64_t kMiB = 1 << 20;
  EXPECT_EQ(bandwidth_buffer_bytes(64'000 * kMiB), 512 * kMiB);
  EXPECT_EQ(bandwidth_buffer_bytes(1000 * kMiB), 250 * kMiB);
  EXPECT_EQ(bandwidth_buffer_bytes(256 * kMiB), 64 * kMiB);
  EXPECT_EQ(bandwidth_buffer_bytes(255 * kMiB), 0u);
  EXPECT_EQ(bandwidth_buffer_bytes(0), 0u);
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "gpu/device_bandwidth.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mneme

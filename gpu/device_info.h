// SPDX-License-Identifier: Apache-2.0
// A device that a model could run on, as plain data for lists and for `--device`.
#pragma once

#include <cstdint>
#include <string>

namespace mneme {

struct DeviceInfo {
  std::string id;      // "cpu", "vulkan:0": what --device takes
  std::string name;    // "NVIDIA H100"
  std::string driver;  // with its version; empty for the CPU
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
  bool automatic = false;  // `auto` may choose it: a real GPU that can be used
  std::string unusable;    // why it cannot be used; empty: it can
};

}  // namespace mneme

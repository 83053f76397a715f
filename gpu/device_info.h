// SPDX-License-Identifier: Apache-2.0
// A device that a model could run on, as plain data for lists and for `--device`.
#pragma once

#include <cstdint>
#include <string>

namespace mneme {

// Which devices are asked for. Looking at a device means creating it, which loads much and takes memory.
enum class DeviceList : std::uint8_t {
  all,        // also what cannot be used, with the reason
  automatic,  // only what `auto` may choose: no processor that plays a GPU is touched
};

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

// SPDX-License-Identifier: Apache-2.0
// The machine's Vulkan with faults: functions of a test's choice stand in front of the driver's.
// One at a time, since Vulkan's functions carry no context.
#pragma once

#include <memory>

#include "gpu/vulkan/api.h"

namespace mneme {

struct VulkanFaults {
  int devices = 1;           // 2: the driver's first device is shown twice
  int faulty = 0;            // which of them has the faults of a device
  bool discrete = false;     // all say that they are graphics cards
  bool integer_dot = false;  // all say that their hardware makes dot products of bytes
  bool no_driver = false;    // vkCreateInstance finds none
  bool no_devices = false;   // the list of devices is empty
  // Of a device:
  bool old_driver = false;  // it offers Vulkan 1.1
  bool no_16_bit_storage = false;
  bool cannot_open = false;
  bool no_timestamps = false;
  long lose_at_submit = -1;      // this submission (from 0) and all calls after it find it lost
  bool lose_at_wait = false;     // the loss is told by the wait for that submission
  std::uint64_t heap_bytes = 0;  // above 0: memory heaps are this large
  // Of any device: of the calls that may lack memory, this one (from 0) fails.
  long fail_call = -1;
};

class FaultyVulkan {
 public:
  explicit FaultyVulkan(const VulkanFaults& faults);
  ~FaultyVulkan();
  FaultyVulkan(const FaultyVulkan&) = delete;
  FaultyVulkan& operator=(const FaultyVulkan&) = delete;

  VulkanLoader loader() const;
  static long calls();       // that may lack memory, so far
  static long submits();     // to the faulty device, so far
  static long dispatches();  // recorded so far
  static long waits();       // recorded so far: of dispatches for what dispatches before them did
};

// Null where this machine has no Vulkan device: then why.
std::string no_vulkan_reason();

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Processor time of the calling thread: for work that waits for nothing, on a machine that others use too.
#pragma once

#include <ctime>

namespace mneme {

inline double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace mneme

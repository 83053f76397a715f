// SPDX-License-Identifier: Apache-2.0
// The end of an engine waits for what is at the drive, and a drive may take for ever.
#pragma once

#include <chrono>

#include "inference/run/engine.h"

namespace mneme {

// Waits until no read is under way: true; false after `atMost`. Nothing new is being asked for.
bool settleReads(const Engine& engine, std::chrono::milliseconds atMost);

}  // namespace mneme

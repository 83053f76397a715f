// SPDX-License-Identifier: Apache-2.0
// What a process of its own finds out about this machine for the window: drivers of GPUs load
// hundreds of megabytes that stay with a process until it ends, and may crash; measuring the RAM
// fills it. The window starts its own program with a question, which answers with one line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/device_info.h"

namespace mneme {

// As the first argument, with a question behind it, it makes a program answer and end.
inline constexpr const char* kAnswerFlag = "--answer-about-machine";

std::vector<std::string> ask_for_devices();
std::vector<std::string> ask_for_ram_speed();
std::vector<std::string> ask_for_device_speed(const std::string& device);

// In the process that answers, before anything else: the exit code that main() returns. Nothing: it
// was not started to answer.
std::optional<int> answer_about_machine(int argc, const char* const* argv);

// What the answer says. Errors: its own; corrupt where it is none.
Result<std::vector<DeviceInfo>> devices_in(std::string_view answer);
Result<double> speed_in(std::string_view answer);  // GB/s

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// How a command is stopped: by Ctrl+C, or because its output is lost. The first stops what runs and
// keeps what is done; a second Ctrl+C ends the program at once.
#pragma once

#include <atomic>
#include <functional>
#include <string>

namespace mneme::cli {

// From here on Ctrl+C sets the flag that is returned, and ends nothing by itself.
const std::atomic<bool>* catch_interrupt();

// To hand to generate() and evaluate().
const std::atomic<bool>* interrupt_flag();
bool was_interrupted();
void clear_interrupt();

// What a command waits for that is told to stop and does not, in words: "" = not known. Asked by a
// thread of its own, until the next call.
void set_wait_reason(std::function<std::string()> reason);

// As Ctrl+C does, for good.
void stop_command();

}  // namespace mneme::cli

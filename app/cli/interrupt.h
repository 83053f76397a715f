// SPDX-License-Identifier: Apache-2.0
// How a command is stopped: by Ctrl+C, or because its output is lost. The first stops what runs and
// keeps what is done; a second Ctrl+C ends the program at once.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/result.h"

namespace mneme::cli {

// To hand to whatever takes a flag to cancel. From the first call on Ctrl+C sets it and ends
// nothing by itself, so whoever calls this looks at the flag.
const std::atomic<bool>* interrupt_flag();
// The same for loops: the error that a stopped command ends with once the flag is set.
Status check_interrupt();
bool was_interrupted();
void clear_interrupt();

// `reason` says in words what the command waits for, "" = not known; printed where a command was
// told to stop and does not. A thread of its own calls it, until the next set_wait_reason().
void set_wait_reason(std::function<std::string()> reason);

// Sets the flag as Ctrl+C does; clear_interrupt() does not clear it any more.
void stop_command();

}  // namespace mneme::cli

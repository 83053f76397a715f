// SPDX-License-Identifier: Apache-2.0
// We throw nothing; the standard library does where the system has no memory or no thread to give.
// At the public functions of a library such an exception becomes an Error, and what comes past them
// ends the program with a sentence instead of an abort.
#pragma once

#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace mneme {

// In a catch (...): what was thrown, as an Error.
Error caught_error();

// The Result of `function`, or the Error of what it threw.
template <typename Function>
std::invoke_result_t<Function> without_exceptions(Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (...) {
    return caught_error();
  }
}

// A thread of that name (of which 15 characters count). Errors: out_of_memory, where the system
// gives no more of them.
template <typename Function>
Result<std::thread> start_thread(const char* name, Function&& body);

// Once, early in main(): an exception that nothing catches, on whatever thread, ends the program
// with "<program>: <sentence>" on stderr and exit code 1.
void end_with_a_sentence(const char* program);

// ---- implementation ----------------------------------------------------------------------------

namespace detail {
void name_thread(std::thread& thread, const char* name);
}

template <typename Function>
Result<std::thread> start_thread(const char* name, Function&& body) {
  try {
    std::thread thread(std::forward<Function>(body));
    detail::name_thread(thread, name);
    return thread;
  } catch (...) {
    return caught_error();
  }
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// CHECK: a broken promise between pieces of our own code ends the program with its place.
// Never used on input from outside: that gets a Result. Include this header last where a library
// (GoogleTest, Catch) might define the same names.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace mneme::detail {
[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}
}  // namespace mneme::detail

#define CHECK(condition)                               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::mneme::detail::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif

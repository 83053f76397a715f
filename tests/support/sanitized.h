// SPDX-License-Identifier: Apache-2.0
// Whether this build runs under a sanitizer, for tests that would take minutes there.
#pragma once

namespace mneme {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace mneme

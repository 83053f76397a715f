// SPDX-License-Identifier: Apache-2.0
#include "tests/engram/counted_locks.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>

namespace {

thread_local std::uint64_t g_locks = 0;

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounted = false;
#else
constexpr bool kCounted = true;

// In place of the C library's, which it calls; std::mutex comes here too.
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  using Lock = int (*)(pthread_mutex_t*);
  static std::atomic<Lock> known = nullptr;  // the same, whichever thread finds it first
  Lock lock = known;
  if (lock == nullptr) {
    lock = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    known = lock;
  }
  ++g_locks;
  return lock(mutex);
}
#endif

namespace mneme {

bool locks_are_counted() {
  return kCounted;
}

std::uint64_t locks_of_this_thread() {
  return g_locks;
}

}  // namespace mneme

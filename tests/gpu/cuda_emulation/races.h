// SPDX-License-Identifier: Apache-2.0
// What the thread sanitizer is told of a launch: each thread of a block is a thread to it, ordered
// with others by barriers alone. Nothing in other builds. fibers.cpp itself is not instrumented.
#pragma once

#if defined(MNEME_SEES_RACES)
#include <sanitizer/tsan_interface.h>

extern "C" {
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void __tsan_read16(void* address);
void __tsan_write16(void* address);
}

namespace mneme::emulation::races {

class Thread {
 public:
  Thread() : thread_(__tsan_create_fiber(0)) {}
  ~Thread() { __tsan_destroy_fiber(thread_); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  // Just before the switch itself, which orders nothing.
  void switch_to() const { __tsan_switch_to_fiber(thread_, __tsan_switch_to_fiber_no_sync); }

 private:
  void* thread_;
};

class Caller {  // the thread that launches
 public:
  void is_this() { thread_ = __tsan_get_current_fiber(); }
  void switch_to() const { __tsan_switch_to_fiber(thread_, __tsan_switch_to_fiber_no_sync); }

 private:
  void* thread_ = nullptr;
};

// What came before a release() comes before what follows an acquire() of the same.
inline void release(void* barrier) {
  __tsan_release(barrier);
}
inline void acquire(void* barrier) {
  __tsan_acquire(barrier);
}

inline void read16(const void* address) {
  __tsan_read16(const_cast<void*>(address));
}
inline void write16(void* address) {
  __tsan_write16(address);
}

// The emulation's own work between them.
struct Unseen {
  Unseen() { AnnotateIgnoreWritesBegin(__FILE__, __LINE__); }
  ~Unseen() { AnnotateIgnoreWritesEnd(__FILE__, __LINE__); }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
};

}  // namespace mneme::emulation::races

#else

namespace mneme::emulation::races {

struct Thread {
  void switch_to() const {}
};
struct Caller {
  void is_this() {}
  void switch_to() const {}
};
inline void release(void*) {}
inline void acquire(void*) {}
inline void read16(const void*) {}
inline void write16(void*) {}
struct Unseen {
  Unseen() {}
  ~Unseen() {}
};

}  // namespace mneme::emulation::races

#endif

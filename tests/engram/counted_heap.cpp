// SPDX-License-Identifier: Apache-2.0
// Apart from the code that is counted: where a compiler sees both halves of a pair inlined, it
// takes malloc for a mistake.
#include "tests/engram/counted_heap.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t g_allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++g_allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace mneme {

std::uint64_t allocations_of_this_thread() {
  return g_allocations;
}

}  // namespace mneme

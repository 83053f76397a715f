// SPDX-License-Identifier: Apache-2.0
// What happens when a page of a mapped file cannot be read, because the file was cut off meanwhile
// or its drive fails: the system sends SIGBUS, which ends a program. Here pages of zeros take the
// place of that page and of all behind it in the same mapping, the mapping is marked, and the
// program goes on: users of the mapping look at the mark before they trust what they read.
// SIGBUS at any other address does what it did before.
#pragma once

#include <cstddef>

namespace mneme {

class WatchedMapping {
 public:
  // Of `bytes` bytes that mmap() returned. The first one installs the signal handler.
  WatchedMapping(const void* begin, std::size_t bytes);
  ~WatchedMapping();  // before munmap()
  WatchedMapping(const WatchedMapping&) = delete;
  WatchedMapping& operator=(const WatchedMapping&) = delete;

  bool faulted() const;  // any thread

  struct Entry;

 private:
  Entry* entry_;
};

}  // namespace mneme

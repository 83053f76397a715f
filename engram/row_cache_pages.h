// SPDX-License-Identifier: Apache-2.0
// Address space that is reserved once and never moves, for arrays of gigabytes that grow and shrink
// while other threads look at them: what was committed can be read until the end. Pages that were
// never touched cost nothing, and what is dropped is given back at once.
#pragma once

#include <cstddef>

namespace mneme {

class Pages {
 public:
  Pages() = default;
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  // Once, before the rest. False: the system refuses, nothing changed.
  [[nodiscard]] bool reserve(std::size_t bytes);
  std::size_t reserved_bytes() const { return size_; }

  // [0, bytes) may be used from now on; new bytes are zero. Less than before changes nothing.
  // False: more than was reserved, or the system has no memory to give.
  [[nodiscard]] bool commit(std::size_t bytes);

  // Gives back what was committed from `from` on, in whole pages: they read as zero. The page that
  // `end` lies in goes too, since nothing behind it is used.
  void drop(std::size_t from, std::size_t end);

  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t committed_ = 0;  // a multiple of the page
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Zeroed memory straight from the system, for arrays of gigabytes that grow and shrink: pages that
// were never touched cost nothing, and what is cut off is given back at once.
#pragma once

#include <cstddef>

namespace mneme {

class Pages {
 public:
  Pages() = default;
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  // Keeps what fits; what is new is zero; the address may change. False: the system has no memory
  // to give, nothing changed.
  [[nodiscard]] bool resize(std::size_t bytes);

  std::byte* data() const { return data_; }
  std::size_t size_bytes() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;  // a multiple of the page
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/row_cache_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <limits>
#include <utility>

namespace mneme {

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Pages& Pages::operator=(Pages&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Pages::~Pages() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

bool Pages::resize(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (bytes > std::numeric_limits<std::size_t>::max() - page) return false;
  const std::size_t wanted = (bytes + page - 1) / page * page;
  if (wanted == size_) return true;
  if (wanted == 0) {
    ::munmap(data_, size_);
    data_ = nullptr;
    size_ = 0;
    return true;
  }
  void* memory = data_ == nullptr ? ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                  : ::mremap(data_, size_, wanted, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) return false;
  data_ = static_cast<std::byte*>(memory);
  size_ = wanted;
  return true;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/row_cache_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/round_up.h"

namespace mneme {
namespace {

constexpr std::size_t kHugePage = 2 << 20;

std::size_t page_bytes() {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return page;
}

}  // namespace

Pages::~Pages() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

bool Pages::reserve(std::size_t bytes) {
  CHECK(data_ == nullptr);
  if (bytes == 0 || bytes > std::numeric_limits<std::size_t>::max() - 2 * kHugePage) return false;
  const std::size_t size = round_up(bytes, kHugePage);
  void* const memory = ::mmap(nullptr, size + kHugePage, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  // Begins at a huge page: rows are looked up at random, so their pages' addresses are worth it.
  auto* const begin = static_cast<std::byte*>(memory);
  const std::size_t before = round_up(reinterpret_cast<std::size_t>(begin), kHugePage) -
                             reinterpret_cast<std::size_t>(begin);
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + size, kHugePage - before);
  data_ = begin + before;
  size_ = size;
  ::madvise(data_, size_, MADV_HUGEPAGE);
  return true;
}

bool Pages::commit(std::size_t bytes) {
  if (bytes <= committed_) return true;
  if (bytes > size_) return false;
  const std::size_t wanted = round_up(bytes, page_bytes());
  if (::mprotect(data_ + committed_, wanted - committed_, PROT_READ | PROT_WRITE) != 0)
    return false;
  committed_ = wanted;
  return true;
}

void Pages::drop(std::size_t from, std::size_t end) {
  const std::size_t begin = round_up(from, page_bytes());
  const std::size_t last = std::min(round_up(end, page_bytes()), committed_);
  if (begin < last) ::madvise(data_ + begin, last - begin, MADV_DONTNEED);
}

}  // namespace mneme

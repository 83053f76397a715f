// SPDX-License-Identifier: Apache-2.0
// Linux native asynchronous I/O on one file past the page cache, through the system calls
// themselves (libaio adds nothing but names to them).
#pragma once

#include <linux/aio_abi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "inference/base/file.h"
#include "inference/base/result.h"

namespace mneme {

class NativeAio {
 public:
  static constexpr std::size_t kPage = 4096;

  // Reads of at most `pages` pages each, `depth` of them at a time.
  static Result<NativeAio> open(const std::string& path, unsigned depth, unsigned pages);
  NativeAio(NativeAio&& other) noexcept;
  NativeAio& operator=(NativeAio&&) = delete;
  ~NativeAio();

  // Queues a read into the buffer of `slot` (0..depth-1); submit() sends what was queued.
  void queue(unsigned slot, std::uint64_t page, unsigned pages);
  Status submit();
  // Waits for at least one; `done` gets the slots. Errors: io.
  Status collect(std::vector<unsigned>& done);
  const std::byte* buffer(unsigned slot) const;

 private:
  NativeAio(File file, aio_context_t context, unsigned depth, unsigned pages);
  struct Free {
    void operator()(std::byte* memory) const;
  };

  File file_;
  aio_context_t context_ = 0;
  unsigned pages_;
  std::vector<iocb> blocks_;  // [depth]
  std::vector<iocb*> queued_;
  std::vector<io_event> events_;
  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace mneme

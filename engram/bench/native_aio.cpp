// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/native_aio.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "inference/base/check.h"

namespace mneme {

void NativeAio::Free::operator()(std::byte* memory) const {
  std::free(memory);
}

Result<NativeAio> NativeAio::open(const std::string& path, unsigned depth, unsigned pages) {
  auto file = File::open(path, File::Mode::direct);
  if (!file) return file.error();
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, depth, &context) != 0) {
    return Error{ErrorCode::unsupported,
                 fmt::format("the system refuses asynchronous reads: {}", std::strerror(errno))};
  }
  return NativeAio(std::move(*file), context, depth, pages);
}

NativeAio::NativeAio(File file, aio_context_t context, unsigned depth, unsigned pages)
    : file_(std::move(file)),
      context_(context),
      pages_(pages),
      blocks_(depth),
      events_(depth),
      memory_(static_cast<std::byte*>(std::aligned_alloc(kPage, depth * pages * kPage))) {
  CHECK(memory_ != nullptr);
}

NativeAio::NativeAio(NativeAio&& other) noexcept
    : file_(std::move(other.file_)),
      context_(std::exchange(other.context_, 0)),
      pages_(other.pages_),
      blocks_(std::move(other.blocks_)),
      queued_(std::move(other.queued_)),
      events_(std::move(other.events_)),
      memory_(std::move(other.memory_)) {}

NativeAio::~NativeAio() {
  if (context_ != 0) ::syscall(SYS_io_destroy, context_);
}

const std::byte* NativeAio::buffer(unsigned slot) const {
  return memory_.get() + std::size_t{slot} * pages_ * kPage;
}

void NativeAio::queue(unsigned slot, std::uint64_t page, unsigned pages) {
  DCHECK(pages <= pages_);
  iocb& block = blocks_[slot];
  block = {};
  block.aio_data = slot;
  block.aio_fildes = static_cast<std::uint32_t>(file_.descriptor());
  block.aio_lio_opcode = IOCB_CMD_PREAD;
  block.aio_buf = reinterpret_cast<std::uint64_t>(buffer(slot));
  block.aio_nbytes = pages * kPage;
  block.aio_offset = static_cast<std::int64_t>(page * kPage);
  queued_.push_back(&block);
}

Status NativeAio::submit() {
  std::size_t sent = 0;
  while (sent < queued_.size()) {
    const long n = ::syscall(SYS_io_submit, context_, queued_.size() - sent, queued_.data() + sent);
    if (n < 0 && errno != EINTR) {
      return Error{ErrorCode::io,
                   fmt::format("cannot read {}: {}", file_.path(), std::strerror(errno))};
    }
    if (n > 0) sent += static_cast<std::size_t>(n);
  }
  queued_.clear();
  return {};
}

Status NativeAio::collect(std::vector<unsigned>& done) {
  done.clear();
  const long n = ::syscall(SYS_io_getevents, context_, 1, events_.size(), events_.data(), nullptr);
  if (n < 0 && errno == EINTR) return {};
  for (long i = 0; i < n; ++i) {
    const io_event& event = events_[static_cast<std::size_t>(i)];
    if (event.res < 0) {
      return Error{ErrorCode::io, fmt::format("cannot read {}: {}", file_.path(),
                                              std::strerror(static_cast<int>(-event.res)))};
    }
    done.push_back(static_cast<unsigned>(event.data));
  }
  return {};
}

}  // namespace mneme

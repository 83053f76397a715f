// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/drive_reads.h"

#include <fmt/format.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/file.h"

namespace mneme {
namespace {

// Linux native asynchronous I/O on one file, through the system calls themselves (libaio adds
// nothing but names to them).
class AsyncReads {
 public:
  static Result<AsyncReads> open(const std::string& path, unsigned depth,
                                 std::uint64_t read_bytes) {
    auto file = File::open(path, File::Mode::direct);
    if (!file) return file.error();
    aio_context_t context = 0;
    if (::syscall(SYS_io_setup, depth, &context) != 0) {
      return Error{ErrorCode::unsupported,
                   fmt::format("the system refuses asynchronous reads: {}", std::strerror(errno))};
    }
    return AsyncReads(std::move(*file), context, depth, read_bytes);
  }
  AsyncReads(AsyncReads&& other) noexcept
      : file_(std::move(other.file_)),
        context_(std::exchange(other.context_, 0)),
        read_bytes_(other.read_bytes_),
        blocks_(std::move(other.blocks_)),
        queued_(std::move(other.queued_)),
        events_(std::move(other.events_)),
        memory_(std::move(other.memory_)) {}
  AsyncReads& operator=(AsyncReads&&) = delete;
  ~AsyncReads() {
    if (context_ != 0) ::syscall(SYS_io_destroy, context_);
  }

  // Queues a read into the buffer of `slot` (0..depth-1); submit() sends what was queued.
  void queue(unsigned slot, std::uint64_t page) {
    iocb& block = blocks_[slot];
    block = {};
    block.aio_data = slot;
    block.aio_fildes = static_cast<std::uint32_t>(file_.descriptor());
    block.aio_lio_opcode = IOCB_CMD_PREAD;
    block.aio_buf = reinterpret_cast<std::uint64_t>(memory_.get() + slot * read_bytes_);
    block.aio_nbytes = read_bytes_;
    block.aio_offset = static_cast<std::int64_t>(page * kDrivePageBytes);
    queued_.push_back(&block);
  }

  Status submit() {
    std::size_t sent = 0;
    while (sent < queued_.size()) {
      const long n =
          ::syscall(SYS_io_submit, context_, queued_.size() - sent, queued_.data() + sent);
      if (n < 0 && errno != EINTR) return read_error(errno);
      if (n > 0) sent += static_cast<std::size_t>(n);
    }
    queued_.clear();
    return {};
  }

  // Waits for a read, for some time; `done` gets the slots of those that are there. Errors: io.
  Status collect(std::vector<unsigned>& done) {
    done.clear();
    timespec most{0, 50'000'000};
    const long n = ::syscall(SYS_io_getevents, context_, 1, events_.size(), events_.data(), &most);
    if (n < 0 && errno != EINTR) return read_error(errno);
    for (long i = 0; i < n; ++i) {
      const io_event& event = events_[static_cast<std::size_t>(i)];
      if (event.res < 0) return read_error(static_cast<int>(-event.res));
      done.push_back(static_cast<unsigned>(event.data));
    }
    return {};
  }

 private:
  AsyncReads(File file, aio_context_t context, unsigned depth, std::uint64_t read_bytes)
      : file_(std::move(file)),
        context_(context),
        read_bytes_(read_bytes),
        blocks_(depth),
        events_(depth),
        memory_(static_cast<std::byte*>(std::aligned_alloc(kDrivePageBytes, depth * read_bytes))) {
    CHECK(memory_ != nullptr);
  }

  Error read_error(int reason) const {
    return {ErrorCode::io, fmt::format("cannot read {}: {}", file_.path(), std::strerror(reason))};
  }

  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  File file_;
  aio_context_t context_ = 0;
  std::uint64_t read_bytes_;
  std::vector<iocb> blocks_;  // [depth]
  std::vector<iocb*> queued_;
  std::vector<io_event> events_;
  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace

Result<DriveReads> measure_drive_reads(const std::string& path,
                                       std::span<const std::uint64_t> first_pages,
                                       const DriveReadsOptions& options) {
  CHECK(!first_pages.empty());
  auto reads = AsyncReads::open(path, options.depth, options.pages_per_read * kDrivePageBytes);
  if (!reads) return reads.error();
  std::mt19937_64 random(options.seed);
  const auto any_page = [&] { return first_pages[random() % first_pages.size()]; };
  const auto cancelled = [&] {
    return options.cancel != nullptr && options.cancel->load(std::memory_order_relaxed);
  };
  const auto start = std::chrono::steady_clock::now();
  const auto seconds_passed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (unsigned slot = 0; slot < options.depth; ++slot) reads->queue(slot, any_page());
  RETURN_IF_ERROR(reads->submit());
  DriveReads result;
  std::vector<unsigned> done;
  std::uint64_t count = 0;
  std::size_t in_flight = options.depth;
  double passed = 0;  // until the last read that counts
  while (in_flight > 0) {
    RETURN_IF_ERROR(reads->collect(done));
    in_flight -= done.size();
    const double now = seconds_passed();
    if (done.empty() || now >= options.seconds || cancelled()) continue;  // the rest comes in
    if (options.depth == 1) result.us.push_back(1e6 * (now - passed));
    passed = now;
    count += done.size();
    for (const unsigned slot : done) reads->queue(slot, any_page());
    in_flight += done.size();
    RETURN_IF_ERROR(reads->submit());
  }
  if (cancelled()) return Error{ErrorCode::cancelled, "measuring the drive was cancelled"};
  // Where not even one was back in time, all that were under way are what can be told.
  result.per_second = passed > 0 ? static_cast<double>(count) / passed
                                 : options.depth / std::max(seconds_passed(), 1e-9);
  if (options.depth == 1 && result.us.empty()) result.us.push_back(1e6 * seconds_passed());
  return result;
}

}  // namespace mneme

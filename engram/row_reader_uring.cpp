// SPDX-License-Identifier: Apache-2.0
// The Linux reader: a few rings, each with a thread of its own that keeps reads at the drive and
// calls back as they complete. A batch that the first ring can hold, as the rows of one token, goes
// to that ring alone, so that no other thread must wake up. The rows of a prompt are shared by all
// rings: one thread could submit them fast enough, but the drive would be idle whenever that thread
// waits for a processor. Buffers and descriptors are registered where the kernel's limits allow. A
// read of an eventfd stays in each ring, so that new requests wake its thread out of its wait.
#include <fmt/format.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/exceptions.h"
#include "base/log.h"
#include "engram/row_reader.h"
#include "engram/row_reader_files.h"
#include "engram/row_reader_queue.h"

namespace mneme {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kFirstDepth = 64;   // reads at the drive, of the first ring
constexpr unsigned kHelperDepth = 16;  // reads at the drive, of each further ring
constexpr unsigned kRings = 7;         // all buffers together stay below the usual limit of 8 MiB
constexpr int kRetriesMax = 8;         // of one read that the system interrupted
constexpr std::uint64_t kWake = ~0ull;

class Ring {
 public:
  Ring(const RowFiles& files, const RowReader::Callback& done, ReadQueue& queue, unsigned depth)
      : files_(files),
        done_(done),
        queue_(queue),
        depth_(depth),
        buffers_(depth),
        flights_(depth),
        incoming_(depth) {}

  // Once, before any other call. Returns 0 or the system's reason as a negative number.
  int start() {
    wake_fd_ = ::eventfd(0, EFD_CLOEXEC);
    if (wake_fd_ < 0) return -errno;
    std::promise<int> promise;
    std::future<int> opened = promise.get_future();
    auto thread = start_thread("row reader", [this, promise = std::move(promise)]() mutable {
      const int code = open_ring();
      promise.set_value(code);
      if (code == 0) loop();
    });
    if (!thread) return -EAGAIN;
    thread_ = std::move(*thread);
    const int code = opened.get();
    if (code < 0) thread_.join();
    return code;
  }

  // Its thread has ended, or was never begun.
  ~Ring() {
    if (ring_open_) io_uring_queue_exit(&ring_);
    if (wake_fd_ >= 0) ::close(wake_fd_);
  }

  // Waits for what is at the drive. The queue is closed by then.
  void end() {
    if (!thread_.joinable()) return;
    wake();
    thread_.join();
  }

  // Makes the thread look into the queue. Any thread.
  void wake() {
    const std::uint64_t one = 1;
    ssize_t n = 0;
    do {
      n = ::write(wake_fd_, &one, sizeof one);
    } while (n < 0 && errno == EINTR);
    CHECK(n == sizeof one);
  }

 private:
  struct Flight {
    ReadRequest request;
    DriveRange range;
    std::uint32_t got = 0;  // bytes so far
    int retries = 0;
    Clock::time_point start;
  };

  // On the reader's thread: the quickest mode allows one thread only, the one that opens the ring.
  int open_ring() {
    constexpr unsigned kSingle = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    int code = io_uring_queue_init(depth_ * 2, &ring_, kSingle);
    if (code == -EINVAL) code = io_uring_queue_init(depth_ * 2, &ring_, 0);  // before Linux 6.1
    ring_open_ = code == 0;
    if (ring_open_) register_memory();
    return code;
  }

  // Both only save time per read; the limit on locked memory may forbid them.
  void register_memory() {
    std::vector<iovec> memory;
    for (unsigned i = 0; i < depth_; ++i) memory.push_back({buffers_[i], kReadBufferBytes});
    fixed_buffers_ = io_uring_register_buffers(&ring_, memory.data(), depth_) == 0;
    std::vector<int> descriptors;
    for (const RowFile& file : files_.files()) descriptors.push_back(file.file.descriptor());
    fixed_files_ = io_uring_register_files(&ring_, descriptors.data(),
                                           static_cast<unsigned>(descriptors.size())) == 0;
    if (!fixed_buffers_) log_debug("engram", "io_uring: the read buffers could not be registered");
  }

  void loop() {
    for (unsigned i = 0; i < depth_; ++i) free_.push_back(i);
    arm_wake();
    for (;;) {
      take_requests();
      if (free_.size() == depth_ && queue_.closed()) return;
      // With all flights under way others wait too: several answers at once then cost one switch
      // of threads. The last ones of a token or a chunk are handed over one by one.
      const unsigned several = free_.empty() ? depth_ / 4 : 1;
      const int code = io_uring_submit_and_wait(&ring_, several);
      // Full or interrupted: completions are there or will come. All else would be a broken ring.
      CHECK(code >= 0 || code == -EINTR || code == -EAGAIN || code == -EBUSY);
      io_uring_cqe* cqe = nullptr;
      while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
        const std::uint64_t data = cqe->user_data;
        const int result = cqe->res;
        io_uring_cqe_seen(&ring_, cqe);
        if (data != kWake) {
          arrived(static_cast<unsigned>(data), result);
        } else if (!queue_.closed()) {
          arm_wake();
        }
      }
    }
  }

  io_uring_sqe* next_sqe() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    CHECK(sqe != nullptr);  // the ring holds more than all flights and the wake
    return sqe;
  }

  void arm_wake() {
    io_uring_sqe* sqe = next_sqe();
    io_uring_prep_read(sqe, wake_fd_, &wake_count_, sizeof wake_count_, 0);
    io_uring_sqe_set_data64(sqe, kWake);
  }

  void take_requests() {
    if (free_.empty()) return;
    const std::size_t count = queue_.try_pop(std::span(incoming_).first(free_.size()));
    const auto now = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned index = free_.back();
      free_.pop_back();
      const ReadRequest& request = incoming_[i];
      const RowFile& file = files_[request.file];
      flights_[index] = Flight{request, drive_range(request, file.alignment), 0, 0, now};
      send(index);
    }
  }

  // Asks the drive for the bytes of a flight that have not arrived, into the rest of its buffer.
  void send(unsigned index) {
    const Flight& flight = flights_[index];
    const std::uint32_t file = flight.request.file;
    const int fd = fixed_files_ ? static_cast<int>(file) : files_[file].file.descriptor();
    std::byte* to = buffers_[index] + flight.got;
    const std::uint32_t size = flight.range.size - flight.got;
    const std::uint64_t offset = flight.range.offset + flight.got;
    io_uring_sqe* sqe = next_sqe();
    if (fixed_buffers_) {
      io_uring_prep_read_fixed(sqe, fd, to, size, offset, static_cast<int>(index));
    } else {
      io_uring_prep_read(sqe, fd, to, size, offset);
    }
    if (fixed_files_) sqe->flags |= IOSQE_FIXED_FILE;
    io_uring_sqe_set_data64(sqe, index);
  }

  void arrived(unsigned index, int result) {
    Flight& flight = flights_[index];
    const RowFile& file = files_[flight.request.file];
    const std::uint32_t needed = flight.range.skip + flight.request.size;
    if (result < 0) {
      if ((result == -EINTR || result == -EAGAIN) && ++flight.retries <= kRetriesMax) {
        send(index);
      } else {
        finish(index, read_failed(file, flight.request, -result));
      }
      return;
    }
    flight.got += static_cast<std::uint32_t>(result);
    if (flight.got >= needed) {
      finish(index, {});
    } else if (result == 0 || flight.got % file.alignment != 0) {
      const std::uint32_t skip = flight.range.skip;
      finish(index, read_short(file, flight.request, flight.got > skip ? flight.got - skip : 0));
    } else {
      send(index);
    }
  }

  void finish(unsigned index, Status status) {
    const Flight& flight = flights_[index];
    ReadCompletion completion{.tag = flight.request.tag, .status = std::move(status)};
    if (completion.status) {
      completion.bytes = {buffers_[index] + flight.range.skip, flight.request.size};
    }
    completion.latency_us =
        std::chrono::duration<double, std::micro>(Clock::now() - flight.start).count();
    completion.bytes_at_drive = flight.got;
    done_(completion);
    free_.push_back(index);
  }

  const RowFiles& files_;
  const RowReader::Callback& done_;
  ReadQueue& queue_;
  const unsigned depth_;
  const ReadBuffers buffers_;  // [depth_]
  io_uring ring_{};
  bool ring_open_ = false;
  bool fixed_buffers_ = false;
  bool fixed_files_ = false;
  int wake_fd_ = -1;
  std::uint64_t wake_count_ = 0;       // written by the kernel, never looked at
  std::vector<Flight> flights_;        // [depth_]
  std::vector<ReadRequest> incoming_;  // [depth_]
  std::vector<unsigned> free_;         // flights not in use
  std::thread thread_;
};

class UringReader final : public RowReader {
 public:
  UringReader(RowFiles files, Callback done)
      : files_(std::move(files)), done_(std::move(done)), queue_(kReadQueueMax) {}

  // Once, before any other call. Returns 0 or the system's reason as a negative number.
  int start() {
    for (unsigned i = 0; i < kRings; ++i) {
      const unsigned depth = i == 0 ? kFirstDepth : kHelperDepth;
      auto ring = std::make_unique<Ring>(files_, done_, queue_, depth);
      if (const int code = ring->start(); code < 0) {
        if (rings_.empty()) return code;
        log_debug("engram", "io_uring: {} of {} rings: {}", i, kRings, std::strerror(-code));
        break;
      }
      rings_.push_back(std::move(ring));
    }
    return 0;
  }

  ~UringReader() override {
    queue_.close();
    // A callback of one ring may ask for more reads and so wake the others: no ring is destroyed
    // before all have ended.
    for (const auto& ring : rings_) ring->end();
  }

  std::string_view name() const override { return "io_uring"; }
  StorageKind storage() const override { return files_.storage(); }
  std::string_view file_system() const override { return files_.file_system(); }

  void read(std::span<const ReadRequest> batch, WhenFull when_full) override {
    for (const ReadRequest& request : batch) files_.check(request);
    while (!batch.empty()) {
      const ReadQueue::Pushed pushed = queue_.push(batch, when_full);
      batch = batch.subspan(pushed.taken);
      const std::size_t woken = pushed.waiting > kFirstDepth ? rings_.size() : 1;
      for (std::size_t i = 0; i < woken; ++i) rings_[i]->wake();
    }
  }

 private:
  const RowFiles files_;
  const Callback done_;
  ReadQueue queue_;
  std::vector<std::unique_ptr<Ring>> rings_;  // last: their threads use the rest
};

}  // namespace

Result<std::unique_ptr<RowReader>> open_uring_reader(const std::vector<std::string>& paths,
                                                     RowReader::Callback done) {
  auto files = RowFiles::open(paths);
  if (!files) return files.error();
  auto reader = std::make_unique<UringReader>(std::move(*files), std::move(done));
  if (const int code = reader->start(); code < 0) {
    return Error{ErrorCode::unsupported,
                 fmt::format("the system refuses io_uring: {}", std::strerror(-code))};
  }
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace mneme

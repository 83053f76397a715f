// SPDX-License-Identifier: Apache-2.0
// The portable reader: some threads, each with one positional read at the drive at a time.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/exceptions.h"
#include "engram/row_reader.h"
#include "engram/row_reader_files.h"
#include "engram/row_reader_queue.h"

namespace mneme {
namespace {

constexpr std::size_t kThreads = 16;  // they wait for the drive, hardly ever for a processor

class ThreadReader final : public RowReader {
 public:
  ThreadReader(RowFiles files, Callback done)
      : files_(std::move(files)),
        done_(std::move(done)),
        queue_(kReadQueueMax),
        buffers_(kThreads) {
    for (std::size_t i = 0; i < kThreads; ++i) {
      auto thread = start_thread("row reader", [this, i] { loop(buffers_[i]); });
      if (!thread) {
        started_ = thread.error();
        return;
      }
      threads_.push_back(std::move(*thread));
    }
  }

  const Status& started() const { return started_; }

  ~ThreadReader() override {
    queue_.close();
    for (std::thread& thread : threads_) thread.join();
  }

  std::string_view name() const override { return "threads"; }
  StorageKind storage() const override { return files_.storage(); }
  std::string_view file_system() const override { return files_.file_system(); }

  void read(std::span<const ReadRequest> batch, WhenFull when_full) override {
    for (const ReadRequest& request : batch) files_.check(request);
    while (!batch.empty()) batch = batch.subspan(queue_.push(batch, when_full).taken);
  }

 private:
  void loop(std::byte* buffer) {
    ReadRequest request;
    while (queue_.pop(request)) {
      ReadCompletion completion{.tag = request.tag};
      const auto start = std::chrono::steady_clock::now();
      completion.status = read_one(request, buffer, completion);
      completion.latency_us =
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
              .count();
      done_(completion);
    }
  }

  Status read_one(const ReadRequest& request, std::byte* buffer, ReadCompletion& completion) {
    const RowFile& file = files_[request.file];
    const DriveRange range = drive_range(request, file.alignment);
    const std::size_t needed = std::size_t{range.skip} + request.size;
    std::size_t got = 0;
    while (got < needed) {
      const ssize_t n = ::pread(file.file.descriptor(), buffer + got, range.size - got,
                                static_cast<off_t>(range.offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return read_failed(file, request, errno);
      got += static_cast<std::size_t>(n);
      completion.bytes_at_drive = got;
      // The end of the file, or a stop inside a sector, from where no direct read can go on.
      if (n == 0 || got % file.alignment != 0) break;
    }
    if (got < needed) return read_short(file, request, got > range.skip ? got - range.skip : 0);
    completion.bytes = {buffer + range.skip, request.size};
    return {};
  }

  const RowFiles files_;
  const Callback done_;
  ReadQueue queue_;
  const ReadBuffers buffers_;
  Status started_;
  std::vector<std::thread> threads_;  // last: they use the rest
};

}  // namespace

Result<std::unique_ptr<RowReader>> open_thread_reader(const std::vector<std::string>& paths,
                                                      RowReader::Callback done) {
  auto files = RowFiles::open(paths);
  if (!files) return files.error();
  auto reader = std::make_unique<ThreadReader>(std::move(*files), std::move(done));
  RETURN_IF_ERROR(reader->started());
  return std::unique_ptr<RowReader>(std::move(reader));
}

#ifndef MNEME_WITH_URING
Result<std::unique_ptr<RowReader>> open_uring_reader(const std::vector<std::string>&,
                                                     RowReader::Callback) {
  return Error{ErrorCode::unsupported, "this program was built without io_uring"};
}
#endif

}  // namespace mneme

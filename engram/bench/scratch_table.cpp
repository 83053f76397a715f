// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/scratch_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace mneme {
namespace {

constexpr std::size_t kBlock = 1 << 20;
constexpr std::uint64_t kRoomLeft = 1ull << 30;  // for everyone else on the drive

Error failed(const std::string& folder, std::string_view what, int code) {
  return Error{ErrorCode::io,
               fmt::format("{} the test file in {}: {}", what, folder, std::strerror(code))};
}

Status check_room(const std::string& folder, std::uint64_t bytes) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) {
    return Error{ErrorCode::io,
                 fmt::format("{} cannot be used for a test file: {}", folder, error.message())};
  }
  if (space.available < bytes + kRoomLeft) {
    return Error{ErrorCode::invalid,
                 fmt::format("a test file of {} MiB does not fit in {}, which has {} MiB free (1 "
                             "GiB must stay so): choose a smaller one or another folder",
                             bytes >> 20, folder, space.available >> 20)};
  }
  return {};
}

// Returns the bytes that the drive has taken.
Result<std::uint64_t> write_random(int fd, const std::string& folder, std::uint64_t bytes,
                                   const std::function<void(double)>& progress,
                                   const std::atomic<bool>* cancel, double seconds) {
  std::vector<std::uint64_t> block(kBlock / sizeof(std::uint64_t));
  std::uint64_t state = 0x243F6A8885A308D3u;
  std::uint64_t at = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto in_time = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
           seconds;
  };
  while (at < bytes && in_time()) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      return Error{ErrorCode::cancelled, "writing the test file was cancelled"};
    }
    for (std::uint64_t& word : block) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      word = state;
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, bytes - at));
    const ssize_t n = ::write(fd, block.data(), size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed(folder, "cannot write", n == 0 ? ENOSPC : errno);
    // The drive takes this block now; the one before it must have been taken. So little is left for
    // the end, whatever the drive's speed.
    const auto begin = static_cast<off64_t>(at);
    ::sync_file_range(fd, begin, n, SYNC_FILE_RANGE_WRITE);
    if (at >= kBlock) {
      ::sync_file_range(
          fd, begin - static_cast<off64_t>(kBlock), kBlock,
          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    }
    at += static_cast<std::uint64_t>(n);
    if (progress) progress(static_cast<double>(at) / static_cast<double>(bytes));
  }
  if (::ftruncate(fd, static_cast<off_t>(at)) != 0 || ::fsync(fd) != 0) {
    return failed(folder, "cannot write", errno);
  }
  return at;
}

// A file that has no name, or loses it at once.
int create_nameless(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  std::string path = folder + "/.mneme-test-XXXXXX";  // the file system knows no O_TMPFILE
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

Result<ScratchTable> ScratchTable::create(const std::string& folder, std::uint64_t bytes,
                                          bool random, const std::function<void(double)>& progress,
                                          const std::atomic<bool>* cancel, double seconds) {
  if (random) RETURN_IF_ERROR(check_room(folder, bytes));
  const int fd = create_nameless(folder);
  if (fd < 0) return failed(folder, "cannot create", errno);
  ScratchTable table(fd);
  if (!random) {
    if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
      return failed(folder, "cannot size", errno);
    }
    table.bytes_ = bytes;
    return table;
  }
  auto written = write_random(fd, folder, bytes, progress, cancel, seconds);
  if (!written) return written.error();
  table.bytes_ = *written;
  return table;
}

ScratchTable::ScratchTable(int fd) : path_(fmt::format("/proc/self/fd/{}", fd)), fd_(fd) {}

ScratchTable::ScratchTable(ScratchTable&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), bytes_(other.bytes_) {}

ScratchTable::~ScratchTable() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace mneme

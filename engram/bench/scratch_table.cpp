// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/scratch_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace mneme {
namespace {

constexpr std::size_t kBlock = 8 << 20;
constexpr std::uint64_t kRoomLeft = 1ull << 30;  // for everyone else on the drive

Error failed(const std::string& folder, std::string_view what, int code) {
  return Error{ErrorCode::io,
               fmt::format("{} the test table in {}: {}", what, folder, std::strerror(code))};
}

Status check_room(const std::string& folder, std::uint64_t bytes) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) {
    return Error{ErrorCode::io,
                 fmt::format("{} cannot be used for a test table: {}", folder, error.message())};
  }
  if (space.available < bytes + kRoomLeft) {
    return Error{ErrorCode::invalid,
                 fmt::format("a test table of {} MiB does not fit in {}, which has {} MiB free (1 "
                             "GiB must stay so): choose a smaller one or another folder",
                             bytes >> 20, folder, space.available >> 20)};
  }
  return {};
}

Status write_random(int fd, const std::string& folder, std::uint64_t bytes,
                    const std::function<void(double)>& progress, const std::atomic<bool>* cancel) {
  std::vector<std::uint64_t> block(kBlock / sizeof(std::uint64_t));
  std::uint64_t state = 0x243F6A8885A308D3u;
  for (std::uint64_t at = 0; at < bytes;) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      return Error{ErrorCode::cancelled, "writing the test table was cancelled"};
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
    at += static_cast<std::uint64_t>(n);
    if (progress) progress(static_cast<double>(at) / static_cast<double>(bytes));
  }
  if (::fsync(fd) != 0) return failed(folder, "cannot write", errno);
  return {};
}

}  // namespace

Result<ScratchTable> ScratchTable::create(const std::string& folder, std::uint64_t bytes,
                                          bool random, const std::function<void(double)>& progress,
                                          const std::atomic<bool>* cancel) {
  if (random) RETURN_IF_ERROR(check_room(folder, bytes));
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return failed(folder, "cannot create", errno);
  ScratchTable table(fmt::format("/proc/self/fd/{}", fd), fd);
  if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    return failed(folder, "cannot size", errno);
  }
  if (random) RETURN_IF_ERROR(write_random(fd, folder, bytes, progress, cancel));
  return table;
}

ScratchTable::ScratchTable(ScratchTable&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

ScratchTable::~ScratchTable() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mneme {
namespace {

Error system_error(std::string_view verb, const std::string& path, int code) {
  return Error{ErrorCode::io, fmt::format("cannot {} {}: {}", verb, path, std::strerror(code))};
}

}  // namespace

Result<File> File::open(const std::string& path, Mode mode) {
  const int flags = O_RDONLY | O_CLOEXEC | (mode == Mode::direct ? O_DIRECT : 0);
  const int fd = ::open(path.c_str(), flags);
  if (fd < 0) {
    if (mode == Mode::direct && errno == EINVAL) {
      return Error{ErrorCode::unsupported,
                   fmt::format("the file system of {} does not allow direct reads", path)};
    }
    return system_error("open", path, errno);
  }
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const int code = errno;
    ::close(fd);
    return system_error("read the size of", path, code);
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    return Error{ErrorCode::io, fmt::format("{} is not a regular file", path)};
  }
  return File(path, fd, static_cast<std::uint64_t>(info.st_size));
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Status File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0) {
      if (errno == EINTR) continue;
      return system_error("read", path_, errno);
    }
    if (n == 0) {
      return Error{ErrorCode::io, fmt::format("{} ends at byte {}, {} bytes short: it was cut off",
                                              path_, offset + done, out.size() - done)};
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  const std::size_t size = file->size();
  if (size == 0) return Error{ErrorCode::corrupt, fmt::format("{} is empty", path)};
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file->descriptor(), 0);
  if (data == MAP_FAILED) return system_error("map", path, errno);
  return std::shared_ptr<const MappedFile>(
      new MappedFile(path, static_cast<const std::byte*>(data), size));
}

MappedFile::~MappedFile() {
  ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

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

Error not_regular(const std::string& path) {
  return Error{ErrorCode::io, fmt::format("{} is not a regular file", path)};
}

std::int64_t modified_ns(const struct stat& info) {
  return std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

Result<int> open_regular_file(const std::string& path, int flags, unsigned permissions) {
  const std::string_view verb = (flags & O_ACCMODE) == O_RDONLY ? "open" : "write";
  // Without O_NONBLOCK a FIFO would be waited for here, until someone opens its other end.
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, permissions);
  if (fd < 0) {
    const int code = errno;
    if ((flags & O_DIRECT) != 0 && code == EINVAL) {
      return Error{ErrorCode::unsupported,
                   fmt::format("the file system of {} does not allow direct reads", path)};
    }
    if (code == ENXIO) return not_regular(path);  // a socket, or a FIFO that nobody reads
    return system_error(verb, path, code);
  }
  struct stat info {};
  const int code = ::fstat(fd, &info) == 0 ? 0 : errno;
  if (code != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return code != 0 ? system_error("look at", path, code) : not_regular(path);
  }
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  return fd;
}

Result<File> File::open(const std::string& path, Mode mode) {
  auto fd = open_regular_file(path, O_RDONLY | (mode == Mode::direct ? O_DIRECT : 0));
  if (!fd) return fd.error();
  File file(path);
  file.fd_ = *fd;
  struct stat info {};
  if (::fstat(*fd, &info) != 0) return system_error("read the size of", path, errno);
  file.size_ = static_cast<std::uint64_t>(info.st_size);
  file.modified_ns_ = modified_ns(info);
  return file;
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      modified_ns_(other.modified_ns_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  std::swap(modified_ns_, other.modified_ns_);
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

Status File::unchanged() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return system_error("look at", path_, errno);
  if (static_cast<std::uint64_t>(info.st_size) == size_ && modified_ns(info) == modified_ns_) {
    return {};
  }
  return Error{ErrorCode::io, fmt::format("{} was changed while it was open", path_)};
}

bool File::is_at(const std::string& path) const {
  struct stat here {
  }, there{};
  return ::fstat(fd_, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

// ---- mappings ----------------------------------------------------------------------------------

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  const std::size_t size = file->size();
  if (size == 0) return Error{ErrorCode::corrupt, fmt::format("{} is empty", path)};
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file->descriptor(), 0);
  if (data == MAP_FAILED) return system_error("map", path, errno);
  return std::shared_ptr<const MappedFile>(
      new MappedFile(std::move(*file), static_cast<const std::byte*>(data)));
}

MappedFile::MappedFile(File file, const std::byte* data) : file_(std::move(file)), data_(data) {
  watch_.emplace(data_, file_.size());
}

MappedFile::~MappedFile() {
  watch_.reset();  // the address may be another mapping's at once
  ::munmap(const_cast<std::byte*>(data_), file_.size());
}

Status MappedFile::unchanged() const {
  RETURN_IF_ERROR(file_.unchanged());
  if (!watch_->faulted()) return {};
  return Error{ErrorCode::io, fmt::format("{} could not be read from its drive", path())};
}

}  // namespace mneme

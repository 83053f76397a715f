// SPDX-License-Identifier: Apache-2.0
#include "base/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "base/check.h"

namespace mneme {
namespace {

constexpr std::string_view kPartSuffix = ".mneme-part";

Error write_error(const std::string& path, int code) {
  return Error{ErrorCode::io, fmt::format("cannot write {}: {}", path, std::strerror(code))};
}

Error refuse(const std::string& path, std::string_view why) {
  return Error{ErrorCode::invalid, fmt::format("{} {}", path, why)};
}

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether this program reads the file: what it has open, and what it has mapped, under any name.
// Asked of the system, so that no list of inputs can be forgotten.
bool is_read_here(const struct stat& file) {
  std::error_code code;
  for (std::filesystem::directory_iterator at("/proc/self/fd", code), end; !code && at != end;
       at.increment(code)) {
    struct stat open {};
    if (::stat(at->path().c_str(), &open) == 0 && is_same(open, file)) return true;
  }
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    struct stat mapped {};
    if (path != std::string::npos && ::stat(line.c_str() + path, &mapped) == 0 &&
        is_same(mapped, file)) {
      return true;
    }
  }
  return false;
}

// The file itself where `path` is a link to one; `path` where nothing is there yet.
Result<std::string> find_place(const std::string& path, const OutputFileOptions& options) {
  if (path.empty()) return Error{ErrorCode::invalid, "a file to write has no name"};
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return write_error(path, errno);
    if (::lstat(path.c_str(), &info) == 0) {
      return refuse(path, "is a link to a file that is not there: remove it, or name another file");
    }
    return path;
  }
  if (S_ISDIR(info.st_mode)) return refuse(path, "is a folder: name a file to write");
  if (!S_ISREG(info.st_mode)) return refuse(path, "is not a regular file: name another to write");
  if (!options.replace) return refuse(path, "exists already, and is not overwritten");
  if (!options.replace_open && is_read_here(info)) {
    return refuse(path, "is read by this very command: name another file to write");
  }
  if (::access(path.c_str(), W_OK) != 0) return write_error(path, errno);
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (!real) return write_error(path, errno);
  return std::string(real.get());
}

}  // namespace

std::string OutputFile::part_path(const std::string& path) {
  return path + std::string(kPartSuffix);
}

Status OutputFile::check(const std::string& path, const OutputFileOptions& options) {
  const auto place = find_place(path, options);
  return place ? Status() : place.error();
}

Result<OutputFile> OutputFile::open(const std::string& path, const OutputFileOptions& options) {
  const auto place = find_place(path, options);
  if (!place) return place.error();
  OutputFile file(*place, part_path(*place), options);
  RETURN_IF_ERROR(file.lock());
  // Another may have finished it before this one had the lock.
  RETURN_IF_ERROR(check(*place, options));
  struct stat info {};
  if (options.owner_only) {
    if (::fchmod(file.fd_, 0600) != 0) return write_error(file.part_, errno);
  } else if (::stat(place->c_str(), &info) == 0 && ::fchmod(file.fd_, info.st_mode & 0777) != 0) {
    return write_error(file.part_, errno);
  }
  if (!options.resumable) RETURN_IF_ERROR(file.truncate(0));
  return file;
}

// Opens the part and locks it. The lock ends with the process, however that ends.
Status OutputFile::lock() {
  struct stat info {};
  if (::lstat(part_.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) return refuse(part_, "is not a regular file: remove it");
    if (is_read_here(info)) return refuse(path_, "is being written by this program already");
  }
  for (;;) {
    const int fd = ::open(part_.c_str(), O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                          options_.owner_only ? 0600 : 0666);
    if (fd < 0) return write_error(part_, errno);
    // File systems without locks are written without.
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(fd);
      return refuse(path_, "is being written by another program");
    }
    // The one that had the lock may have given the file its name, or removed it, meanwhile.
    struct stat named {};
    if (::fstat(fd, &info) == 0 && ::lstat(part_.c_str(), &named) == 0 && is_same(info, named)) {
      fd_ = fd;
      size_ = static_cast<std::uint64_t>(info.st_size);
      return {};
    }
    ::close(fd);
  }
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      part_(std::move(other.part_)),
      options_(other.options_),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_) {}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  if (!options_.resumable || size_ == 0) ::unlink(part_.c_str());
  ::close(fd_);
}

Status OutputFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return write_error(part_, errno);
  size_ = size;
  return {};
}

Status OutputFile::append(std::span<const std::byte> bytes) {
  return write_at(size_, bytes);
}

Status OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  CHECK(fd_ >= 0);
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return write_error(part_, n == 0 ? ENOSPC : errno);
    offset += static_cast<std::uint64_t>(n);
    size_ = std::max(size_, offset);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Status OutputFile::sync() {
  if (::fdatasync(fd_) != 0) return write_error(part_, errno);
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
  return {};
}

// Errors: invalid, where a file came to lie there that must not be replaced.
Status OutputFile::take_name() {
  if (!options_.replace) {
    if (::renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
      return {};
    }
    if (errno == EEXIST) return check(path_, options_);
    if (errno != EINVAL && errno != ENOSYS) return write_error(path_, errno);
    RETURN_IF_ERROR(check(path_, options_));  // the file system cannot do both at once
  }
  return std::rename(part_.c_str(), path_.c_str()) == 0 ? Status() : write_error(path_, errno);
}

Status OutputFile::finish() {
  CHECK(fd_ >= 0);
  if (options_.sync) RETURN_IF_ERROR(sync());
  RETURN_IF_ERROR(take_name());
  const int fd = std::exchange(fd_, -1);
  const bool closed = ::close(fd) == 0 || errno == EINTR;
  if (!closed) return write_error(path_, errno);
  if (!options_.sync) return {};
  // The name too; where a folder cannot be synced, the system does it in its own time.
  const std::string folder = std::filesystem::path(path_).parent_path();
  const int names =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (names >= 0) {
    ::fsync(names);
    ::close(names);
  }
  return {};
}

}  // namespace mneme

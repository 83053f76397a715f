// SPDX-License-Identifier: Apache-2.0
// A file opened for reading, and a read-only mapping of one. Both close themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inference/base/result.h"

namespace mneme {

// Positional reads; safe to share between threads (pread keeps no offset).
class File {
 public:
  enum class Mode : std::uint8_t { cached, direct };  // direct = O_DIRECT, past the page cache

  // Errors: io (names the path and the system's reason); with Mode::direct, unsupported when the
  // file system refuses O_DIRECT.
  static Result<File> open(const std::string& path, Mode mode = Mode::cached);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // bytes, at open
  int descriptor() const { return fd_; }

  // Fills `out` from `offset`; a short read is an io error that says how much was there.
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  File(std::string path, int fd, std::uint64_t size)
      : path_(std::move(path)), fd_(fd), size_(size) {}

  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// The whole file mapped read-only. Shared, because tensors of an open model point into it.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(std::string path, const std::byte* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace mneme

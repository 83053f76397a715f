// SPDX-License-Identifier: Apache-2.0
// A regular file opened for reading, and a read-only mapping of one. Both close themselves, and
// both can tell whether the file was written to meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/mapping_faults.h"
#include "base/result.h"

namespace mneme {

// open(2) for regular files only, whatever they are opened for: a FIFO, a socket, a device or a
// folder is refused, and none of them is waited for. `flags` may create the file, with
// `permissions`. Errors: io (names the path and the system's reason); with O_DIRECT, unsupported
// when the file system refuses it.
Result<int> open_regular_file(const std::string& path, int flags, unsigned permissions = 0);

// Positional reads; safe to share between threads (pread keeps no offset).
class File {
 public:
  enum class Mode : std::uint8_t { cached, direct };  // direct = O_DIRECT, past the page cache

  // Errors: those of open_regular_file.
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

  // An io error once the file was written to or cut off since it was opened. A file that was put in
  // its place under the same name is another one, and no change of this one.
  Status unchanged() const;

  // True where `path` names this very file.
  bool is_at(const std::string& path) const;

 private:
  explicit File(std::string path) : path_(std::move(path)) {}

  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::int64_t modified_ns_ = 0;  // since the Unix epoch, at open
};

// The whole file mapped read-only. Shared, because tensors of an open model point into it. Bytes
// that cannot be read, because the file was cut off or its drive fails, read as zero.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return file_.path(); }
  std::span<const std::byte> bytes() const { return {data_, file_.size()}; }

  // An io error where what was read of bytes() may not be what the file held when it was opened:
  // ask after reading, and before the result is believed. Any thread.
  Status unchanged() const;
  const File& file() const { return file_; }

 private:
  MappedFile(File file, const std::byte* data);

  File file_;
  const std::byte* data_ = nullptr;
  std::optional<WatchedMapping> watch_;
};

}  // namespace mneme

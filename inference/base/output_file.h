// SPDX-License-Identifier: Apache-2.0
// A file that is written whole. Until finish() it lies beside its place as NAME.mneme-part; then it
// takes its name at once, so that a reader meets the old file or the new one, and a write that
// fails or is killed leaves the old one as it was. One program at a time writes NAME; what a killed
// one left behind is written over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace mneme {

struct OutputFileOptions {
  bool replace = true;        // false: a file that is there already is never written over
  bool replace_open = false;  // true: also one that this program reads, as it may its own stores
  bool resumable = false;     // what was begun stays when it is dropped, for the next one to go on
  bool owner_only = false;    // else as the file that it replaces, or as the process creates files
  bool sync = true;           // false: finish() waits for no drive; for what is checked when read
};

class OutputFile {
 public:
  // Errors: invalid (it exists, it is a file that this program reads, it is no regular file,
  // another program is writing it); io.
  static Result<OutputFile> open(const std::string& path, const OutputFileOptions& options = {});
  // What open() would refuse at once; creates nothing.
  static Status check(const std::string& path, const OutputFileOptions& options = {});
  static std::string part_path(const std::string& path);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();  // what was not finished is removed, unless it is resumable and not empty

  std::uint64_t size() const { return size_; }  // at open() what was kept, 0 unless resumable
  Status truncate(std::uint64_t size);
  Status append(std::span<const std::byte> bytes);
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  // Onto the drive, and out of the page cache: nobody reads it soon.
  Status sync();
  // Takes its name. Nothing may be written afterwards.
  Status finish();

 private:
  OutputFile(std::string path, std::string part, const OutputFileOptions& options)
      : path_(std::move(path)), part_(std::move(part)), options_(options) {}
  Status lock();
  Status take_name();

  std::string path_;  // links followed
  std::string part_;
  OutputFileOptions options_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace mneme

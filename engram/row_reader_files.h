// SPDX-License-Identifier: Apache-2.0
// What every RowReader on a real file shares: the opened files, the arithmetic that widens a range
// to the drive's sectors, and the sentences for what goes wrong. Immutable once open; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/file_system.h"
#include "engram/row_reader.h"

namespace mneme {

// A request as the drive sees it. For the last sectors of a file it may reach past the end.
struct DriveRange {
  std::uint64_t offset = 0;  // bytes into the file, a multiple of the alignment
  std::uint32_t size = 0;    // bytes, a multiple of the alignment
  std::uint32_t skip = 0;    // bytes of it before the range that was asked for
};

DriveRange drive_range(const ReadRequest& request, std::uint32_t alignment);

class RowFiles {
 public:
  static Result<RowFiles> open(const std::vector<std::string>& paths);

  const RowFile& operator[](std::uint32_t file) const { return files_[file]; }
  const std::vector<RowFile>& files() const { return files_; }     // [paths]
  StorageKind storage() const { return storage_; }                 // direct only if all are
  const std::string& file_system() const { return file_system_; }  // "ext4", "ext4, tmpfs"

  void check(const ReadRequest& request) const;  // CHECKs file and size

 private:
  std::vector<RowFile> files_;
  StorageKind storage_ = StorageKind::direct;
  std::string file_system_;
};

// Room for the largest request, widened to any alignment; page-aligned.
constexpr std::size_t kReadBufferBytes = kReadBytesMax + 2 * 4096;

class ReadBuffers {
 public:
  explicit ReadBuffers(std::size_t count);
  std::byte* operator[](std::size_t i) const { return memory_.get() + i * kReadBufferBytes; }
  std::byte* data() const { return memory_.get(); }
  std::size_t size_bytes() const { return count_ * kReadBufferBytes; }

 private:
  static constexpr std::align_val_t kAlign{4096};
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, kAlign); }
  };
  std::size_t count_;
  std::unique_ptr<std::byte, Free> memory_;
};

Error read_failed(const RowFile& file, const ReadRequest& request, int system_code);
Error read_short(const RowFile& file, const ReadRequest& request, std::uint64_t bytes_there);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/row_reader_files.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/round_up.h"

namespace mneme {

DriveRange drive_range(const ReadRequest& request, std::uint32_t alignment) {
  const std::uint64_t begin = request.offset / alignment * alignment;
  const std::uint64_t end = round_up(request.offset + request.size, alignment);
  return {begin, static_cast<std::uint32_t>(end - begin),
          static_cast<std::uint32_t>(request.offset - begin)};
}

Result<RowFiles> RowFiles::open(const std::vector<std::string>& paths) {
  RowFiles out;
  for (const std::string& path : paths) {
    auto file = open_row_file(path);
    if (!file) return file.error();
    if (file->storage == StorageKind::cached) out.storage_ = StorageKind::cached;
    if (out.file_system_.find(file->file_system) == std::string::npos) {
      if (!out.file_system_.empty()) out.file_system_ += ", ";
      out.file_system_ += file->file_system;
    }
    out.files_.push_back(std::move(*file));
  }
  return out;
}

void RowFiles::check(const ReadRequest& request) const {
  CHECK(request.file < files_.size());
  CHECK(request.size > 0 && request.size <= kReadBytesMax);
}

ReadBuffers::ReadBuffers(std::size_t count)
    : count_(count),
      memory_(static_cast<std::byte*>(::operator new(count* kReadBufferBytes, kAlign))) {}

Error read_failed(const RowFile& file, const ReadRequest& request, int system_code) {
  return Error{ErrorCode::io,
               fmt::format("cannot read {} bytes of {} at byte {}: {}", request.size,
                           file.file.path(), request.offset, std::strerror(system_code))};
}

Error read_short(const RowFile& file, const ReadRequest& request, std::uint64_t bytes_there) {
  return Error{ErrorCode::io,
               fmt::format("{} of {} bytes of {} could be read at byte {}: the file was cut off",
                           bytes_there, request.size, file.file.path(), request.offset)};
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/small_file.h"

#include <fmt/format.h>

#include <span>

#include "base/file.h"

namespace mneme {

Result<std::string> read_small_file(const std::string& path, std::uint64_t bytes_max) {
  auto file = File::open(path);
  if (!file) return file.error();
  if (file->size() > bytes_max) {
    return Error{ErrorCode::invalid, fmt::format("{} is too large: it has {} bytes, and at most {} "
                                                 "are read",
                                                 path, file->size(), bytes_max)};
  }
  std::string text(file->size(), '\0');
  RETURN_IF_ERROR(file->read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace mneme

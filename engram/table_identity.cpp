// SPDX-License-Identifier: Apache-2.0
#include "engram/table_identity.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace mneme {
namespace {

template <typename T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const auto* const begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

std::uint64_t digest(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

Result<std::uint64_t> table_identity(const HashSpec& spec, const TableMap& map) {
  std::vector<std::byte> all;
  append(all, spec.max_ngram_size);
  append(all, spec.head_count);
  for (const LayerHash& layer : spec.layers) {
    for (const std::uint64_t number : layer.multipliers) append(all, number);
    for (const std::uint64_t number : layer.primes) append(all, number);
  }
  for (std::size_t table = 0; table < map.size(); ++table) {
    for (std::size_t part = 0; part < map.parts(table); ++part) {
      for (const RowId row : {RowId{0}, map.table(table).rows - 1}) {
        const RowRange range = map.locate(table, part, row);
        append(all, range.file);
        append(all, range.size);
        append(all, range.offset);
      }
    }
  }
  std::vector<std::byte> head;
  for (const std::string& path : map.paths()) {
    const auto file = File::open(path);
    if (!file) return file.error();
    struct stat info {};
    if (::fstat(file->descriptor(), &info) != 0) {
      return Error{ErrorCode::io, fmt::format("cannot look at {}: {}", path, std::strerror(errno))};
    }
    append(all, file->size());
    append(all, info.st_ino);
    append(all, info.st_mtim.tv_sec);
    append(all, info.st_mtim.tv_nsec);
    head.resize(std::min<std::uint64_t>(64 << 10, file->size()));
    RETURN_IF_ERROR(file->read_at(0, head));
    append(all, digest(head));
  }
  return digest(all);
}

}  // namespace mneme

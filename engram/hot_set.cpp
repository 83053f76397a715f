// SPDX-License-Identifier: Apache-2.0
#include "engram/hot_set.h"

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/round_up.h"

namespace mneme {
namespace {

constexpr std::array<char, 8> kMagic = {'M', 'N', 'E', 'M', 'E', 'H', 'O', 'T'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 40;
constexpr std::size_t kKeyBytes = 4 + 4 * kMaxNgramSize + 4;
constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::size_t kAlignment = 4096;  // that direct reads may ask for

std::size_t entries_per_block(std::uint32_t rows_bytes) {
  return std::max<std::size_t>(1, kBlockBytes / (kKeyBytes + rows_bytes));
}

template <typename T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const auto* const begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

template <typename T>
T take(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::uint64_t digest(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::vector<std::byte> make_header(std::uint64_t identity, std::uint32_t rows_bytes,
                                   std::uint64_t entries) {
  std::vector<std::byte> header;
  append(header, kMagic);
  append(header, kVersion);
  append(header, rows_bytes);
  append(header, identity);
  append(header, entries);
  append(header, digest(header, 0));
  return header;
}

Error stale(const std::string& path, std::string_view why) {
  return Error{ErrorCode::invalid, fmt::format("{} {}", path, why)};
}

}  // namespace

// ---- writing -----------------------------------------------------------------------------------

Result<HotSetWriter> HotSetWriter::create(const std::string& path, std::uint64_t identity,
                                          std::uint32_t rows_bytes) {
  // Rows may still be read from the file that this one replaces. No sync: checksums find a file
  // that a power cut left incomplete.
  auto file = OutputFile::open(path, {.replace_open = true, .owner_only = true, .sync = false});
  if (!file) return file.error();
  HotSetWriter writer(std::move(*file), identity, rows_bytes);
  RETURN_IF_ERROR(writer.write_header());  // its place; the number comes at the end
  return writer;
}

HotSetWriter::HotSetWriter(OutputFile file, std::uint64_t identity, std::uint32_t rows_bytes)
    : file_(std::move(file)), identity_(identity), rows_bytes_(rows_bytes) {
  block_.reserve(kBlockBytes + kKeyBytes + rows_bytes);
}

Status HotSetWriter::write_header() {
  return file_.write_at(0, make_header(identity_, rows_bytes_, entries_));
}

Status HotSetWriter::write_block() {
  append(block_, digest(block_, blocks_++));
  const Status status = file_.append(block_);
  block_.clear();
  return status;
}

Status HotSetWriter::add(const NgramKey& key, CacheSegment segment,
                         std::span<const std::byte> rows) {
  CHECK(rows.size() == rows_bytes_);
  append(block_, key.order);
  for (const ClassId id : key.classes) append(block_, id);
  append(block_, static_cast<std::uint32_t>(segment));
  block_.insert(block_.end(), rows.begin(), rows.end());
  if (++entries_ % entries_per_block(rows_bytes_) == 0) return write_block();
  return {};
}

Status HotSetWriter::finish() {
  if (!block_.empty()) RETURN_IF_ERROR(write_block());
  RETURN_IF_ERROR(write_header());
  return file_.finish();
}

// ---- reading -----------------------------------------------------------------------------------

Result<HotSetReader> HotSetReader::open(const std::string& path, std::uint64_t identity,
                                        std::uint32_t rows_bytes) {
  const auto info = File::open(path);
  if (!info) return info.error();
  std::array<std::byte, kHeaderBytes> header;
  if (info->size() < header.size()) return stale(path, "is too short for a hot set");
  RETURN_IF_ERROR(info->read_at(0, header));
  if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) {
    return stale(path, "is no hot set");
  }
  // Of every version, so that a damaged one is not taken for a newer one.
  if (take<std::uint64_t>(header.data() + 32) != digest(std::span(header).first(32), 0)) {
    return stale(path, "has a damaged header");
  }
  const auto version = take<std::uint32_t>(header.data() + 8);
  if (version > kVersion) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} was written by a newer Mneme (its version is {}, this program "
                             "knows {}): it is left alone",
                             path, version, kVersion)};
  }
  if (version != kVersion) return stale(path, "is of another version");
  if (take<std::uint32_t>(header.data() + 12) != rows_bytes ||
      take<std::uint64_t>(header.data() + 16) != identity) {
    return stale(path, "was made from other tables, or they were changed since");
  }
  const auto entries = take<std::uint64_t>(header.data() + 24);
  const std::uint64_t entry_bytes = kKeyBytes + rows_bytes;
  const std::uint64_t room = info->size() - kHeaderBytes;
  const std::uint64_t per_block = entries_per_block(rows_bytes);
  if (entries > room / entry_bytes ||
      entries * entry_bytes + (entries + per_block - 1) / per_block * 8 != room) {
    return stale(path, "was cut off");
  }
  auto file = open_row_file(path);
  if (!file) return file.error();
  return HotSetReader(std::move(*file), rows_bytes, entries);
}

HotSetReader::HotSetReader(RowFile file, std::uint32_t rows_bytes, std::uint64_t entries)
    : file_(std::move(file)), rows_bytes_(rows_bytes), entries_(entries) {}

std::uint64_t HotSetReader::blocks() const {
  const std::uint64_t per_block = entries_per_block(rows_bytes_);
  return (entries_ + per_block - 1) / per_block;
}

Result<std::span<const HotNgram>> HotSetReader::read(std::uint64_t block, Memory& memory) const {
  CHECK(block < blocks());
  CHECK(kAlignment % file_.alignment == 0 && kAlignment % file_.memory_alignment == 0);
  const std::uint64_t per_block = entries_per_block(rows_bytes_);
  const std::size_t entry_bytes = kKeyBytes + rows_bytes_;
  const std::uint64_t count = std::min(per_block, entries_ - block * per_block);
  const std::size_t bytes = count * entry_bytes + sizeof(std::uint64_t);
  // Past the page cache: it lies in RAM a second time from now on, and need not a third time.
  const std::uint64_t begin =
      kHeaderBytes + block * (per_block * entry_bytes + sizeof(std::uint64_t));
  const std::uint64_t at = begin / kAlignment * kAlignment;
  const std::size_t skip = begin - at;
  const std::size_t room = round_up(skip + bytes, kAlignment);
  memory.bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, room)));
  if (memory.bytes_ == nullptr) {
    return Error{ErrorCode::out_of_memory, "the system has no memory left to read the hot set"};
  }
  for (std::size_t got = 0; got < skip + bytes;) {
    const ssize_t n = ::pread(file_.file.descriptor(), memory.bytes_.get() + got, room - got,
                              static_cast<off_t>(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      return Error{ErrorCode::io,
                   fmt::format("cannot read block {} of {}: {}", block, file_.file.path(),
                               n == 0 ? "it was cut off" : std::strerror(errno))};
    }
    got += static_cast<std::size_t>(n);
  }
  const auto all = std::span<const std::byte>(memory.bytes_.get() + skip, count * entry_bytes);
  if (take<std::uint64_t>(all.data() + all.size()) != digest(all, block)) {
    return Error{ErrorCode::corrupt, fmt::format("block {} of {} is not what was written there",
                                                 block, file_.file.path())};
  }
  memory.ngrams_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* const entry = all.data() + i * entry_bytes;
    HotNgram& ngram = memory.ngrams_.emplace_back();
    ngram.key.order = take<std::int32_t>(entry);
    std::memcpy(ngram.key.classes.data(), entry + 4, 4 * kMaxNgramSize);
    const auto segment = take<std::uint32_t>(entry + 4 + 4 * kMaxNgramSize);
    ngram.segment = segment > 2 ? CacheSegment::seldom : static_cast<CacheSegment>(segment);
    ngram.rows = {entry + kKeyBytes, rows_bytes_};
  }
  return std::span<const HotNgram>(memory.ngrams_);
}

}  // namespace mneme

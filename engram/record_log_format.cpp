// SPDX-License-Identifier: Apache-2.0
#include "engram/record_log_format.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/round_up.h"
#include "engram/record_log_index.h"
#include "engram/row_reader.h"

namespace mneme {
namespace {

using Magic = std::array<char, 8>;
constexpr Magic kFileMagic = {'M', 'N', 'E', 'M', 'E', 'L', 'O', 'G'};
constexpr Magic kSegmentMagic = {'M', 'N', 'E', 'M', 'E', 'S', 'E', 'G'};
constexpr std::uint32_t kVersion = 1;

// Byte offsets in the file's header: magic (at 0), version, bytes of a record's rows, identity of
// the tables, number of segments; then the digest of all these.
constexpr std::size_t kVersionAt = 8, kRowsBytesAt = 12, kIdentityAt = 16, kSegmentsAt = 24;
constexpr std::size_t kHeaderDigestAt = 32;

// Byte offsets in a segment's head: digest (at 0) of the bytes that follow, magic, sequence number,
// count of records; then their keys, kKeyBytes each.
constexpr std::size_t kMagicAt = 8, kSequenceAt = 16, kCountAt = 24, kKeysAt = 32;
constexpr std::size_t kKeyBytes = 4 + 4 * kMaxNgramSize;

// Byte offsets in a record: digest (at 0) of the bytes that follow, key, rows.
constexpr std::size_t kRecordKeyAt = 8, kRowsAt = kRecordKeyAt + kKeyBytes;

template <typename T>
void put_at(std::span<std::byte> bytes, std::size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <typename T>
T get_at(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void put_key(std::span<std::byte> bytes, std::size_t at, const NgramKey& key) {
  put_at(bytes, at, key.order);
  put_at(bytes, at + 4, key.classes);
}

NgramKey get_key(std::span<const std::byte> bytes, std::size_t at) {
  return {get_at<std::int32_t>(bytes, at), get_at<decltype(NgramKey::classes)>(bytes, at + 4)};
}

std::uint64_t digest(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::size_t head_bytes_for(std::size_t records) {
  return round_up(kKeysAt + records * kKeyBytes, kRecordLogPage);
}

// Places of as many records as fit behind a head for `most` of them, none in more pages than it
// needs.
std::vector<std::uint32_t> place_records(std::size_t record_bytes, std::size_t most) {
  std::vector<std::uint32_t> places;
  const std::size_t pages = round_up(record_bytes, kRecordLogPage);
  std::size_t at = head_bytes_for(most);
  while (places.size() < most) {
    if (at % kRecordLogPage + record_bytes > pages) at = round_up(at, kRecordLogPage);
    if (at + record_bytes > kRecordLogSegmentBytes) break;
    places.push_back(static_cast<std::uint32_t>(at));
    at += record_bytes;
  }
  return places;
}

}  // namespace

Result<RecordLogFormat> RecordLogFormat::create(std::uint64_t bytes, std::uint32_t rows_bytes,
                                                std::uint64_t identity) {
  CHECK(rows_bytes > 0);
  if (kRowsAt + rows_bytes > kReadBytesMax) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("the rows of one n-gram, {} bytes, are more than one read brings", rows_bytes)};
  }
  constexpr std::uint64_t kBytesMin = kRecordLogPage + 2 * kRecordLogSegmentBytes;
  if (bytes < kBytesMin) {
    return Error{ErrorCode::invalid,
                 fmt::format("a record log of {} bytes is too small: it takes at least {}", bytes,
                             kBytesMin)};
  }
  RecordLogFormat format((bytes - kRecordLogPage) / kRecordLogSegmentBytes, rows_bytes, identity);
  format.segments_ = std::min<std::uint64_t>(
      format.segments_, RecordLogIndex::kRecordsMax / format.segment_records());
  return format;
}

RecordLogFormat::RecordLogFormat(std::uint64_t segments, std::uint32_t rows_bytes,
                                 std::uint64_t identity)
    : segments_(segments), rows_bytes_(rows_bytes), identity_(identity) {
  std::size_t most = kRecordLogSegmentBytes / (kKeyBytes + record_bytes());
  for (; record_begin_.size() < most; --most) record_begin_ = place_records(record_bytes(), most);
  head_bytes_ = head_bytes_for(record_begin_.size());
}

std::uint32_t RecordLogFormat::record_bytes() const {
  return static_cast<std::uint32_t>(round_up(kRowsAt + rows_bytes_, 8));
}

std::uint64_t RecordLogFormat::segment_begin(std::uint64_t sequence) const {
  return kRecordLogPage + sequence % segments_ * kRecordLogSegmentBytes;
}

std::uint64_t RecordLogFormat::record_begin(std::uint64_t number) const {
  return segment_begin(number / segment_records()) + record_begin_[number % segment_records()];
}

std::vector<std::byte> RecordLogFormat::header() const {
  std::vector<std::byte> page(kRecordLogPage);
  put_at(page, 0, kFileMagic);
  put_at(page, kVersionAt, kVersion);
  put_at(page, kRowsBytesAt, rows_bytes_);
  put_at(page, kIdentityAt, identity_);
  put_at(page, kSegmentsAt, segments_);
  put_at(page, kHeaderDigestAt, digest(std::span(page).first(kHeaderDigestAt), 0));
  return page;
}

Status RecordLogFormat::check_header(std::span<const std::byte> file) const {
  if (file.size() < kRecordLogPage || get_at<Magic>(file, 0) != kFileMagic) {
    return Error{ErrorCode::corrupt, "is no record log"};
  }
  const auto stale = [](const char* why) { return Error{ErrorCode::invalid, why}; };
  if (get_at<std::uint64_t>(file, kHeaderDigestAt) != digest(file.first(kHeaderDigestAt), 0)) {
    return stale("has a damaged header");
  }
  const auto version = get_at<std::uint32_t>(file, kVersionAt);
  if (version > kVersion) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("was written by a newer Mneme (its version is {}, this program knows {})",
                    version, kVersion)};
  }
  if (version != kVersion) return stale("is of another version");
  if (get_at<std::uint32_t>(file, kRowsBytesAt) != rows_bytes_ ||
      get_at<std::uint64_t>(file, kIdentityAt) != identity_) {
    return stale("was made from other tables, or they were changed since");
  }
  if (get_at<std::uint64_t>(file, kSegmentsAt) != segments_) return stale("has another size");
  return {};
}

void RecordLogFormat::put(std::span<std::byte> segment, std::uint32_t index, const NgramKey& key,
                          std::span<const std::byte> rows) const {
  CHECK(rows.size() == rows_bytes_ && index < segment_records());
  put_key(segment, kKeysAt + index * kKeyBytes, key);
  const std::span<std::byte> record = segment.subspan(record_begin_[index], record_bytes());
  put_key(record, kRecordKeyAt, key);
  std::ranges::copy(rows, record.data() + kRowsAt);
  std::ranges::fill(record.subspan(kRowsAt + rows.size()), std::byte{0});
}

// The digests are seeded with the tables' identity: what another log left in the same place is not
// taken for this one's.
void RecordLogFormat::seal(std::span<std::byte> segment, std::uint64_t sequence,
                           std::uint32_t count) const {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::span<std::byte> record = segment.subspan(record_begin_[i], record_bytes());
    put_at(record, 0, digest(record.subspan(kRecordKeyAt), identity_));
  }
  put_at(segment, kMagicAt, kSegmentMagic);
  put_at(segment, kSequenceAt, sequence);
  put_at(segment, kCountAt, std::uint64_t{count});
  put_at(segment, 0, digest(segment.subspan(kMagicAt, head_bytes_ - kMagicAt), identity_));
}

std::optional<RecordLogFormat::Head> RecordLogFormat::read_head(
    std::span<const std::byte> bytes) const {
  CHECK(bytes.size() == head_bytes_);
  if (get_at<Magic>(bytes, kMagicAt) != kSegmentMagic ||
      get_at<std::uint64_t>(bytes, 0) != digest(bytes.subspan(kMagicAt), identity_)) {
    return std::nullopt;
  }
  Head head{get_at<std::uint64_t>(bytes, kSequenceAt), {}};
  const auto count = get_at<std::uint64_t>(bytes, kCountAt);
  if (count > segment_records()) return std::nullopt;
  for (std::uint64_t i = 0; i < count; ++i) {
    const NgramKey key = get_key(bytes, kKeysAt + i * kKeyBytes);
    if (key.order < 2 || key.order > static_cast<std::int32_t>(kMaxNgramSize)) return std::nullopt;
    head.keys.push_back(key);
  }
  return head;
}

std::span<const std::byte> RecordLogFormat::rows_of(const NgramKey& key,
                                                    std::span<const std::byte> record) const {
  if (record.size() != record_bytes() || !(get_key(record, kRecordKeyAt) == key) ||
      get_at<std::uint64_t>(record, 0) != digest(record.subspan(kRecordKeyAt), identity_)) {
    return {};
  }
  return record.subspan(kRowsAt, rows_bytes_);
}

}  // namespace mneme

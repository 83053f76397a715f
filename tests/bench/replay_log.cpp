// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/replay_log.h"

#include "base/check.h"
#include "engram/ngram_key.h"
#include "engram/record_log_format.h"
#include "engram/record_log_index.h"

namespace mneme {
namespace {

// `read` of the number of a missed n-gram: what it cost to read, and to write.
struct Cost {
  double reads = 0;
  double bytes_written = 0;
};

template <typename Read>
LoggedReads count(const KeyStream& stream, const std::vector<bool>& missed, const Read& read) {
  CHECK(missed.size() == stream.accesses.size());
  const std::size_t first = stream.tokens / 2 * stream.orders();
  LoggedReads out;
  for (std::size_t i = 0; i < missed.size(); ++i) {
    if (!missed[i]) continue;
    const Cost cost = read(stream.accesses[i]);
    if (i < first) continue;
    out.reads_per_token += cost.reads;
    out.bytes_written_per_token += cost.bytes_written;
  }
  const auto tokens = static_cast<double>(stream.tokens - stream.tokens / 2);
  return {out.reads_per_token / tokens, out.bytes_written_per_token / tokens};
}

}  // namespace

// Records are found from when their segment is written, as in the product.
LoggedReads replay_log(const KeyStream& stream, const std::vector<bool>& missed, std::uint64_t rows,
                       std::uint32_t row_bytes, std::uint64_t log_bytes) {
  const RecordLogFormat format =
      RecordLogFormat::create(log_bytes, static_cast<std::uint32_t>(rows * row_bytes), 0).value();
  RecordLogIndex index(format.records());
  std::vector<std::uint64_t> segment;  // hashes
  const double written = static_cast<double>(kRecordLogSegmentBytes) / format.segment_records();
  return count(stream, missed, [&](std::uint32_t key) {
    const std::uint64_t hash = NgramKeyHash{}(stream.keys[key]);
    if (const auto number = index.find(hash)) {
      const std::uint64_t begin = format.record_begin(*number);
      const std::uint64_t last = begin + format.record_bytes() - 1;
      return Cost{static_cast<double>(last / kRecordLogPage - begin / kRecordLogPage + 1), 0};
    }
    segment.push_back(hash);
    if (segment.size() == format.segment_records()) {
      const std::uint64_t first = index.next();
      index.advance(first + segment.size());
      for (std::size_t i = 0; i < segment.size(); ++i) index.insert(segment[i], first + i);
      segment.clear();
    }
    return Cost{static_cast<double>(rows), written};
  });
}

LoggedReads simulate_log(const KeyStream& stream, const std::vector<bool>& missed,
                         std::uint64_t rows, std::uint32_t row_bytes) {
  std::vector<bool> there(stream.keys.size());
  return count(stream, missed, [&](std::uint32_t key) {
    if (there[key]) return Cost{kSimulatedRecordReads, 0};
    there[key] = true;
    return Cost{static_cast<double>(rows), static_cast<double>(rows * row_bytes)};
  });
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/trace/trace_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/trace_records.h"

namespace mneme {
namespace {

TEST(TraceLog, TwoReadersSeeEveryPublishedRecordWhileItIsWritten) {
  constexpr TokenId kRecords = 3000;  // more than two chunks
  TraceLog log;
  std::atomic<int> wrong = 0;
  const auto read = [&] {
    EventIndex checked = 0;
    while (checked < kRecords) {
      const EventIndex size = log.size();
      for (; checked < size; ++checked) {
        const TraceRecord record = log.record(checked);
        if (record.token() != static_cast<TokenId>(checked) || record.write(1, 0) != 2) ++wrong;
      }
      std::this_thread::yield();
    }
    if (log.record(0).token() != 0) ++wrong;
  };
  std::thread one(read), two(read);
  for (TokenId i = 0; i < kRecords; ++i) ASSERT_TRUE(log.append(test_record(i)));
  one.join();
  two.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(log.size(), static_cast<EventIndex>(kRecords));
}

TEST(TraceLog, RecordsOfDifferentShapesLieInOneLog) {
  TraceLog log;
  ASSERT_TRUE(log.append(test_record(1, {2, 1, 2})));
  ASSERT_TRUE(log.append(test_record(2, {0, 0, 0})));
  ASSERT_TRUE(log.append(test_record(3, {3, 4, 3})));
  EXPECT_EQ(log.record(1).shape().layers, 0);
  EXPECT_EQ(log.record(2).gate(2, 3), log.record(2).gate(0, 0));
  EXPECT_EQ(log.record(2).token(), 3);
}

TEST(TraceLog, WhatIsSerialisedReadsBackEqual) {
  TraceLog log;
  for (TokenId i = 0; i < 2100; ++i) {
    log.append(test_record(i, i % 3 == 0 ? TraceShape{} : kTestShape));
  }
  TraceLog copy;
  ASSERT_TRUE(copy.append_serialized(log.serialize(0, 1500)));
  ASSERT_TRUE(copy.append_serialized(log.serialize(1500, 2100)));
  ASSERT_TRUE(copy.append_serialized({}));
  ASSERT_EQ(copy.size(), log.size());
  EXPECT_EQ(copy.serialize(0, 2100), log.serialize(0, 2100));
  EXPECT_EQ(copy.record(2099).token(), 2099);
}

TEST(TraceLog, DamagedBytesAreRefusedWhole) {
  const auto good = test_records(0, 5);
  TraceLog log;
  ASSERT_TRUE(log.append_serialized(good));
  const auto refuses = [&](std::vector<std::byte> bytes) {
    const Status status = log.append_serialized(bytes);
    return !status && status.error().code == ErrorCode::corrupt && log.size() == 5;
  };
  for (std::size_t cut = 1; cut < good.size(); ++cut) {
    if (cut % kTestShape.record_bytes() == 0) continue;  // whole records
    ASSERT_TRUE(refuses({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut)})) << cut;
  }
  auto zero_size = good;
  zero_size[2 * kTestShape.record_bytes()] = std::byte{0};  // would never advance
  EXPECT_TRUE(refuses(zero_size));
  auto bad_last = good;
  bad_last[4 * kTestShape.record_bytes() + 5] = std::byte{77};
  EXPECT_TRUE(refuses(bad_last));
  EXPECT_TRUE(refuses(std::vector<std::byte>(1000, std::byte{0xff})));
}

}  // namespace
}  // namespace mneme

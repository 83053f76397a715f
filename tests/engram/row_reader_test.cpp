// SPDX-License-Identifier: Apache-2.0
#include "engram/row_reader.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "engram/row_reader_files.h"
#include "engram/table_store_merge.h"
#include "tests/support/file_text.h"
#include "tests/support/numbered_tables.h"

namespace mneme {
namespace {

using Open = Result<std::unique_ptr<RowReader>> (*)(const std::vector<std::string>&,
                                                    RowReader::Callback);

struct Answer {
  bool ok = false;
  std::string message;
  std::vector<std::byte> bytes;
  std::uint64_t bytes_at_drive = 0;
  double latency_us = 0;
};

// Collects completions by tag.
class Inbox {
 public:
  RowReader::Callback callback() {
    return [this](const ReadCompletion& c) {
      const std::lock_guard lock(mutex_);
      Answer answer{c.status.has_value(),
                    c.status ? "" : c.status.error().message,
                    {c.bytes.begin(), c.bytes.end()},
                    c.bytes_at_drive,
                    c.latency_us};
      EXPECT_TRUE(answers_.emplace(c.tag, std::move(answer)).second) << "answered twice";
      changed_.notify_all();
    };
  }
  std::map<std::uint64_t, Answer> wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answers_.size() >= count; });
    return answers_;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Answer> answers_;
};

class RowReaders : public testing::TestWithParam<Open> {
 protected:
  // Null (and the test skipped) where this system refuses io_uring.
  std::unique_ptr<RowReader> open(const NumberedTables& tables, Inbox& inbox) {
    auto reader = GetParam()({tables.path()}, inbox.callback());
    if (reader) return std::move(*reader);
    EXPECT_EQ(reader.error().code, ErrorCode::unsupported) << reader.error().message;
    return nullptr;
  }
};

TEST_P(RowReaders, ReadsAnyRangeOfAFileThatEndsAnywhere) {
  const NumberedTables tables(33);
  const std::string truth = file_text(tables.path());
  ASSERT_NE(truth.size() % 512, 0u);
  Inbox inbox;
  const auto reader = open(tables, inbox);
  if (!reader) GTEST_SKIP() << "no io_uring here";
  std::mt19937_64 random(1);
  std::vector<ReadRequest> batch;
  for (std::uint64_t tag = 0; tag < 500; ++tag) {
    auto size = static_cast<std::uint32_t>(1 + random() % (tag % 5 == 0 ? kReadBytesMax : 600));
    std::uint64_t offset = random() % (truth.size() - size);
    if (tag % 7 == 0) offset = truth.size() - size;  // the last, partial sector
    batch.push_back({0, offset, size, tag});
  }
  reader->read(batch, WhenFull::wait);
  const auto answers = inbox.wait(batch.size());
  for (const ReadRequest& request : batch) {
    const Answer& answer = answers.at(request.tag);
    ASSERT_TRUE(answer.ok) << answer.message;
    ASSERT_EQ(std::string(reinterpret_cast<const char*>(answer.bytes.data()), answer.bytes.size()),
              truth.substr(request.offset, request.size));
    ASSERT_GE(answer.bytes_at_drive, request.size);
    ASSERT_LE(answer.bytes_at_drive, request.size + 2 * 4096u);
    ASSERT_GT(answer.latency_us, 0);
  }
}

TEST_P(RowReaders, AReadBeyondTheEndFailsWithPathAndOffset) {
  const NumberedTables tables(33);
  const std::uint64_t size = std::filesystem::file_size(tables.path());
  Inbox inbox;
  const auto reader = open(tables, inbox);
  if (!reader) GTEST_SKIP() << "no io_uring here";
  const std::vector<ReadRequest> batch = {
      {0, size - 10, 33, 0}, {0, size + 100000, 33, 1}, {0, size - 5000, 8000, 2}, {0, 77, 33, 3}};
  reader->read(batch, WhenFull::wait);
  const auto answers = inbox.wait(4);
  for (std::uint64_t tag = 0; tag < 3; ++tag) {
    EXPECT_FALSE(answers.at(tag).ok);
    EXPECT_NE(answers.at(tag).message.find(tables.path()), std::string::npos);
    EXPECT_NE(answers.at(tag).message.find(std::to_string(batch[tag].offset)), std::string::npos)
        << answers.at(tag).message;
  }
  EXPECT_TRUE(answers.at(3).ok);
}

TEST_P(RowReaders, AnswersMoreRequestsThanTheQueueHolds) {
  const NumberedTables tables(33, "/dev/shm");
  Inbox inbox;
  const auto reader = open(tables, inbox);
  if (!reader) GTEST_SKIP() << "no io_uring here";
  std::vector<ReadRequest> batch;
  const std::size_t count = kReadQueueMax + 500;
  for (std::uint64_t tag = 0; tag < count; ++tag) batch.push_back({0, 77 + tag % 900, 33, tag});
  reader->read(batch, WhenFull::wait);
  EXPECT_EQ(inbox.wait(count).size(), count);
}

TEST_P(RowReaders, ClosesWithReadsUnderWay) {
  const NumberedTables tables(264);
  Inbox inbox;
  auto reader = open(tables, inbox);
  if (!reader) GTEST_SKIP() << "no io_uring here";
  std::vector<ReadRequest> batch;
  for (std::uint64_t tag = 0; tag < 3000; ++tag) batch.push_back({0, tag * 264, 264, tag});
  reader->read(batch, WhenFull::wait);
  reader.reset();
  EXPECT_LE(inbox.count(), batch.size());
}

TEST_P(RowReaders, SaysCachedOfAFileSystemInMemory) {
  const NumberedTables tables(33, "/dev/shm");
  Inbox inbox;
  const auto reader = open(tables, inbox);
  if (!reader) GTEST_SKIP() << "no io_uring here";
  EXPECT_EQ(reader->storage(), StorageKind::cached);
  EXPECT_EQ(reader->file_system(), "tmpfs");
  const ReadRequest request{0, 77, 33, 5};
  reader->read({&request, 1}, WhenFull::wait);
  EXPECT_EQ(inbox.wait(1).at(5).bytes_at_drive, 33u);
}

TEST_P(RowReaders, CountsWholeSectorsOfDirectReads) {
  const NumberedTables tables(33);
  Inbox inbox;
  const auto reader = open(tables, inbox);
  if (!reader) GTEST_SKIP() << "no io_uring here";
  if (reader->storage() != StorageKind::direct) {
    GTEST_SKIP() << "no direct reads on " << reader->file_system();
  }
  EXPECT_NE(reader->file_system(), "tmpfs");
  const ReadRequest request{0, 77, 33, 5};
  reader->read({&request, 1}, WhenFull::wait);
  const std::uint64_t bytes = inbox.wait(1).at(5).bytes_at_drive;
  EXPECT_EQ(bytes % 512, 0u);
  EXPECT_GT(bytes, 0u);
}

TEST_P(RowReaders, NamesAFileThatIsNotThere) {
  const auto reader = GetParam()({"no_such_file.gguf"}, [](const ReadCompletion&) {});
  ASSERT_FALSE(reader);
  if (reader.error().code == ErrorCode::unsupported) GTEST_SKIP() << "no io_uring here";
  EXPECT_EQ(reader.error().code, ErrorCode::io);
  EXPECT_NE(reader.error().message.find("no_such_file.gguf"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Both, RowReaders, testing::Values(&open_uring_reader, &open_thread_reader),
                         [](const testing::TestParamInfo<Open>& test) {
                           return test.index == 0 ? "Uring" : "Threads";
                         });

TEST(DriveRange, WidensToSectors) {
  const DriveRange plain = drive_range({0, 1000, 33, 0}, 1);
  EXPECT_EQ(plain.offset, 1000u);
  EXPECT_EQ(plain.size, 33u);
  EXPECT_EQ(plain.skip, 0u);
  const DriveRange one = drive_range({0, 1000, 24, 0}, 512);
  EXPECT_EQ(one.offset, 512u);
  EXPECT_EQ(one.size, 512u);
  EXPECT_EQ(one.skip, 488u);
  const DriveRange two = drive_range({0, 1000, 25, 0}, 512);
  EXPECT_EQ(two.size, 1024u);
}

WantedRow wanted(std::uint32_t layer, std::uint32_t file, std::uint64_t offset,
                 std::uint32_t size) {
  WantedRow row;
  row.layer = layer;
  row.range = {file, size, offset};
  return row;
}

TEST(MergeReads, CoversEveryRowFirstLayerFirst) {
  std::mt19937_64 random(9);
  constexpr std::uint32_t kSizes[] = {33, 264, 8};
  for (int round = 0; round < 50; ++round) {
    std::vector<WantedRow> rows;
    for (int i = 0; i < 300; ++i) {
      const auto layer = static_cast<std::uint32_t>(random() % 2);
      const auto file = static_cast<std::uint32_t>(random() % 3);
      const std::uint64_t row = random() % (round % 2 == 0 ? 500 : 1000000);
      rows.push_back(wanted(layer, file, 77 + row * kSizes[file], kSizes[file]));
    }
    std::vector<MergedRead> reads;
    merge_reads(rows, reads);
    std::size_t covered = 0;
    for (std::size_t r = 0; r < reads.size(); ++r) {
      const MergedRead& read = reads[r];
      ASSERT_EQ(read.first, covered);
      ASSERT_LE(read.range.size, kReadBytesMax);
      for (std::size_t i = read.first; i < read.first + read.count; ++i) {
        ASSERT_EQ(rows[i].layer, read.layer);
        ASSERT_EQ(rows[i].range.file, read.range.file);
        ASSERT_GE(rows[i].range.offset, read.range.offset);
        ASSERT_LE(rows[i].range.offset + rows[i].range.size, read.range.offset + read.range.size);
      }
      covered += read.count;
      if (r > 0) {
        ASSERT_GE(read.layer, reads[r - 1].layer);
      }
    }
    ASSERT_EQ(covered, rows.size());
    if (round % 2 == 0) {
      EXPECT_LT(reads.size(), 50u);  // dense rows share reads
    }
  }
}

TEST(MergeReads, LeavesFarRowsApart) {
  std::vector<WantedRow> rows = {wanted(0, 0, 100000, 33), wanted(0, 0, 0, 33),
                                 wanted(0, 0, 33 + kMergeGapMax, 33)};
  std::vector<MergedRead> reads;
  merge_reads(rows, reads);
  ASSERT_EQ(reads.size(), 2u);
  EXPECT_EQ(reads[0].range.size, 66 + kMergeGapMax);
  EXPECT_EQ(reads[1].range.offset, 100000u);
}

TEST(MergeReads, APartInsideAnotherDoesNotShortenTheRead) {
  std::vector<WantedRow> rows = {wanted(0, 0, 0, 1000), wanted(0, 0, 10, 8)};
  std::vector<MergedRead> reads;
  merge_reads(rows, reads);
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].range.size, 1000u);
}

}  // namespace
}  // namespace mneme

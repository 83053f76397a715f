// SPDX-License-Identifier: Apache-2.0
#include "engram/record_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wait_until.h"

namespace mneme {
namespace {

constexpr std::uint32_t kRecordRowsBytes = 2112;  // one record a page, so 250 or so in a segment
constexpr std::uint64_t kSize = 3 << 20;    // two segments and a header
constexpr std::uint64_t kIdentity = 42;

NgramKey record_key(ClassId n) {
  return {2 + n % 3, {n, n + 1}};
}

std::vector<std::byte> record_rows(ClassId n) {
  std::vector<std::byte> rows(kRecordRowsBytes);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<std::byte>((static_cast<std::size_t>(n) * 31 + i * 7) >> 2);
  }
  return rows;
}

class RecordLogFile : public testing::Test {
 protected:
  std::unique_ptr<RecordLog> open(std::uint64_t bytes = kSize, std::uint64_t identity = kIdentity) {
    auto log = RecordLog::open(path_, bytes, identity, kRecordRowsBytes);
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }
  // Waits for the log's thread, so that nothing is dropped.
  static void add(RecordLog& log, ClassId first, ClassId end) {
    for (ClassId n = first; n < end; ++n) {
      for (;;) {
        const std::uint64_t dropped = log.stats().dropped;
        log.add(record_key(n), record_rows(n));
        if (log.stats().dropped == dropped) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }
  static void wait_for_records(const RecordLog& log, std::uint64_t records) {
    ASSERT_TRUE(wait_until([&] { return log.stats().records >= records; }));
  }
  // Of first..end-1, those that come back; none with wrong rows.
  std::vector<ClassId> there(RecordLog& log, ClassId first, ClassId end) {
    const auto file = File::open(path_).value();
    std::vector<ClassId> out;
    std::vector<std::byte> record(log.record_bytes());
    for (ClassId n = first; n < end; ++n) {
      const auto at = log.find(NgramKeyHash{}(record_key(n)));
      if (!at) continue;
      EXPECT_TRUE(file.read_at(*at, record));
      const auto rows = log.rows_of(record_key(n), record);
      if (rows.empty()) continue;
      EXPECT_TRUE(std::ranges::equal(rows, record_rows(n)));
      out.push_back(n);
    }
    return out;
  }
  std::string bytes() const { return file_text(path_); }
  void set_bytes(const std::string& all) const { std::ofstream(path_, std::ios::binary) << all; }

  TemporaryFolder folder_;
  const std::string path_ = folder_.file("deeper/log");
};

TEST_F(RecordLogFile, BringsBackWhatWasWritten) {
  const auto log = open();
  const ClassId per_segment = static_cast<ClassId>(log->stats().records_max / 2);
  EXPECT_EQ(log->stats().bytes, std::filesystem::file_size(path_));
  EXPECT_GT(per_segment, 240);
  add(*log, 0, per_segment);
  wait_for_records(*log, static_cast<std::uint64_t>(per_segment));
  EXPECT_EQ(there(*log, 0, 2 * per_segment).size(), static_cast<std::size_t>(per_segment));
  EXPECT_EQ(log->stats().bytes_written, kRecordLogSegmentBytes);
  EXPECT_EQ(log->stats().refused, 0u);
}

TEST_F(RecordLogFile, NoRecordLiesInMorePagesThanItNeeds) {
  for (const std::uint32_t rows_bytes : {90u, 264u, 2112u, 2560u, 4052u, 4053u, 4224u, 32000u}) {
    const auto format = RecordLogFormat::create(kSize * 3, rows_bytes, 1).value();
    std::uint64_t end = format.segment_begin(0) + format.head_bytes();
    EXPECT_GE(format.head_bytes(), format.segment_records() * 36 + 32);
    for (std::uint64_t n = 0; n < format.records(); ++n) {
      const std::uint64_t begin = format.record_begin(n);
      if (n % format.segment_records() == 0) {
        end = format.segment_begin(n / format.segment_records()) + format.head_bytes();
      }
      ASSERT_GE(begin, end);
      end = begin + format.record_bytes();
      ASSERT_LE((end - 1) / 4096 - begin / 4096, (format.record_bytes() - 1) / 4096);
      ASSERT_LE(end, format.segment_begin(n / format.segment_records()) + kRecordLogSegmentBytes);
    }
  }
  EXPECT_FALSE(RecordLogFormat::create(kSize, 40000, 1));
  EXPECT_FALSE(RecordLogFormat::create(1 << 20, 264, 1));
}

TEST_F(RecordLogFile, KnowsItsRecordsAgainAfterARestart) {
  {
    const auto log = open();
    add(*log, 0, 300);  // one segment, and the beginning of another
  }
  {
    const auto log = open();
    wait_for_records(*log, 300);
    EXPECT_EQ(there(*log, 0, 400).size(), 300u);
    EXPECT_EQ(log->stats().bytes_written, 0u);
    add(*log, 300, 310);  // over the oldest
  }
  const auto log = open();
  wait_for_records(*log, 50);
  const std::vector<ClassId> left = there(*log, 0, 400);
  EXPECT_FALSE(left.empty());
  EXPECT_GT(left.front(), 200) << "the first segment went";
  EXPECT_EQ(left.back(), 309);
}

TEST_F(RecordLogFile, WritesOverTheOldest) {
  const auto log = open(6 << 20);
  const auto most = static_cast<ClassId>(log->stats().records_max);
  const ClassId per_segment = most / 5;
  add(*log, 0, 3 * most);
  wait_for_records(*log, static_cast<std::uint64_t>(most));
  ASSERT_TRUE(
      wait_until([&] { return log->stats().bytes_written >= 15 * kRecordLogSegmentBytes; }));
  const std::vector<ClassId> left = there(*log, 0, 3 * most);
  EXPECT_GE(left.size() * 100, static_cast<std::size_t>(most) * 99) << "the index loses hardly any";
  EXPECT_GE(left.front(), 2 * most);
  EXPECT_EQ(std::filesystem::file_size(path_), log->stats().bytes);
  EXPECT_EQ(log->stats().bytes_written, 15 * kRecordLogSegmentBytes);
  EXPECT_EQ(most % per_segment, 0);
}

TEST_F(RecordLogFile, BelievesNothingThatWasDamaged) {
  {
    const auto log = open();
    add(*log, 0, 490);
  }
  const std::string good = bytes();
  std::mt19937_64 random(8);
  for (int round = 0; round < 150; ++round) {
    std::string bad = good;
    const std::size_t at = random() % good.size();
    if (round % 3 == 0) {  // torn: the rest is as it was before
      const std::size_t segment = 4096 + (random() % 2 << 20);
      const std::size_t from = segment + random() % (1 << 20);
      std::fill(bad.begin() + static_cast<std::ptrdiff_t>(from),
                bad.begin() + static_cast<std::ptrdiff_t>(segment + (1 << 20)), '\0');
    } else if (round % 3 == 1) {
      bad[4096 + random() % 12000] ^= static_cast<char>(1 << random() % 8);  // a head
    } else {
      for (int i = 0; i < 200; ++i) bad[4096 + random() % (2 << 20)] ^= 0x10;
      bad[at] ^= 0x55;
    }
    set_bytes(bad);
    const auto log = open();
    add(*log, 10'000, 10'010);  // once they are there the index has been read
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    there(*log, 0, 500);  // compares
  }
  set_bytes(good.substr(0, good.size() / 2));
  EXPECT_EQ(open()->stats().records, 0u);
}

TEST_F(RecordLogFile, IsNotTakenForOtherTablesAndNotForAnotherSize) {
  for (const auto& [bytes, identity] :
       {std::pair{kSize, std::uint64_t{43}}, std::pair{kSize * 2, kIdentity}}) {
    {
      const auto log = open();
      add(*log, 0, 300);
    }
    EXPECT_EQ(open()->stats().bytes, (2u << 20) + 4096);
    const auto other = open(bytes, identity);
    add(*other, 1000, 1010);
    EXPECT_TRUE(there(*other, 0, 300).empty());
  }
}

TEST_F(RecordLogFile, LeavesAFileAloneThatIsNoLog) {
  std::filesystem::create_directories(folder_.file("deeper"));
  set_bytes("somebody's letters");
  const auto log = RecordLog::open(path_, kSize, kIdentity, kRecordRowsBytes);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("left alone"), std::string::npos);
  EXPECT_EQ(bytes(), "somebody's letters");
}

TEST_F(RecordLogFile, LeavesAloneWhatANewerProgramWrote) {
  { const auto log = open(); }
  std::string newer = bytes();
  newer[8] = 2;  // its version; the digest of 32 bytes follows them
  const std::uint64_t digest = XXH3_64bits(newer.data(), 32);
  std::memcpy(newer.data() + 32, &digest, sizeof digest);
  set_bytes(newer);
  const auto log = RecordLog::open(path_, kSize, kIdentity, kRecordRowsBytes);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::unsupported);
  EXPECT_NE(log.error().message.find("newer Mneme (its version is 2"), std::string::npos);
  EXPECT_NE(log.error().message.find("left alone"), std::string::npos);
  EXPECT_EQ(bytes(), newer);
}

TEST_F(RecordLogFile, IsNoPipe) {
  std::filesystem::create_directories(folder_.file("deeper"));
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const auto pipe = RecordLog::open(path_, kSize, kIdentity, kRecordRowsBytes);
  ASSERT_FALSE(pipe);
  EXPECT_EQ(pipe.error().message, path_ + " is not a regular file");
}

TEST_F(RecordLogFile, HasOneOwner) {
  const auto log = open();
  const auto second = RecordLog::open(path_, kSize, kIdentity, kRecordRowsBytes);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

TEST_F(RecordLogFile, TellsWhenTheDriveHasNoRoomForIt) {
  const std::uint64_t all = std::filesystem::space(folder_.path()).available;
  const auto log = RecordLog::open(path_, all, kIdentity, kRecordRowsBytes);
  ASSERT_FALSE(log);
  if (log.error().code == ErrorCode::out_of_memory) GTEST_SKIP() << "more drive than RAM";
  EXPECT_NE(log.error().message.find("MiB free"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(path_), 0u);
}

TEST_F(RecordLogFile, TellsWhenItsIndexIsTooLargeForRam) {
  const auto log = RecordLog::open(path_, std::uint64_t{1} << 60, kIdentity, kRecordRowsBytes);
  ASSERT_FALSE(log);
  if (log.error().code == ErrorCode::io) GTEST_SKIP() << "more RAM than drive";
  EXPECT_EQ(log.error().code, ErrorCode::out_of_memory);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// The system refuses writes beyond a size, as a full drive would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(RecordLogFile, IsSwitchedOffByAFailedWrite) {
  const auto log = open();
  add(*log, 0, 260);
  wait_for_records(*log, 240);
  EXPECT_TRUE(log->find(NgramKeyHash{}(record_key(0))));
  const FileSizeLimit limit(4096);
  for (int i = 0; i < 5000 && log->stats().off.empty(); ++i) {
    log->add(record_key(300 + i), record_rows(300 + i));
  }
  ASSERT_TRUE(wait_until([&] { return !log->stats().off.empty(); }));
  EXPECT_NE(log->stats().off.find("cannot write"), std::string::npos) << log->stats().off;
  EXPECT_FALSE(log->find(NgramKeyHash{}(record_key(0))));
  log->add(record_key(0), record_rows(0));
}

TEST_F(RecordLogFile, WorksForManyThreads) {
  const auto log = open(5 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (ClassId n = 0; n < 3000; ++n) {
        const ClassId mine = n % 4 == t ? n : n / 2;
        if (n % 4 == t) log->add(record_key(mine), record_rows(mine));
        if (log->find(NgramKeyHash{}(record_key(mine))) && n % 50 == 0)
          log->forget(record_key(mine));
        if (n % 100 == 0) (void)log->stats();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(there(*log, 0, 3000).empty() && log->stats().dropped == 0);
}

}  // namespace
}  // namespace mneme

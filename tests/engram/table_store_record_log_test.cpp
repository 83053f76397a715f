// SPDX-License-Identifier: Apache-2.0
// The record log through a store.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/evicted_rows.h"
#include "engram/compare_readers.h"
#include "engram/record_log_format.h"
#include "engram/table_store.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/slow_reader.h"
#include "tests/support/table_layouts.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wait_until_idle.h"

namespace mneme {
namespace {

using Keys = std::vector<NgramKey>;
using Reader = TableStoreOptions::Reader;

constexpr std::uint64_t kLogBytes = 4 << 20;

class LoggedStore : public testing::Test {
 protected:
  std::unique_ptr<TableStore> open(std::uint64_t budget, const RowReaderFactory& reader = {}) {
    TableStoreOptions options;
    options.budget_bytes = budget;
    options.record_log = path_;
    options.record_log_bytes = kLogBytes;
    auto store = TableStore::open(tables_.hasher(), tables_.tables(), options, reader);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  void fetch(TableStore& store, const Keys& keys) const {
    TableStore::Ticket ticket = store.prefetch(keys);
    for (std::size_t layer = 0; layer < 2; ++layer) {
      std::vector<std::byte> out(keys.size() * 4 * store.row_bytes(layer));
      const Status status = store.wait(ticket, layer, out);
      ASSERT_TRUE(status) << status.error().message;
      ASSERT_EQ(out, tables_.expected(keys, layer));
    }
  }
  // 2,112 bytes of rows each, so a record a page and some 250 in a segment.
  static Keys distinct(ClassId first, ClassId count) {
    Keys keys;
    for (ClassId n = first; n < first + count; ++n) keys.push_back(NumberedTables::key(n, n + 1));
    return keys;
  }
  // As many as a segment has, from key(0, 1) on: in the log now, and not in RAM.
  Keys fill(TableStore& store) const {
    const Keys keys = distinct(0, static_cast<ClassId>(store.stats().log.records_max / 3));
    EXPECT_GT(keys.size(), 240u);
    fetch(store, keys);
    EXPECT_TRUE(wait_until([&] { return store.stats().log.records >= keys.size(); }));
    EXPECT_EQ(store.stats().log.records, keys.size());
    wait_until_idle(store);
    store.set_budget(1);
    store.set_budget(1 << 20);
    return keys;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.file("kept/log");
  const NumberedTables tables_{264};
};

TEST_F(LoggedStore, BringsAnEvictedNgramBackWithOneRead) {
  auto store = open(1 << 20);
  fill(*store);
  const TierStats before = store->stats();
  EXPECT_EQ(before.rows_from_log, 0u);
  EXPECT_EQ(before.bytes_written, kRecordLogSegmentBytes);
  const Keys some = distinct(20, 30);
  fetch(*store, some);
  const TierStats after = store->stats();
  EXPECT_EQ(after.reads - before.reads, 30u);
  EXPECT_EQ(after.rows_from_log, 30u * 8);
  EXPECT_EQ(after.rows_read - before.rows_read, 30u * 8);
  EXPECT_EQ(after.log.refused, 0u);
  EXPECT_EQ(after.failed_reads, 0u);
  fetch(*store, some);
  EXPECT_EQ(store->stats().reads, after.reads) << "in RAM again";
}

TEST_F(LoggedStore, KnowsItsRecordsAfterARestart) {
  {
    auto store = open(1 << 20);
    fetch(*store, distinct(0, 300));
  }
  auto store = open(1 << 20);
  ASSERT_TRUE(wait_until([&] { return store->stats().log.records >= 300; }));
  fetch(*store, distinct(0, 300));
  EXPECT_GE(store->stats().rows_from_log, 290u * 8);
  EXPECT_EQ(store->stats().bytes_written, 0u) << "nothing is written twice";
}

TEST_F(LoggedStore, ReadsFromTheTablesWhatTheLogHasWrong) {
  auto store = open(1 << 20);
  const Keys keys = fill(*store);
  {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    for (std::uint64_t at = 4096; at < (1 << 20) + 4096; at += 700) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put('!');
    }
  }
  fetch(*store, keys);
  wait_until_idle(*store);
  TierStats stats = store->stats();
  EXPECT_EQ(stats.rows_from_log, 0u);
  EXPECT_EQ(stats.log.refused, keys.size());
  // Forgotten: asked for once more, they come from the tables at once.
  const std::uint64_t refused = stats.log.refused;
  store->set_budget(1);
  store->set_budget(1 << 20);
  fetch(*store, distinct(0, 5));
  EXPECT_EQ(store->stats().log.refused, refused);
}

TEST_F(LoggedStore, ReadsFromTheTablesWhereTheLogCannotBeRead) {
  const auto control = std::make_shared<SlowReaderControl>();
  for (const ReadFault fault : {ReadFault::eio, ReadFault::too_short}) {
    std::filesystem::remove(path_);
    auto store = open(1 << 20, slow_reader_factory(control));
    fill(*store);
    control->set_out_of_order(true);
    control->set_fault([fault](const ReadRequest& request) {
      return request.file == 1 ? fault : ReadFault::none;
    });
    fetch(*store, distinct(0, 100));
    EXPECT_EQ(store->stats().rows_from_log, 0u);
    EXPECT_EQ(store->stats().log.refused, 100u);
    EXPECT_EQ(store->stats().failed_reads, 0u) << "no answer lacks anything";
    control->set_fault({});
  }
}

TEST_F(LoggedStore, AFailedRowDoesNotComeIntoTheLog) {
  const auto control = std::make_shared<SlowReaderControl>();
  auto store = open(1 << 20, slow_reader_factory(control));
  control->set_fault([](const ReadRequest&) { return ReadFault::eio; });
  {
    const Keys keys = distinct(0, 300);
    TableStore::Ticket ticket = store->prefetch(keys);
    std::vector<std::byte> out(keys.size() * 4 * 264);
    EXPECT_FALSE(store->wait(ticket, 0, out));
    EXPECT_FALSE(store->wait(ticket, 1, out));
  }
  control->set_fault({});
  fetch(*store, fill(*store));
}

TEST_F(LoggedStore, WorksOnWithoutALogThatCannotBeHad) {
  std::filesystem::create_directories(folder_.file("kept"));
  std::ofstream(path_) << "somebody's letters";
  auto store = open(1 << 20);
  fetch(*store, distinct(0, 20));
  EXPECT_NE(store->stats().log.off.find("left alone"), std::string::npos);
  EXPECT_EQ(store->stats().log.bytes, 0u);
}

TEST_F(LoggedStore, IsRightWhileRecordsAreWrittenOverAndReadsAreDropped) {
  for (const std::uint64_t budget : {1, 60'000, 300'000}) {
    auto store = open(budget);
    std::mt19937_64 random(budget);
    for (int round = 0; round < 80; ++round) {
      const std::size_t count = round % 10 == 0 ? 400 : random() % 12;
      const Keys keys = NumberedTables::random_keys(random, count, 2500);
      if (round % 9 == 0) (void)store->prefetch(keys);  // its ticket goes before its rows come
      ASSERT_NO_FATAL_FAILURE(fetch(*store, keys));
    }
    (void)store->prefetch(NumberedTables::random_keys(random, 300, 5000));
  }
}

// An engine, someone who looks at figures and someone who moves the budget.
TEST_F(LoggedStore, IsRightWhileOthersLookAndTheBudgetMoves) {
  auto store = open(100'000);
  std::atomic<bool> done = false;
  std::thread other([&] {
    for (int i = 0; !done; ++i) {
      store->set_budget(i % 2 == 0 ? 20'000 : 400'000);
      (void)store->stats();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::mt19937_64 random(4);
  for (int round = 0; round < 60; ++round) {
    fetch(*store, NumberedTables::random_keys(random, round % 8 == 0 ? 300 : 9, 1500));
    // From here on a fifth of what is asked for is in the log.
    if (round == 20) {
      EXPECT_TRUE(wait_until([&] { return store->stats().log.records > 0; }));
    }
  }
  done = true;
  other.join();
  EXPECT_GT(store->stats().rows_from_log, 0u);
}

TEST_F(LoggedStore, IsMeasuredBesideTheTables) {
  const auto nothing = [](std::string_view) {};
  const auto result = bench_evicted_rows(tables_.hasher(), tables_.tables(), folder_.path(),
                                         {.rounds = 1, .tokens = 3000}, nothing, nullptr);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->records, 4000u);
  EXPECT_EQ(result->bytes_written % kRecordLogSegmentBytes, 0u);
  EXPECT_GT(result->log_reads, 0);
  EXPECT_LE(result->log_reads, 2.0) << "one for each n-gram of a token";
  EXPECT_LT(result->log_reads, result->tables_reads);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  const std::atomic<bool> stop = true;
  EXPECT_FALSE(
      bench_evicted_rows(tables_.hasher(), tables_.tables(), folder_.path(), {}, nothing, &stop));
  EXPECT_FALSE(
      bench_evicted_rows(tables_.hasher(), tables_.tables(), "/proc", {}, nothing, nullptr));
}

// The first page is the log's; a segment says behind its digest what it is.
bool has_a_segment(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(4096 + 8);
  return file.get() == 'M';
}

class LoggedLayouts : public testing::TestWithParam<TableLayout> {};

TEST_P(LoggedLayouts, EveryRowIsThatOfTheFile) {
  const NumberedTables numbered(264);
  const TemporaryFolder folder;
  const auto tables = lay_out(numbered, GetParam(), folder);
  for (const Reader reader : {Reader::uring, Reader::threads}) {
    CompareOptions options;
    options.reader = reader;
    options.rows = 10'000;
    options.budget_bytes_max = 200'000;
    options.record_log = folder.file("log");
    options.record_log_bytes = kLogBytes;
    // Half of the rows are asked for when the log has some.
    options.progress = [&](double done) {
      if (done < 0.5) return;
      EXPECT_TRUE(wait_until([&] { return has_a_segment(options.record_log); }));
    };
    const auto result = compare_readers(tables, options);
    if (!result && result.error().code == ErrorCode::unsupported) continue;  // no io_uring here
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->different, 0u);
    EXPECT_GT(result->stats.rows_from_log, 0u);
    EXPECT_EQ(result->stats.failed_reads, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LoggedLayouts, testing::ValuesIn(kTableLayouts),
                         [](const testing::TestParamInfo<TableLayout>& test) {
                           return layout_name(test.param);
                         });

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// A drive that does not answer.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "engram/table_store.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/slow_reader.h"

namespace mneme {
namespace {

TEST(TableStoreStall, WhoWaitsCanLeaveAndTheRowsComeLater) {
  const NumberedTables tables(33);
  const auto drive = std::make_shared<SlowReaderControl>();
  auto opened = TableStore::open(tables.hasher(), tables.tables(), {}, slow_reader_factory(drive));
  ASSERT_TRUE(opened) << opened.error().message;
  TableStore& store = **opened;
  const std::vector<NgramKey> keys = {{2, {5, 6}}, {3, {5, 6, 7}}, {2, {5, 6}}};
  const auto expected = tables.expected(keys, 0);
  std::vector<std::byte> rows(expected.size());
  drive->hold();
  std::atomic<bool> cancel = false;
  {
    TableStore::Ticket ticket = store.prefetch(keys);
    auto waiting =
        std::async(std::launch::async, [&] { return store.wait(ticket, 0, rows, &cancel); });
    while (store.stats().waiting_us == 0) std::this_thread::yield();
    cancel = true;
    const Status left = waiting.get();
    ASSERT_FALSE(left);
    EXPECT_EQ(left.error().code, ErrorCode::cancelled);
  }
  EXPECT_EQ(store.stats().waiting_us, 0u);
  EXPECT_GT(store.stats().in_flight, 0u);

  // The reads go on without anyone; the next ticket joins them.
  cancel = false;
  TableStore::Ticket again = store.prefetch(keys);
  EXPECT_EQ(store.stats().hits, 4u);
  auto waiting =
      std::async(std::launch::async, [&] { return store.wait(again, 0, rows, &cancel); });
  while (store.stats().waiting_us == 0) std::this_thread::yield();
  drive->release();
  const Status done = waiting.get();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(rows, expected);
}

// Rows that an answer no longer waits for may take as long as they like: the next answer has its
// own.
TEST(TableStoreStall, TheNextAnswerDoesNotWaitForWhatTheLastOneLeft) {
  const NumberedTables tables(33);
  const auto drive = std::make_shared<SlowReaderControl>();
  auto opened = TableStore::open(tables.hasher(), tables.tables(), {}, slow_reader_factory(drive));
  ASSERT_TRUE(opened) << opened.error().message;
  TableStore& store = **opened;
  const std::vector<NgramKey> left = {{2, {5, 6}}, {3, {5, 6, 7}}}, wanted = {{2, {8, 9}}};
  const auto expected = tables.expected(wanted, 0);
  std::vector<std::byte> left_rows(tables.expected(left, 0).size()), rows(expected.size());
  drive->hold();
  std::atomic<bool> cancel = false;
  const auto wait_for = [&](TableStore::Ticket& ticket, std::vector<std::byte>& out) {
    auto waiting =
        std::async(std::launch::async, [&] { return store.wait(ticket, 0, out, &cancel); });
    while (store.stats().waiting_us == 0) std::this_thread::yield();
    return waiting;
  };
  {
    TableStore::Ticket ticket = store.prefetch(left);
    auto waiting = wait_for(ticket, left_rows);
    cancel = true;
    ASSERT_FALSE(waiting.get());
  }
  cancel = false;
  const std::size_t abandoned = drive->seen().size();
  {
    TableStore::Ticket ticket = store.prefetch(wanted);
    auto waiting = wait_for(ticket, rows);
    drive->release_all_but(abandoned);
    const bool came = waiting.wait_for(std::chrono::seconds(60)) == std::future_status::ready;
    EXPECT_TRUE(came) << "it waits for rows that nobody asks for";
    if (!came) drive->release();
    EXPECT_TRUE(waiting.get());
    EXPECT_EQ(rows, expected);
  }
  EXPECT_GT(store.stats().in_flight, 0u);
  drive->release();
}

}  // namespace
}  // namespace mneme

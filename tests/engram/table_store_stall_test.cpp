// SPDX-License-Identifier: Apache-2.0
// A drive that does not answer.
#include <gtest/gtest.h>

#include <atomic>
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

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/hit_path.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "engram/table_store.h"
#include "tests/engram/counted_heap.h"
#include "tests/engram/counted_locks.h"
#include "tests/support/numbered_tables.h"

namespace mneme {
namespace {

TEST(HitPath, AllocatesNothingAndTakesNoLock) {
  const NumberedTables tables(264);
  auto store = TableStore::open(tables.hasher(), tables.tables(), {});
  ASSERT_TRUE(store) << store.error().message;
  std::mt19937_64 random(1);
  const auto keys = NumberedTables::random_keys(random, 400, 300);
  std::vector<std::byte> rows(keys.size() * 4 * 264);
  const auto fetch = [&](std::span<const NgramKey> some) {
    TableStore::Ticket ticket = (*store)->prefetch(some);
    for (std::size_t layer = 0; layer < 2; ++layer) {
      const Status status =
          (*store)->wait(ticket, layer, std::span(rows).first(some.size() * 4 * 264));
      ASSERT_TRUE(status) << status.error().message;
    }
  };
  fetch(keys);  // from storage; makes room for tickets of this size too
  const std::uint64_t hits = (*store)->stats().hits;
  const std::uint64_t before = allocations_of_this_thread();
  const std::uint64_t locks_before = locks_of_this_thread();
  for (std::size_t at = 0; at + 3 <= keys.size(); at += 3) fetch(std::span(keys).subspan(at, 3));
  fetch(keys);
  const std::uint64_t locks_after = locks_of_this_thread();
  const std::uint64_t after = allocations_of_this_thread();
  EXPECT_EQ(after, before);
  EXPECT_EQ(locks_after, locks_before);
  (void)(*store)->stats();
  EXPECT_EQ(locks_of_this_thread(), locks_after);
  (void)(*store)->in_ram(keys[0]);
  EXPECT_EQ(locks_of_this_thread() > locks_after, locks_are_counted());
  EXPECT_EQ((*store)->stats().hits, hits + 399 + 400);
}

TEST(HitPathBench, MeasuresHitsAndBringsTheHotSetBack) {
  const auto result = bench_hit_path(".", 16 << 20);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rows_per_token, 48u);
  EXPECT_GT(result->entries, 3000u);
  EXPECT_GT(result->row_ns, 0);
  EXPECT_GT(result->pread_ns, 0);
  EXPECT_GT(result->hot_set_bytes, result->entries * 16 * 264);
  EXPECT_GT(result->restore_seconds, 0);
}

}  // namespace
}  // namespace mneme

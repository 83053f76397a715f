// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/cold_bench.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/numbered_tables.h"

namespace mneme {
namespace {

TEST(ColdArms, AllBringTheSameRows) {
  const NumberedTables tables(264);
  const auto cold = ColdTables::create(tables.hasher(), tables.tables());
  ASSERT_TRUE(cold) << cold.error().message;
  std::vector<Result<std::unique_ptr<ColdArm>>> arms;
  arms.push_back(open_store_arm(*cold, TableStoreOptions::Reader::automatic));
  arms.push_back(open_store_arm(*cold, TableStoreOptions::Reader::threads));
  arms.push_back(open_memory_map_arm(*cold));
  arms.push_back(open_thread_pool_arm(*cold, 7));
  arms.push_back(open_aio_lru_arm(*cold));
  std::mt19937_64 random(1);
  for (auto& arm : arms) {
    ASSERT_TRUE(arm) << arm.error().message;
    for (int round = 0; round < 4; ++round) {
      const auto keys = NumberedTables::random_keys(random, round == 0 ? 300 : 3, 5000);
      std::vector<std::byte> rows(cold->bytes_per_key() * keys.size());
      const Status status = (*arm)->fetch(keys, rows);
      ASSERT_TRUE(status) << status.error().message;
      std::vector<std::byte> expected = tables.expected(keys, 0);
      const auto second = tables.expected(keys, 1);
      expected.insert(expected.end(), second.begin(), second.end());
      EXPECT_EQ(rows, expected) << (*arm)->name();
    }
  }
}

TEST(ColdBench, MeasuresEveryArm) {
  const NumberedTables tables(264);
  const auto cold = ColdTables::create(tables.hasher(), tables.tables());
  ASSERT_TRUE(cold);
  const auto result =
      bench_cold(*cold, {.rounds = 2, .tokens = 3, .chunk_tokens = 20}, {}, nullptr);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rounds_kept + result->rounds_dropped, 2u);
  EXPECT_EQ(result->rows_per_token, 2u * 4 * 2);
  if (result->rounds_kept == 0) return;  // a drive whose speed jumps
  ASSERT_EQ(result->arms.size(), 5u);
  for (const ColdArmResult& arm : result->arms) {
    EXPECT_GT(arm.token_us, 0) << arm.name;
    EXPECT_GE(arm.token_us_p99, arm.token_us) << arm.name;
    EXPECT_GT(arm.chunk_rows_s, 0) << arm.name;
  }
  EXPECT_EQ(result->arms.front().token_times.ratio, 1);
}

TEST(ColdBench, PassesAnErrorOn) {
  const NumberedTables tables(264);
  auto list = tables.tables();
  list[1] = plain_table("no_such_pack.gguf", 0, list[1].rows, 264);
  EXPECT_FALSE(ColdTables::create(tables.hasher(), list));
  list = tables.tables();
  list.pop_back();
  EXPECT_FALSE(ColdTables::create(tables.hasher(), list));
}

}  // namespace
}  // namespace mneme

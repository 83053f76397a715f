// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/cold_rows.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/numbered_tables.h"

namespace mneme {
namespace {

constexpr ColdRowsOptions kShort = {.rounds = 2, .tokens = 3, .chunk_tokens = 20};

TEST(ColdRows, MeasuresTokensAPromptAndTheDrive) {
  const NumberedTables tables(264);
  const auto result = bench_cold_rows(tables.hasher(), tables.tables(), kShort, {}, nullptr);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->reader.empty());
  EXPECT_EQ(result->rounds_kept + result->rounds_dropped, 2u);
  EXPECT_EQ(result->rows_per_token, 2u * 4 * 2);
  if (result->rounds_kept == 0) return;  // a drive whose speed jumps
  EXPECT_GT(result->token_us, 0);
  EXPECT_GE(result->token_us_p99, result->token_us);
  EXPECT_GT(result->chunk_rows_s, 0);
  EXPECT_GT(result->drive_reads_s, 0);
  EXPECT_GT(result->drive_share.ratio, 0);
}

TEST(ColdRows, TablesThatDoNotFitAreRefused) {
  const NumberedTables tables(264);
  auto list = tables.tables();
  list[1] = plain_table("no_such_pack.gguf", 0, list[1].rows, 264);
  EXPECT_FALSE(bench_cold_rows(tables.hasher(), list, kShort, {}, nullptr));
  list = tables.tables();
  list.pop_back();
  const auto fewer = bench_cold_rows(tables.hasher(), list, kShort, {}, nullptr);
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error().message, "there are 1 tables for 2 Engram layers");
}

TEST(ColdRows, CanBeStopped) {
  const NumberedTables tables(264);
  const std::atomic<bool> stop = true;
  const auto result = bench_cold_rows(tables.hasher(), tables.tables(), kShort, {}, &stop);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace mneme

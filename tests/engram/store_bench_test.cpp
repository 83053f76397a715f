// SPDX-License-Identifier: Apache-2.0
#include "engram/store_bench.h"

#include <gtest/gtest.h>

#include "tests/support/numbered_tables.h"

namespace mneme {
namespace {

TEST(StoreBench, ColdRowsAreReadAndWarmOnesAreNot) {
  const NumberedTables tables(33);
  const auto result = bench_store(tables.hasher(), tables.tables(), {.tokens = 8});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rows_per_token, 2u * 4 * 2);
  EXPECT_GT(result->cold_token_us, 0);
  EXPECT_GT(result->cold_chunk_rows_s, 0);
  EXPECT_GT(result->warm_row_ns, 0);
  EXPECT_EQ(result->stats.lookups, (8 + 21 * 512) * 2u);
  EXPECT_GE(result->stats.hits, 20 * 512 * 2u) << "the warm rounds find everything";
  EXPECT_GE(result->stats.rows_read, (result->stats.lookups - result->stats.hits) * 8);
  EXPECT_EQ(result->stats.evictions, 0u);
}

TEST(StoreBench, PassesAnErrorOn) {
  const NumberedTables tables(33);
  auto list = tables.tables();
  list[1].parts[0].runs[0].path = "no_such_pack.gguf";
  EXPECT_FALSE(bench_store(tables.hasher(), list, {}));
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/compare_readers.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/numbered_tables.h"
#include "tests/support/table_layouts.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

using Reader = TableStoreOptions::Reader;

class CompareReaders : public testing::TestWithParam<TableLayout> {};

// Ten thousand rows of small tables; MNEME_COMPARE_ROWS asks for more, of 440 MB in TMPDIR.
TEST_P(CompareReaders, FindNoDifferenceInAnyLayout) {
  const char* const asked = std::getenv("MNEME_COMPARE_ROWS");
  const bool large = asked != nullptr;
  const TemporaryFolder folder;
  const NumberedTables numbered(264, folder.path(), large ? 120'000 : 700);
  const auto tables = lay_out(numbered, GetParam(), folder);
  for (const Reader reader : {Reader::uring, Reader::threads}) {
    CompareOptions options;
    options.reader = reader;
    options.rows = large ? std::strtoull(asked, nullptr, 10) : 10'000;
    options.budget_bytes_max = large ? 64'000'000 : 200'000;
    const auto result = compare_readers(tables, options);
    if (!result && result.error().code == ErrorCode::unsupported) continue;  // no io_uring here
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->different, 0u);
    EXPECT_EQ(result->rows, 2 * options.rows);
    EXPECT_GE(result->edges, 28u);
    EXPECT_GT(result->repeated, 100u);
    EXPECT_GT(result->budget_changes, 0u);
    EXPECT_GT(result->stats.evictions, 0u);
    EXPECT_EQ(result->straddling > 0, GetParam() != TableLayout::pages);
    EXPECT_EQ(result->stats.rows_verified > 0, GetParam() == TableLayout::pages);
  }
}

INSTANTIATE_TEST_SUITE_P(All, CompareReaders, testing::ValuesIn(kTableLayouts),
                         [](const testing::TestParamInfo<TableLayout>& test) {
                           return layout_name(test.param);
                         });

TEST(CompareReaders, FindsRowsThatAreNotThoseOfTheFile) {
  const NumberedTables tables(264);
  CompareOptions options;
  options.rows = 10'000;
  bool changed = false;
  options.progress = [&](double) {
    if (std::exchange(changed, true)) return;
    // What is in RAM by now is no longer what the file has.
    std::fstream file(tables.path(), std::ios::binary | std::ios::in | std::ios::out);
    file << std::string(1'000'000, '!');
  };
  const auto result = compare_readers(tables.tables(), options);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->different, 0u);
  EXPECT_EQ(result->first_table, 0u);
  EXPECT_LT(result->first_row, 1'000'000u / 264);
}

}  // namespace
}  // namespace mneme

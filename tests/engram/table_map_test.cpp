// SPDX-License-Identifier: Apache-2.0
#include "engram/table_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "engram/row_checksum.h"
#include "engram/row_reader.h"
#include "engram/table_store.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/table_layouts.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

Result<TableMap> map_of(std::vector<TableSource> tables) {
  std::vector<std::string> names(tables.size(), "a table");
  return TableMap::create(std::move(tables), std::move(names));
}

class TableMaps : public testing::TestWithParam<TableLayout> {
 protected:
  const NumberedTables tables_{264};
  const TemporaryFolder folder_;
};

TEST_P(TableMaps, LocateEveryByteOfEveryRow) {
  const auto map = map_of(lay_out(tables_, GetParam(), folder_));
  ASSERT_TRUE(map) << map.error().message;
  std::vector<File> files;
  for (const std::string& path : map->paths()) files.push_back(File::open(path).value());
  for (std::size_t layer = 0; layer < map->size(); ++layer) {
    ASSERT_EQ(map->table(layer).rows, tables_.tables()[layer].rows);
    for (RowId row = 0; row < map->table(layer).rows; ++row) {
      for (std::size_t part = 0; part < map->parts(layer); ++part) {
        const RowRange range = map->locate(layer, part, row);
        std::vector<std::byte> bytes(range.size);
        ASSERT_TRUE(files[range.file].read_at(range.offset, bytes));
        ASSERT_TRUE(map->verify(layer, row, bytes));
        for (std::uint32_t i = 0; i < map->part_bytes(layer, part); ++i) {
          ASSERT_EQ(bytes[i], numbered_byte(layer, row, map->part_begin(layer, part) + i));
        }
        if (map->table(layer).page_bytes != 0) {
          const std::uint64_t base = map->table(layer).parts[0].runs[0].offset;
          ASSERT_EQ((range.offset - base) / 4096, (range.offset - base + range.size - 1) / 4096);
        }
      }
    }
  }
}

TEST_P(TableMaps, AreReadByTheStoreAlike) {
  for (const auto reader : {TableStoreOptions::Reader::uring, TableStoreOptions::Reader::threads}) {
    TableStoreOptions options{20000, reader};
    options.verify = VerifyRows::always;
    auto store = TableStore::open(tables_.hasher(), lay_out(tables_, GetParam(), folder_), options);
    if (!store && store.error().code == ErrorCode::unsupported) continue;  // no io_uring here
    ASSERT_TRUE(store) << store.error().message;
    std::mt19937_64 random(3);
    for (int round = 0; round < 40; ++round) {
      const auto keys = NumberedTables::random_keys(random, round % 9 == 0 ? 300 : 5, 30000);
      TableStore::Ticket ticket = (*store)->prefetch(keys);
      for (std::size_t layer = 0; layer < 2; ++layer) {
        std::vector<std::byte> out(keys.size() * 4 * 264);
        const Status status = (*store)->wait(ticket, layer, out);
        ASSERT_TRUE(status) << status.error().message;
        ASSERT_EQ(out, tables_.expected(keys, layer));
      }
    }
    const TierStats stats = (*store)->stats();
    EXPECT_EQ(stats.rows_read, (stats.lookups - stats.hits) * 4 * 2);
    EXPECT_EQ(stats.rows_verified, GetParam() == TableLayout::pages ? stats.rows_read : 0);
  }
}

TEST_P(TableMaps, RefuseAFileThatEndsTooEarly) {
  auto tables = lay_out(tables_, GetParam(), folder_);
  ASSERT_TRUE(map_of(tables));
  for (TableSource& table : tables) {
    for (RowPart& part : table.parts) {
      for (RowRun& run : part.runs) {
        for (const std::uint64_t offset : {std::uint64_t{1} << 24, ~std::uint64_t{0} - 5}) {
          const std::uint64_t right = std::exchange(run.offset, offset);
          const auto map = map_of(tables);
          ASSERT_FALSE(map);
          EXPECT_EQ(map.error().code, ErrorCode::corrupt);
          EXPECT_NE(map.error().message.find("cut off"), std::string::npos);
          run.offset = right;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, TableMaps, testing::ValuesIn(kTableLayouts),
                         [](const testing::TestParamInfo<TableLayout>& test) {
                           return layout_name(test.param);
                         });

TEST(TableMap, RefusesWhatDoesNotAddUp) {
  const NumberedTables tables(264);
  const TemporaryFolder folder;
  const auto refused = [&](const TableSource& table, ErrorCode code, std::string_view word) {
    const auto map = map_of({table});
    ASSERT_FALSE(map) << word;
    EXPECT_EQ(map.error().code, code);
    EXPECT_NE(map.error().message.find(word), std::string::npos) << map.error().message;
  };
  const TableSource plain = tables.tables()[1];
  TableSource table = plain;
  ++table.parts[0].runs[0].offset;  // its last row would end one byte behind the file
  refused(table, ErrorCode::corrupt, "cut off");
  table = plain;
  table.row_bytes = 0;
  refused(table, ErrorCode::unsupported, "0 bytes");
  table.row_bytes = 0xFFFFFFFF;
  refused(table, ErrorCode::unsupported, "bytes");
  table = plain;
  --table.row_bytes;
  refused(table, ErrorCode::corrupt, "263 bytes");
  table = plain;
  table.parts[0].runs[0].rows += 1;
  refused(table, ErrorCode::corrupt, "add up");
  table.parts[0].runs.push_back({table.parts[0].runs[0].path, 0, ~std::uint64_t{0}});
  refused(table, ErrorCode::corrupt, "add up");
  table = plain;
  table.parts[0].bytes = 0;
  refused(table, ErrorCode::corrupt, "add up");
  table = plain;
  table.parts.clear();
  refused(table, ErrorCode::corrupt, "add up");
  table = lay_out(tables, TableLayout::pages, folder)[0];
  ++table.page_rows;
  refused(table, ErrorCode::corrupt, "pages");
  table.page_rows = 0;
  refused(table, ErrorCode::corrupt, "pages");
}

TEST(TableMap, ADamagedRowIsFoundWhereItIsRead) {
  const NumberedTables tables(264);
  const TemporaryFolder folder;
  const auto paged = lay_out(tables, TableLayout::pages, folder);
  const NgramKey key = NumberedTables::key(1, 2);
  std::vector<RowId> rows(4);
  tables.hasher().rows(1, key, rows);
  const auto map = map_of(paged);
  const RowRange range = map->locate(1, 0, rows[2]);
  std::fstream file(map->paths()[range.file], std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(range.offset + 100));
  file.put('!');
  file.close();

  std::vector<std::byte> out(4 * 264);
  for (const VerifyRows verify : {VerifyRows::always, VerifyRows::off}) {
    TableStoreOptions options;
    options.verify = verify;
    auto store = TableStore::open(tables.hasher(), paged, options);
    ASSERT_TRUE(store);
    const std::vector<NgramKey> keys = {key};
    TableStore::Ticket ticket = (*store)->prefetch(keys);
    EXPECT_TRUE((*store)->wait(ticket, 0, out)) << "the other table is whole";
    const Status status = (*store)->wait(ticket, 1, out);
    if (verify == VerifyRows::off) {
      EXPECT_TRUE(status);
      continue;
    }
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::corrupt);
    EXPECT_NE(status.error().message.find("row " + std::to_string(rows[2])), std::string::npos)
        << status.error().message;
    EXPECT_EQ((*store)->stats().failed_reads, 1u);
    EXPECT_FALSE((*store)->in_ram(key));
  }
}

TEST(RowChecksum, DependsOnContentPlaceAndTable) {
  const std::vector<std::byte> bytes(264, std::byte{7});
  auto other = bytes;
  other.back() = std::byte{8};
  const std::uint32_t right = row_checksum(1, 2, bytes);
  // The low half of 0x61080d2c54654441, which Python's xxhash computes with seed 3.
  EXPECT_EQ(right, 0x54654441u);
  EXPECT_NE(right, row_checksum(1, 2, other));
  EXPECT_NE(right, row_checksum(1, 3, bytes));
  EXPECT_NE(right, row_checksum(std::uint64_t{1} << 48, 2, bytes));
}

}  // namespace
}  // namespace mneme

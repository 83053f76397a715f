// SPDX-License-Identifier: Apache-2.0
// In which order the store sends its reads to the drive.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "engram/table_store.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/slow_reader.h"

namespace mneme {
namespace {

using Keys = std::vector<NgramKey>;

class TableStoreOrder : public testing::Test {
 protected:
  void SetUp() override {
    auto store =
        TableStore::open(tables_.hasher(), tables_.tables(), {}, slow_reader_factory(control_));
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    control_->hold();
  }

  Keys random_keys(std::size_t count) const {
    std::mt19937_64 random(5);
    return NumberedTables::random_keys(random, count, 100000);
  }
  Status fetch(TableStore::Ticket& ticket, const Keys& keys, std::size_t layer) {
    out_.resize(keys.size() * 4 * store_->row_bytes(layer));
    return store_->wait(ticket, layer, out_);
  }
  // The second layer's table lies behind the first's in the file.
  bool of_first_layer(const ReadRequest& read) const {
    return read.offset < tables_.tables()[1].parts[0].runs[0].offset;
  }
  static bool sorted(const std::vector<ReadRequest>& reads) {
    return std::is_sorted(reads.begin(), reads.end(),
                          [](const auto& a, const auto& b) { return a.offset < b.offset; });
  }

  const NumberedTables tables_{33};
  const std::shared_ptr<SlowReaderControl> control_ = std::make_shared<SlowReaderControl>();
  std::unique_ptr<TableStore> store_;
  std::vector<std::byte> out_;
};

TEST_F(TableStoreOrder, LaterLayersOfATokenFollowOnceItsFirstIsThere) {
  const Keys keys = random_keys(6);
  TableStore::Ticket ticket = store_->prefetch(keys);
  const auto first = control_->seen();
  for (const ReadRequest& read : first) EXPECT_TRUE(of_first_layer(read));
  EXPECT_LT(first.size(), store_->stats().reads) << "the second layer's are still to be sent";
  EXPECT_TRUE(sorted(first));
  // Even an answer that is wrong ends the stage.
  control_->set_fault([&](const ReadRequest& read) {
    return read.offset == first.front().offset ? ReadFault::eio : ReadFault::none;
  });
  control_->release();
  ASSERT_TRUE(fetch(ticket, keys, 1));
  EXPECT_EQ(out_, tables_.expected(keys, 1));
  EXPECT_FALSE(fetch(ticket, keys, 0));
  const auto all = control_->seen();
  EXPECT_EQ(all.size(), store_->stats().reads);
  for (std::size_t i = first.size(); i < all.size(); ++i) EXPECT_FALSE(of_first_layer(all[i]));
}

TEST_F(TableStoreOrder, AllReadsOfAPromptAreSentAtOnceTheFirstLayersFirst) {
  const TableStore::Ticket ticket = store_->prefetch(random_keys(60));
  const auto seen = control_->seen();
  EXPECT_EQ(seen.size(), store_->stats().reads);
  EXPECT_TRUE(of_first_layer(seen.front()));
  EXPECT_FALSE(of_first_layer(seen.back()));
  EXPECT_TRUE(sorted(seen));
  control_->release();
}

// With a real reader: what is at the drive is answered while the store goes, and asks for the next
// stage then.
TEST(TableStoreStages, AStoreMayBeClosedBetweenThem) {
  const NumberedTables tables(264);
  for (const auto reader :
       {TableStoreOptions::Reader::threads, TableStoreOptions::Reader::automatic}) {
    for (ClassId n = 0; n < 100; ++n) {
      TableStoreOptions options;
      options.reader = reader;
      auto store = TableStore::open(tables.hasher(), tables.tables(), options);
      ASSERT_TRUE(store) << store.error().message;
      (void)(*store)->prefetch({{NumberedTables::key(n, 7), NumberedTables::key(n, 7, n)}});
    }
  }
}

}  // namespace
}  // namespace mneme

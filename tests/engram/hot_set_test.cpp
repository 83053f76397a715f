// SPDX-License-Identifier: Apache-2.0
#include "engram/hot_set.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "engram/table_store.h"
#include "tests/support/file_text.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wait_until.h"

namespace mneme {
namespace {

constexpr std::uint32_t kRowsBytes = 300;

std::vector<std::byte> rows_of(ClassId n) {
  return std::vector<std::byte>(kRowsBytes, static_cast<std::byte>(n * 7 + 1));
}

CacheSegment segment_of(ClassId n) {
  return kCacheSegments[n % 3];
}

void write(const std::string& path, ClassId count) {
  auto writer = HotSetWriter::create(path, 42, kRowsBytes);
  ASSERT_TRUE(writer) << writer.error().message;
  for (ClassId n = 0; n < count; ++n) {
    ASSERT_TRUE(writer->add({2, {n, n + 1}}, segment_of(n), rows_of(n)));
  }
  const Status finished = writer->finish();
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_GE(writer->bytes(), std::filesystem::file_size(path));
}

// How many n-grams came back before the end or an error, each compared.
std::size_t read_all(const std::string& path, Status& status) {
  auto reader = HotSetReader::open(path, 42, kRowsBytes);
  if (!reader) {
    status = reader.error();
    return 0;
  }
  ClassId n = 0;
  HotSetReader::Memory memory;
  for (std::uint64_t at = 0; at < reader->blocks(); ++at) {
    const auto block = reader->read(at, memory);
    if (!block) {
      status = block.error();
      break;
    }
    for (const HotNgram& ngram : *block) {
      EXPECT_EQ(ngram.key, (NgramKey{2, {n, n + 1}}));
      EXPECT_EQ(ngram.segment, segment_of(n));
      EXPECT_TRUE(std::ranges::equal(ngram.rows, rows_of(n)));
      ++n;
    }
  }
  return static_cast<std::size_t>(n);
}

TEST(HotSet, BringsBackWhatWasWritten) {
  const TemporaryFolder folder;
  for (const ClassId count : {0, 1, 3000, 10000}) {  // 3000 are just below a block of 1 MiB
    write(folder.file("hot"), count);
    Status status;
    EXPECT_EQ(read_all(folder.file("hot"), status), static_cast<std::size_t>(count));
    EXPECT_TRUE(status) << status.error().message;
  }
  EXPECT_FALSE(std::filesystem::exists(OutputFile::part_path(folder.file("hot"))));
}

TEST(HotSet, LeavesNothingWhenItIsNotFinished) {
  const TemporaryFolder folder;
  {
    auto writer = HotSetWriter::create(folder.file("hot"), 42, kRowsBytes);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add({2, {1, 2}}, CacheSegment::seldom, rows_of(1)));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_FALSE(HotSetWriter::create(folder.file("no/such/hot"), 42, kRowsBytes));
}

TEST(HotSet, RefusesEveryDamage) {
  const TemporaryFolder folder;
  const std::string path = folder.file("hot");
  write(path, 4000);
  const std::string good = file_text(path);
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string bad = good;
    if (round % 3 == 0) {
      bad.resize(random() % good.size());
    } else if (round % 3 == 1) {
      bad[random() % 40] ^= static_cast<char>(1 + random() % 255);
    } else {
      bad[random() % good.size()] ^= static_cast<char>(1 + random() % 255);
    }
    std::ofstream(path, std::ios::binary) << bad;
    Status status;
    EXPECT_LT(read_all(path, status), 4000u) << round;
    EXPECT_FALSE(status) << round;
  }
  std::ofstream(path, std::ios::binary) << good;
  EXPECT_FALSE(HotSetReader::open(path, 43, kRowsBytes));
  EXPECT_FALSE(HotSetReader::open(path, 42, kRowsBytes + 1));
  EXPECT_FALSE(HotSetReader::open(folder.file("none"), 42, kRowsBytes));
}

// ---- through a store ---------------------------------------------------------------------------

class HotStore : public testing::Test {
 protected:
  std::unique_ptr<TableStore> open(std::uint64_t budget = 0) {
    TableStoreOptions options;
    options.budget_bytes = budget;
    options.hot_set = folder_.file("cache/hot");
    auto store = TableStore::open(tables_.hasher(), tables_.tables(), options);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  // Fetches and compares; how many n-grams were hits.
  std::uint64_t fetch(TableStore& store, const std::vector<NgramKey>& keys) {
    const std::uint64_t before = store.stats().hits;
    TableStore::Ticket ticket = store.prefetch(keys);
    for (std::size_t layer = 0; layer < 2; ++layer) {
      std::vector<std::byte> out(keys.size() * 4 * store.row_bytes(layer));
      EXPECT_TRUE(store.wait(ticket, layer, out));
      EXPECT_EQ(out, tables_.expected(keys, layer));
    }
    return store.stats().hits - before;
  }
  static void wait_for(const TableStore& store, std::uint64_t restored) {
    EXPECT_TRUE(wait_until([&] { return store.stats().restored >= restored; }));
    EXPECT_EQ(store.stats().restored, restored);
  }
  static std::vector<NgramKey> distinct(ClassId count) {
    std::vector<NgramKey> keys;
    for (ClassId n = 0; n < count; ++n) keys.push_back(NumberedTables::key(n, n + 1));
    return keys;
  }

  TemporaryFolder folder_;
  const NumberedTables tables_{33};
};

TEST_F(HotStore, BeginsWithWhatTheLastOneHad) {
  const auto keys = distinct(500);
  {
    auto store = open();
    EXPECT_EQ(fetch(*store, keys), 0u);
  }
  ASSERT_TRUE(std::filesystem::exists(folder_.file("cache/hot")));
  const auto written = std::filesystem::last_write_time(folder_.file("cache/hot"));
  {
    auto store = open();
    wait_for(*store, 500);
    EXPECT_EQ(fetch(*store, keys), 500u);
    EXPECT_EQ(store->stats().reads, 0u);
  }
  EXPECT_EQ(std::filesystem::last_write_time(folder_.file("cache/hot")), written)
      << "nothing was new, so nothing is written";
}

TEST_F(HotStore, WhatIsPinnedStaysSoUntilItIsNotWished) {
  const auto keys = distinct(300);
  std::uint64_t kept = 0;
  {
    auto store = open();
    fetch(*store, keys);
    fetch(*store, std::vector(keys.begin(), keys.begin() + 40));
    kept = store->keep_most_used(store->stats().budget_bytes);
    EXPECT_EQ(kept, 40u);
  }
  {
    auto store = open();
    wait_for(*store, 300);
    EXPECT_EQ(store->stats().kept, kept);
    EXPECT_EQ(store->keep_most_used(0), 0u);
  }
  auto store = open();  // the wish alone was worth saving: no row was read meanwhile
  wait_for(*store, 300);
  EXPECT_EQ(store->stats().kept, 0u);
}

TEST_F(HotStore, TakesNoMoreThanTheBudgetAndEvictsNothingForIt) {
  {
    auto store = open();
    fetch(*store, distinct(500));
  }
  auto store = open(60'000);
  EXPECT_TRUE(wait_until([&] { return store->stats().restored > 0; }));
  const TierStats stats = store->stats();
  EXPECT_LE(stats.bytes_used, 60'000u);
  EXPECT_EQ(stats.evictions, 0u);
}

TEST_F(HotStore, IsNotUsedForOtherTables) {
  const auto keys = distinct(100);
  {
    auto store = open();
    fetch(*store, keys);
  }
  // Written to since, with the same size: the time of the last change says so.
  std::filesystem::last_write_time(
      tables_.path(), std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  auto store = open();
  EXPECT_EQ(fetch(*store, keys), 0u);
  EXPECT_EQ(store->stats().restored, 0u);
}

TEST_F(HotStore, ComesBackWhileTheEngineWorks) {
  const auto keys = distinct(900);
  {
    auto store = open();
    fetch(*store, keys);
  }
  auto store = open();
  std::mt19937_64 random(5);
  for (int round = 0; round < 60; ++round) {
    fetch(*store, NumberedTables::random_keys(random, 20, 3000));
    store->set_budget(round % 7 == 0 ? 100'000 : 0);
  }
}

// True where a line of the log since `after` begins so.
bool was_logged(std::uint64_t after, const std::string& text) {
  const auto lines = recent_log_lines(after);
  return std::ranges::any_of(lines,
                             [&](const LogLine& line) { return line.text.starts_with(text); });
}
std::uint64_t last_line() {
  const auto lines = recent_log_lines();
  return lines.empty() ? 0 : lines.back().number;
}

TEST_F(HotStore, AFolderThatCannotBeWrittenIsNoError) {
  std::ofstream(folder_.file("cache")) << "a file where the folder should be";
  auto store = open();
  EXPECT_EQ(fetch(*store, distinct(10)), 0u);
  store.reset();
}

TEST_F(HotStore, DamageInItsOnlyBlockIsSaidToo) {
  {
    auto store = open();
    fetch(*store, distinct(200));
  }
  const std::string path = folder_.file("cache/hot");
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(1000);
  file << "damaged";
  file.close();
  const std::uint64_t before = last_line();
  auto store = open();
  const std::string line = "the rest of the hot set is not used: block 0 of " + path;
  EXPECT_TRUE(wait_until([&] { return was_logged(before, line); }));
  EXPECT_EQ(fetch(*store, distinct(200)), 0u);
}

TEST_F(HotStore, LeavesAloneWhatANewerProgramWrote) {
  {
    auto store = open();
    fetch(*store, distinct(100));
  }
  const std::string path = folder_.file("cache/hot");
  std::string newer = file_text(path);
  newer[8] = 2;  // its version; the digest of 32 bytes follows them
  const std::uint64_t digest = XXH3_64bits(newer.data(), 32);
  std::memcpy(newer.data() + 32, &digest, sizeof digest);
  std::ofstream(path, std::ios::binary) << newer;
  const std::uint64_t before = last_line();
  {
    auto store = open();
    EXPECT_EQ(fetch(*store, distinct(50)), 0u);
    EXPECT_TRUE(wait_until([&] {
      return was_logged(before,
                        "the hot set is not used: " + path + " was written by a newer Mneme");
    }));
  }
  EXPECT_EQ(file_text(path), newer);
}

TEST_F(HotStore, IsNotReadFromAPipe) {
  std::filesystem::create_directories(folder_.file("cache"));
  ASSERT_EQ(::mkfifo(folder_.file("cache/hot").c_str(), 0600), 0);
  const std::uint64_t before = last_line();
  auto store = open();
  EXPECT_EQ(fetch(*store, distinct(10)), 0u);
  store.reset();
  EXPECT_TRUE(was_logged(
      before, "the hot set is not used: " + folder_.file("cache/hot") + " is not a regular file"));
}

}  // namespace
}  // namespace mneme

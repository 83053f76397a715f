// SPDX-License-Identifier: Apache-2.0
// kill -9 at any moment of a program that keeps rows for the next time: its hot set and its record
// log open again, no row of them is wrong, and nothing waits for what will not come.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engram/table_store.h"
#include "tests/support/killed_program.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wait_until.h"

namespace mneme {
namespace {

constexpr std::uint32_t kRowBytes = 500;  // an n-gram has 4,000
constexpr ClassId kVariety = 6000;        // n-grams, so 24 MB of them
constexpr std::uint64_t kKeptLogBytes = 8 << 20;

// More kills for a trial by hand.
int kills() {
  const char* wanted = std::getenv("MNEME_KILLS");
  return wanted == nullptr ? 5 : std::atoi(wanted);
}

class KeptRows {
 public:
  explicit KeptRows(const std::string& folder)
      : folder_(folder),
        tables_(NumberedTables::in_shared_file(folder + "/tables.bin", kRowBytes)) {}

  std::unique_ptr<TableStore> open(bool hot_set, bool log) const {
    TableStoreOptions options;
    options.budget_bytes = 64 << 20;
    if (hot_set) options.hot_set = folder_ + "/hot";
    if (log) {
      options.record_log = folder_ + "/records";
      options.record_log_bytes = kKeptLogBytes;
    }
    auto store = TableStore::open(tables_->hasher(), tables_->tables(), options);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }

  // Each compared with what the tables hold.
  void fetch(TableStore& store, const std::vector<NgramKey>& keys) const {
    TableStore::Ticket ticket = store.prefetch(keys);
    for (std::size_t layer = 0; layer < 2; ++layer) {
      std::vector<std::byte> out(keys.size() * 4 * kRowBytes);
      const Status status = store.wait(ticket, layer, out);
      ASSERT_TRUE(status) << status.error().message;
      ASSERT_EQ(out, tables_->expected(keys, layer));
    }
  }

 private:
  const std::string folder_;
  const std::unique_ptr<NumberedTables> tables_;
};

std::vector<NgramKey> keys_in_ram(const TableStore& store) {
  std::vector<NgramKey> all, keys(256);
  for (std::uint64_t first = 0;;) {
    const NgramSlice slice = store.list_ram(first, keys);
    all.insert(all.end(), keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(slice.count));
    if (slice.next == 0) return all;
    first = slice.next;
  }
}

template <typename Number>
void wait_until_it_stays(Number number) {
  for (auto before = number() + 1; before != number();) {
    before = number();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// How many n-grams a hot set's header announces (engram/HOTSET.md); 0 where there is none.
std::uint64_t entries_of_hot_set(const std::string& path) {
  std::uint64_t entries = 0;
  std::ifstream file(path, std::ios::binary);
  file.seekg(24).read(reinterpret_cast<char*>(&entries), sizeof entries);
  return file ? entries : 0;
}

std::mt19937_64 random_numbers() {
  std::random_device device;
  return std::mt19937_64(device());
}

// Not tests of their own: the programs that are killed.
TEST(StoreKillWriter, DISABLED_SavesHotSetsWithoutEnd) {
  ASSERT_NE(KilledProgram::folder(), "");
  const KeptRows rows(KilledProgram::folder());
  auto random = random_numbers();
  for (;;) {
    const std::uint64_t entries = entries_of_hot_set(KilledProgram::folder() + "/hot");
    auto store = rows.open(true, false);
    // A store that closes before all is back saves nothing, and neither does one where nothing is
    // new: however slow the machine is and however many rows are in RAM, this one saves.
    ASSERT_TRUE(wait_until([&] { return store->stats().restored >= entries; }));
    store->keep_most_used(0);
    // Much in RAM from the start on, and little to do but to save it.
    rows.fetch(*store, NumberedTables::random_keys(random, entries == 0 ? 4000 : 20, kVariety));
    store.reset();
    KilledProgram::tell_token();
  }
}

TEST(StoreKillWriter, DISABLED_WritesRecordsWithoutEnd) {
  ASSERT_NE(KilledProgram::folder(), "");
  const KeptRows rows(KilledProgram::folder());
  auto random = random_numbers();
  for (;;) {
    auto store = rows.open(false, true);
    for (int batch = 0; batch < 20; ++batch) {
      rows.fetch(*store, NumberedTables::random_keys(random, 200, kVariety));
      if (store->stats().log.bytes_written > 0) KilledProgram::tell_token();
    }
  }
}

// Kills the program some milliseconds after something of it lies on the drive and `now()` holds.
template <typename Now>
void run_and_kill(const char* writer, const std::string& folder, std::mt19937_64& random, int most_ms,
                  Now now) {
  KilledProgram child(writer, folder);
  EXPECT_TRUE(child.wait_for_tokens(1));
  EXPECT_TRUE(wait_until(now));
  std::this_thread::sleep_for(std::chrono::microseconds(random() % (most_ms * 1000)));
  child.kill_now();
}

// A hot set that is not yet in its place.
bool half_a_hot_set(const std::string& folder) {
  return std::ranges::any_of(std::filesystem::directory_iterator(folder), [](const auto& file) {
    const std::string name = file.path().filename();
    return name.starts_with("hot") && name != "hot";
  });
}

TEST(StoreKill, LeavesAHotSetWhoseRowsAreRight) {
  const TemporaryFolder folder;
  const KeptRows rows(folder.path());
  std::mt19937_64 random = random_numbers();
  std::size_t while_writing = 0, restored = 0;
  for (int kill = 0; kill < kills(); ++kill) {
    const bool half =
        kill % 2 == 0;  // what an earlier kill left half is gone when the next one opens
    run_and_kill("StoreKillWriter.DISABLED_SavesHotSets*", folder.path(), random, half ? 3 : 60,
                 [&] { return !half || half_a_hot_set(folder.path()); });
    while_writing += half_a_hot_set(folder.path()) ? 1 : 0;
    auto store = rows.open(true, false);
    EXPECT_TRUE(wait_until([&] { return store->stats().restored > 0; }));
    wait_until_it_stays([&] { return store->stats().restored; });
    const auto keys = keys_in_ram(*store);
    restored += keys.size();
    rows.fetch(*store, keys);
    EXPECT_EQ(store->stats().reads, 0u);
  }
  if (kills() > 5) {
    std::printf("%d kills, %zu of them while it wrote, %zu n-grams compared\n", kills(),
                while_writing, restored);
  }
}

TEST(StoreKill, LeavesARecordLogWhoseRowsAreRight) {
  const TemporaryFolder folder;
  const KeptRows rows(folder.path());
  std::mt19937_64 random = random_numbers();
  std::uint64_t found = 0;
  for (int kill = 0; kill < kills(); ++kill) {
    run_and_kill("StoreKillWriter.DISABLED_WritesRecords*", folder.path(), random, 60,
                 [] { return true; });
    auto store = rows.open(false, true);
    EXPECT_TRUE(wait_until([&] { return store->stats().log.records > 0; }));
    wait_until_it_stays([&] { return store->stats().log.records; });
    const auto keys = NumberedTables::random_keys(random, 3000, kVariety);
    for (std::size_t at = 0; at < keys.size(); at += 500) {
      rows.fetch(*store, {keys.begin() + static_cast<std::ptrdiff_t>(at),
                          keys.begin() + static_cast<std::ptrdiff_t>(at + 500)});
    }
    const TierStats stats = store->stats();
    EXPECT_EQ(stats.log.off, "");
    EXPECT_EQ(stats.failed_reads, 0u);
    found += stats.rows_from_log;
  }
  EXPECT_GT(found, 0u);
  if (kills() > 5)
    std::printf("%d kills, %zu rows came from the log\n", kills(), std::size_t{found});
}

}  // namespace
}  // namespace mneme

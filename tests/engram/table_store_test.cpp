// SPDX-License-Identifier: Apache-2.0
#include "engram/table_store.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/numbered_tables.h"
#include "tests/support/slow_reader.h"
#include "tests/support/wait_until_idle.h"

namespace mneme {
namespace {

using Keys = std::vector<NgramKey>;
using Reader = TableStoreOptions::Reader;

std::vector<std::byte> room(const TableStore& store, const Keys& keys, std::size_t layer) {
  return std::vector<std::byte>(keys.size() * 4 * store.row_bytes(layer));
}

Status fetch(TableStore& store, TableStore::Ticket& ticket, const Keys& keys, std::size_t layer,
             std::vector<std::byte>& out) {
  out = room(store, keys, layer);
  return store.wait(ticket, layer, out);
}

// Prefetch, both layers, compare every byte.
void check_rows(TableStore& store, const NumberedTables& tables, const Keys& keys) {
  TableStore::Ticket ticket = store.prefetch(keys);
  std::vector<std::byte> out;
  for (std::size_t layer = 0; layer < 2; ++layer) {
    const Status status = fetch(store, ticket, keys, layer, out);
    ASSERT_TRUE(status) << status.error().message;
    ASSERT_EQ(out, tables.expected(keys, layer));
  }
}

std::uint64_t offset_of(const NumberedTables& tables, std::size_t layer) {
  return tables.tables()[layer].parts[0].runs[0].offset;
}

std::vector<Tier> tiers(const TableStore& store, const TableStore::Ticket& ticket,
                        std::size_t layer) {
  std::vector<Tier> out;
  for (const RowOutcome& outcome : store.outcomes(ticket, layer)) out.push_back(outcome.tier);
  return out;
}

// ---- real readers ------------------------------------------------------------------------------

struct Case {
  Reader reader;
  std::uint32_t row_bytes;
  std::uint64_t budget;
};

class TableStoreRows : public testing::TestWithParam<Case> {};

TEST_P(TableStoreRows, AreRightForEveryKey) {
  const NumberedTables tables(GetParam().row_bytes);
  const TableStoreOptions options{GetParam().budget, GetParam().reader};
  auto store = TableStore::open(tables.hasher(), tables.tables(), options);
  if (!store && GetParam().reader == Reader::uring) GTEST_SKIP() << store.error().message;
  ASSERT_TRUE(store) << store.error().message;

  std::mt19937_64 random(7);
  std::set<RowId> seen;
  std::vector<RowId> rows(4);
  for (int round = 0; round < 60; ++round) {
    const std::size_t count = round % 10 == 0 ? 512 : round % 7;  // chunks, tokens, nothing
    const Keys keys = NumberedTables::random_keys(random, count, round % 2 == 0 ? 400 : 100000);
    for (const NgramKey& key : keys) {
      tables.hasher().rows(1, key, rows);
      seen.insert(rows.begin(), rows.end());
    }
    ASSERT_NO_FATAL_FAILURE(check_rows(**store, tables, keys)) << "round " << round;
  }
  EXPECT_TRUE(seen.contains(tables.tables()[1].rows - 1)) << "the last row of the file";

  wait_until_idle(**store);
  const TierStats stats = (*store)->stats();
  EXPECT_LE(stats.bytes_used, stats.budget_bytes);
  EXPECT_EQ(stats.failed_reads, 0u);
  EXPECT_EQ(stats.bytes_written, 0u);
  EXPECT_GT(stats.reads, 0u);
  EXPECT_LT(stats.reads, stats.rows_read);
  EXPECT_EQ(stats.read_latency.total(), stats.reads);
  EXPECT_EQ(stats.table_bytes,
            (tables.tables()[0].rows + tables.tables()[1].rows) * GetParam().row_bytes);
  EXPECT_EQ(stats.rows_read, (stats.lookups - stats.hits) * 4 * 2);
  if (stats.storage == StorageKind::direct) {
    EXPECT_GE(stats.bytes_read, stats.reads * 512 - 2 * 4096);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, TableStoreRows,
    testing::Values(Case{Reader::uring, 33, 0}, Case{Reader::uring, 264, 0},
                    Case{Reader::threads, 33, 0}, Case{Reader::threads, 264, 0},
                    Case{Reader::uring, 33, 1}, Case{Reader::threads, 264, 1},
                    Case{Reader::uring, 264, 100000}, Case{Reader::threads, 33, 20000}),
    [](const testing::TestParamInfo<Case>& test) {
      return std::string(test.param.reader == Reader::uring ? "Uring" : "Threads") +
             std::to_string(test.param.row_bytes) + "Bytes" +
             (test.param.budget == 0 ? "DefaultBudget"
                                     : std::to_string(test.param.budget) + "Budget");
    });

TEST(TableStore, CallsATableInMemoryCached) {
  const NumberedTables tables(33, "/dev/shm");
  auto store = TableStore::open(tables.hasher(), tables.tables(), {});
  ASSERT_TRUE(store);
  ASSERT_NO_FATAL_FAILURE(check_rows(**store, tables, {NumberedTables::key(1, 2)}));
  EXPECT_EQ((*store)->stats().file_system, "tmpfs");
  EXPECT_EQ(storage_label((*store)->stats()), "file (cached by the system)");
}

TEST(TableStore, ReportsAFileThatWasCutOffAfterOpening) {
  for (const Reader reader : {Reader::automatic, Reader::threads}) {
    const NumberedTables tables(33);
    auto store = TableStore::open(tables.hasher(), tables.tables(), {0, reader});
    ASSERT_TRUE(store);
    std::filesystem::resize_file(tables.path(), 100);
    const Keys keys = {NumberedTables::key(1, 2), NumberedTables::key(3, 4, 5)};
    TableStore::Ticket ticket = (*store)->prefetch(keys);
    std::vector<std::byte> out;
    const Status status = fetch(**store, ticket, keys, 1, out);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::io);
    EXPECT_NE(status.error().message.find(tables.path()), std::string::npos);
    EXPECT_GT((*store)->stats().failed_reads, 0u);
  }
}

// ---- a kernel that refuses io_uring
// ---------------------------------------------------------------

// From here on this thread, and threads it starts, get `error` from one system call.
bool refuse_system_call(unsigned number, unsigned error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(TableStore, TakesThreadsWhereIoUringIsRefused) {
  for (const unsigned error : {EPERM, ENOSYS}) {
    bool possible = false;
    std::thread([&] {
      possible = refuse_system_call(__NR_io_uring_setup, error);
      if (!possible) return;
      const NumberedTables tables(33);
      const auto refused = TableStore::open(tables.hasher(), tables.tables(), {0, Reader::uring});
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
      EXPECT_NE(refused.error().message.find("io_uring"), std::string::npos);
      auto store = TableStore::open(tables.hasher(), tables.tables(), {});
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_EQ((*store)->stats().reader, "threads");
      EXPECT_NE((*store)->stats().why_reader.find("refuses io_uring"), std::string::npos);
      std::mt19937_64 random(1);
      check_rows(**store, tables, NumberedTables::random_keys(random, 200, 5000));
    }).join();
    if (!possible) GTEST_SKIP() << "system calls cannot be filtered here";
  }
}

TEST(TableStore, ReadsThroughIoUringWithoutRegisteredMemory) {
  bool possible = false;
  std::thread([&] {
    possible = refuse_system_call(__NR_io_uring_register, ENOMEM);
    if (!possible) return;
    const NumberedTables tables(264);
    auto store = TableStore::open(tables.hasher(), tables.tables(), {});
    ASSERT_TRUE(store) << store.error().message;
    std::mt19937_64 random(1);
    check_rows(**store, tables, NumberedTables::random_keys(random, 200, 5000));
  }).join();
  if (!possible) GTEST_SKIP() << "system calls cannot be filtered here";
}

// What the system answers when a drive is pulled out.
TEST(TableStore, ADeviceThatDisappearsIsOneClearError) {
  for (const int error : {ENODEV, ENXIO}) {
    bool possible = false;
    std::thread([&] {
      const NumberedTables tables(264);
      possible = refuse_system_call(__NR_pread64, static_cast<unsigned>(error));
      if (!possible) return;
      auto store = TableStore::open(tables.hasher(), tables.tables(), {0, Reader::threads});
      ASSERT_TRUE(store) << store.error().message;
      std::mt19937_64 random(1);
      const Keys keys = NumberedTables::random_keys(random, 50, 5000);
      TableStore::Ticket ticket = (*store)->prefetch(keys);
      std::vector<std::byte> out;
      const Status status = fetch(**store, ticket, keys, 0, out);
      ASSERT_FALSE(status);
      EXPECT_EQ(status.error().code, ErrorCode::io);
      EXPECT_NE(status.error().message.find(tables.path()), std::string::npos);
      EXPECT_NE(status.error().message.find(std::strerror(error)), std::string::npos);
    }).join();
    if (!possible) GTEST_SKIP() << "system calls cannot be filtered here";
  }
}

// ---- opening -----------------------------------------------------------------------------------

TEST(TableStore, RefusesTablesThatDoNotFitTheirHashes) {
  const NumberedTables tables(33);
  const auto refused = [&](std::vector<TableSource> list, ErrorCode code, std::string_view word) {
    const auto store = TableStore::open(tables.hasher(), std::move(list), {});
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, code);
    EXPECT_NE(store.error().message.find(word), std::string::npos) << store.error().message;
  };
  auto list = tables.tables();
  list.pop_back();
  refused(list, ErrorCode::corrupt, "1 tables for 2");
  list = tables.tables();
  --list[0].rows;
  --list[0].parts[0].runs[0].rows;
  refused(list, ErrorCode::corrupt, "layer 1");
  list = tables.tables();
  list[0].parts[0].runs[0].path = "no_such_pack.gguf";
  refused(list, ErrorCode::io, "no_such_pack.gguf");
}

TEST(TableStore, DefaultBudgetIsAtLeastEightMebibytes) {
  const NumberedTables tables(33);
  auto store = TableStore::open(tables.hasher(), tables.tables(), {});
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->stats().budget_bytes, 8u << 20);
  (*store)->set_budget(12345);
  EXPECT_EQ((*store)->stats().budget_bytes, 12345u);
  (*store)->set_budget(0);
  EXPECT_EQ((*store)->stats().budget_bytes, 8u << 20);
}

TEST(TableStore, ABudgetBeyondTheMachinesMemoryIsCutDown) {
  const NumberedTables tables(33);
  auto store = TableStore::open(tables.hasher(), tables.tables(), {std::uint64_t{1} << 50});
  ASSERT_TRUE(store) << store.error().message;
  const std::uint64_t most = (*store)->stats().budget_bytes;
  EXPECT_LT(most, std::uint64_t{1} << 48);
  ASSERT_NO_FATAL_FAILURE(check_rows(**store, tables, {NumberedTables::key(1, 2)}));
  (*store)->set_budget(std::uint64_t{1} << 60);
  EXPECT_EQ((*store)->stats().budget_bytes, most);
}

TEST(TableStore, ReadsOnFromAFileThatWasReplaced) {
  for (const Reader reader : {Reader::automatic, Reader::threads}) {
    const NumberedTables tables(33);
    auto store = TableStore::open(tables.hasher(), tables.tables(), {0, reader});
    ASSERT_TRUE(store);
    const std::string other = tables.path() + ".new";
    std::ofstream(other, std::ios::binary) << std::string(200'000, 'z');
    std::filesystem::rename(other, tables.path());
    std::mt19937_64 random(1);
    ASSERT_NO_FATAL_FAILURE(
        check_rows(**store, tables, NumberedTables::random_keys(random, 200, 5000)));
  }
}

TEST(TableStore, PredictsTheHitRateAndMeasuresItAnewForEachBudget) {
  const NumberedTables tables(264);
  auto store = TableStore::open(tables.hasher(), tables.tables(), {});
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->stats().predicted.lookups, 0);
  std::mt19937_64 random(1);
  for (int round = 0; round < 30; ++round) {
    ASSERT_NO_FATAL_FAILURE(
        check_rows(**store, tables, NumberedTables::random_keys(random, 100, 400)));
  }
  const TierStats stats = (*store)->stats();
  EXPECT_EQ(stats.predicted.lookups, 3000);
  EXPECT_EQ(stats.measured_lookups, 3000);
  EXPECT_EQ(stats.measured_hits, static_cast<double>(stats.hits));
  EXPECT_NEAR(stats.predicted.at(stats.budget_bytes), stats.measured_hits / 3000, 0.02);
  (*store)->set_budget(1 << 20);
  EXPECT_EQ((*store)->stats().measured_lookups, 0);
  EXPECT_EQ((*store)->stats().predicted.lookups, 3000);
}

// ---- tiers, lateness and faults, through a reader that misbehaves
// --------------------------------

class TableStoreFaults : public testing::Test {
 protected:
  void SetUp() override {
    auto store =
        TableStore::open(tables_.hasher(), tables_.tables(), {}, slow_reader_factory(control_));
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }

  const NumberedTables tables_{33};
  const std::shared_ptr<SlowReaderControl> control_ = std::make_shared<SlowReaderControl>();
  std::unique_ptr<TableStore> store_;
  const NgramKey a_ = NumberedTables::key(1, 2);
  const NgramKey b_ = NumberedTables::key(3, 4, 5);
  std::vector<std::byte> out_;
};

TEST_F(TableStoreFaults, FirstUserIsChargedLaterUsersHitRam) {
  const Keys keys = {a_, b_, a_, a_};
  TableStore::Ticket ticket = store_->prefetch(keys);
  wait_until_idle(*store_);
  EXPECT_TRUE(store_->in_ram(a_));
  ASSERT_TRUE(fetch(*store_, ticket, keys, 0, out_));
  EXPECT_EQ(out_, tables_.expected(keys, 0));
  EXPECT_EQ(tiers(*store_, ticket, 0),
            (std::vector{Tier::ssd_in_time, Tier::ssd_in_time, Tier::ram, Tier::ram}));
  EXPECT_GT(store_->outcomes(ticket, 0)[0].latency_us, 0u);
  EXPECT_EQ(store_->outcomes(ticket, 0)[2].latency_us, 0u);

  TableStore::Ticket second = store_->prefetch(keys);
  ASSERT_TRUE(fetch(*store_, second, keys, 1, out_));
  EXPECT_EQ(out_, tables_.expected(keys, 1));
  EXPECT_EQ(tiers(*store_, second, 1), std::vector(4, Tier::ram));
  const TierStats stats = store_->stats();
  EXPECT_EQ(stats.lookups, 8u);
  EXPECT_EQ(stats.hits, 6u);
  // Layer 0 of the first ticket: a and b were read, twice a once more; layer 1 of the second.
  EXPECT_EQ(stats.served, (std::array<std::uint64_t, kTierCount>{0, 6, 2, 0}));
  EXPECT_EQ(stats.stall_us, 0u);
  EXPECT_EQ(stats.entries, 2u);
}

TEST_F(TableStoreFaults, WhatTheDeviceAnswersIsALookUpAndAUseButNoRead) {
  const NgramKey c = NumberedTables::key(7, 8);
  const Keys keys = {a_, b_};
  const Keys answered = {a_, c};  // the second is not in RAM
  TableStore::Ticket ticket = store_->prefetch(keys, answered);
  wait_until_idle(*store_);
  const std::uint64_t reads = store_->stats().reads;
  EXPECT_FALSE(store_->in_ram(c));
  ASSERT_TRUE(fetch(*store_, ticket, keys, 0, out_));
  EXPECT_EQ(out_, tables_.expected(keys, 0));
  EXPECT_EQ(store_->outcomes(ticket, 0).size(), 2u);
  TierStats stats = store_->stats();
  EXPECT_EQ(stats.lookups, 4u);
  EXPECT_EQ(stats.hits, 1u);
  EXPECT_EQ(stats.served, (std::array<std::uint64_t, kTierCount>{2, 0, 2, 0}));
  EXPECT_EQ(stats.entries, 2u);

  // Where the device has them all, a layer gets no rows; asked twice it counts them once.
  TableStore::Ticket all = store_->prefetch({}, answered);
  ASSERT_TRUE(store_->wait(all, 1, {}));
  ASSERT_TRUE(store_->wait(all, 1, {}));
  EXPECT_TRUE(store_->outcomes(all, 1).empty());
  stats = store_->stats();
  EXPECT_EQ(stats.served[std::size_t(Tier::device)], 4u);
  EXPECT_EQ(stats.lookups, 6u);
  EXPECT_EQ(stats.hits, 2u);
  EXPECT_EQ(stats.reads, reads);
  // What is used is what stays: only it was asked for more than once.
  EXPECT_EQ(store_->keep_most_used(stats.budget_bytes), 1u);
}

TEST_F(TableStoreFaults, CountsWhatTheLayerHadToWaitFor) {
  const Keys keys = {a_, b_, a_};
  control_->hold();
  TableStore::Ticket ticket = store_->prefetch(keys);
  EXPECT_FALSE(store_->in_ram(a_));
  auto later = std::async(std::launch::async, [&] {
    EXPECT_TRUE(wait_until([&] { return store_->stats().waiting_us > 0; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    control_->release();
  });
  ASSERT_TRUE(fetch(*store_, ticket, keys, 0, out_));
  EXPECT_EQ(out_, tables_.expected(keys, 0));
  EXPECT_EQ(tiers(*store_, ticket, 0), (std::vector{Tier::ssd_late, Tier::ssd_late, Tier::ram}));
  EXPECT_EQ(store_->stats().served[std::size_t(Tier::ssd_late)], 2u);
  EXPECT_GE(store_->stats().stall_us, 20000u);
  later.get();
  wait_until_idle(*store_);
  ASSERT_TRUE(fetch(*store_, ticket, keys, 1, out_));
  EXPECT_EQ(tiers(*store_, ticket, 1),
            (std::vector{Tier::ssd_in_time, Tier::ssd_in_time, Tier::ram}));
  // Asked again, a layer keeps its first outcome and counts nothing twice.
  ASSERT_TRUE(fetch(*store_, ticket, keys, 0, out_));
  EXPECT_EQ(tiers(*store_, ticket, 0), (std::vector{Tier::ssd_late, Tier::ssd_late, Tier::ram}));
  EXPECT_EQ(store_->stats().served[std::size_t(Tier::ssd_late)], 2u);
}

TEST_F(TableStoreFaults, SaysHowLongTheDriveHasBeenSilent) {
  EXPECT_EQ(store_->stats().silent_us, 0u);
  const Keys keys = {a_};
  control_->hold();
  TableStore::Ticket ticket = store_->prefetch(keys);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_GE(store_->stats().silent_us, 30'000u);
  control_->release();
  ASSERT_TRUE(fetch(*store_, ticket, keys, 0, out_));
  EXPECT_EQ(out_, tables_.expected(keys, 0));
  wait_until_idle(*store_);
  EXPECT_EQ(store_->stats().silent_us, 0u);
}

TEST_F(TableStoreFaults, WhatAnEarlierTicketReadsIsReadOnce) {
  const Keys keys = {a_};
  const Keys twice = {a_, a_};
  control_->hold();
  TableStore::Ticket first = store_->prefetch(keys);
  const std::uint64_t reads = store_->stats().reads;
  TableStore::Ticket second = store_->prefetch(twice);
  EXPECT_EQ(store_->stats().reads, reads);
  auto later = std::async(std::launch::async, [&] {
    EXPECT_TRUE(wait_until([&] { return store_->stats().waiting_us > 0; }));
    control_->release();
  });
  ASSERT_TRUE(fetch(*store_, second, twice, 0, out_));
  EXPECT_EQ(tiers(*store_, second, 0), (std::vector{Tier::ssd_late, Tier::ram}));
  later.get();
  wait_until_idle(*store_);
  ASSERT_TRUE(fetch(*store_, second, twice, 1, out_));
  EXPECT_EQ(tiers(*store_, second, 1), (std::vector{Tier::ram, Tier::ram}));
  ASSERT_TRUE(fetch(*store_, first, keys, 1, out_));
  EXPECT_EQ(tiers(*store_, first, 1), std::vector{Tier::ssd_in_time});
}

TEST_F(TableStoreFaults, AFailedReadIsAnErrorAndCanBeTriedAgain) {
  const Keys keys = {a_, b_};
  std::vector<RowId> rows(4);
  tables_.hasher().rows(1, a_, rows);
  const std::uint64_t bad = offset_of(tables_, 1) + rows[2] * tables_.tables()[1].row_bytes;
  for (const ReadFault fault : {ReadFault::eio, ReadFault::too_short}) {
    store_->set_budget(1);  // forget everything
    store_->set_budget(0);
    control_->set_fault([&](const ReadRequest& request) {
      const bool hit = request.offset <= bad && bad < request.offset + request.size;
      return hit ? fault : ReadFault::none;
    });
    TableStore::Ticket ticket = store_->prefetch(keys);
    ASSERT_TRUE(fetch(*store_, ticket, keys, 0, out_)) << "the other layer is not touched";
    EXPECT_EQ(out_, tables_.expected(keys, 0));
    for (int time = 0; time < 2; ++time) {
      const Status status = fetch(*store_, ticket, keys, 1, out_);
      ASSERT_FALSE(status);
      EXPECT_EQ(status.error().code, ErrorCode::io);
      EXPECT_NE(status.error().message.find(tables_.path()), std::string::npos);
      EXPECT_NE(status.error().message.find("at byte"), std::string::npos);
    }
    EXPECT_FALSE(store_->in_ram(a_));

    // Asked for again while the failed ticket still lives: read anew, and right.
    control_->set_fault({});
    ASSERT_NO_FATAL_FAILURE(check_rows(*store_, tables_, keys));
    EXPECT_TRUE(store_->in_ram(a_));
  }
  EXPECT_GE(store_->stats().failed_reads, 2u);
}

TEST_F(TableStoreFaults, NothingHangsWhenEveryReadFails) {
  control_->set_fault([](const ReadRequest&) { return ReadFault::eio; });
  std::mt19937_64 random(5);
  for (int round = 0; round < 20; ++round) {
    const Keys keys = NumberedTables::random_keys(random, 40, 100);
    TableStore::Ticket ticket = store_->prefetch(keys);
    ASSERT_FALSE(fetch(*store_, ticket, keys, 0, out_));
    ASSERT_FALSE(fetch(*store_, ticket, keys, 1, out_));
  }
  wait_until_idle(*store_);
  EXPECT_EQ(store_->stats().entries, 0u);
  EXPECT_EQ(store_->stats().bytes_used, 0u);
}

TEST_F(TableStoreFaults, CompletionsMayComeInAnyOrder) {
  control_->set_out_of_order(true);
  std::mt19937_64 random(5);
  for (int round = 0; round < 20; ++round) {
    control_->hold();
    const Keys keys = NumberedTables::random_keys(random, 100, 5000);
    const Keys more = NumberedTables::random_keys(random, 100, 5000);
    TableStore::Ticket first = store_->prefetch(keys);
    TableStore::Ticket second = store_->prefetch(more);
    control_->release();
    ASSERT_TRUE(fetch(*store_, first, keys, 0, out_));
    ASSERT_EQ(out_, tables_.expected(keys, 0));
    ASSERT_TRUE(fetch(*store_, second, more, 1, out_));
    ASSERT_EQ(out_, tables_.expected(more, 1));
  }
}

TEST_F(TableStoreFaults, ATicketMayGoWhileItsReadsAreUnderWay) {
  const Keys keys = {a_, b_};
  control_->hold();
  { const TableStore::Ticket gone = store_->prefetch(keys); }
  store_->set_budget(1);
  EXPECT_EQ(store_->stats().entries, 2u) << "a read still writes into them";
  control_->release();
  wait_until_idle(*store_);
  EXPECT_EQ(store_->stats().entries, 0u);
  ASSERT_NO_FATAL_FAILURE(check_rows(*store_, tables_, keys));
}

TEST_F(TableStoreFaults, TheStoreMayGoWhileReadsAreUnderWay) {
  const Keys keys = {a_, b_};
  control_->hold();
  { const TableStore::Ticket gone = store_->prefetch(keys); }
  store_.reset();
}

TEST_F(TableStoreFaults, AMovedTicketKeepsItsRows) {
  TableStore::Ticket ticket = store_->prefetch(Keys{a_});
  store_->set_budget(1);
  TableStore::Ticket other = std::move(ticket);
  ticket = store_->prefetch(Keys{b_});
  ASSERT_TRUE(fetch(*store_, other, {a_}, 0, out_));
  EXPECT_EQ(out_, tables_.expected({a_}, 0));
  other = std::move(ticket);  // gives the first one's rows back
  ASSERT_TRUE(fetch(*store_, other, {b_}, 0, out_));
  EXPECT_EQ(out_, tables_.expected({b_}, 0));
  wait_until_idle(*store_);
  EXPECT_EQ(store_->stats().entries, 1u);
}

TEST_F(TableStoreFaults, TheBudgetActsAtOnce) {
  std::mt19937_64 random(5);
  ASSERT_NO_FATAL_FAILURE(
      check_rows(*store_, tables_, NumberedTables::random_keys(random, 500, 100000)));
  wait_until_idle(*store_);
  const TierStats before = store_->stats();
  ASSERT_GT(before.entries, 400u);
  store_->set_budget(before.bytes_used / 2);
  const TierStats after = store_->stats();
  EXPECT_LE(after.bytes_used, before.bytes_used / 2);
  EXPECT_GT(after.entries, 100u);
  EXPECT_EQ(after.evictions, before.evictions + before.entries - after.entries);
}

// ---- threads -----------------------------------------------------------------------------------

TEST(TableStore, OtherThreadsMayLookAndChangeTheBudget) {
  const NumberedTables tables(264);
  for (const Reader reader : {Reader::automatic, Reader::threads}) {
    auto opened = TableStore::open(tables.hasher(), tables.tables(), {100000, reader});
    ASSERT_TRUE(opened);
    TableStore& store = **opened;
    std::atomic<bool> stop = false;  // set by the engine's thread, read by the two others
    std::thread budget([&] {
      std::mt19937_64 random(1);
      while (!stop) {
        store.set_budget(1 + random() % 400000);
        std::this_thread::sleep_for(std::chrono::microseconds(300));
      }
    });
    std::thread view([&] {
      std::mt19937_64 random(2);
      while (!stop) {
        const TierStats stats = store.stats();
        EXPECT_LE(stats.hits, stats.lookups);
        for (const NgramKey& key : NumberedTables::random_keys(random, 10, 300)) {
          (void)store.in_ram(key);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
    std::mt19937_64 random(3);
    TableStore::Ticket ahead;
    for (int round = 0; round < 150; ++round) {
      ahead = store.prefetch(NumberedTables::random_keys(random, 20, 300));
      check_rows(store, tables, NumberedTables::random_keys(random, 30, 300));
    }
    stop = true;
    budget.join();
    view.join();
  }
}

}  // namespace
}  // namespace mneme

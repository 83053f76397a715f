// SPDX-License-Identifier: Apache-2.0
// The store where the system has less memory than its budget says.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "engram/table_store.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/sanitized.h"

namespace mneme {
namespace {

constexpr std::uint64_t kBudget = 512 << 20;
constexpr std::uint64_t kLeft = 24 << 20;  // that the system gives from some moment on

void expect(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::_Exit(1);
}

std::uint64_t data_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::uint64_t kib = 0;
    if (word == "VmData:" && status >> kib) return kib << 10;
  }
  return 0;
}

[[noreturn]] void run_out_of_memory(const NumberedTables& tables) {
  auto store = TableStore::open(tables.hasher(), tables.tables(), {kBudget});
  expect(store.has_value(), "the store opens");
  const std::uint64_t data = data_bytes();
  expect(data > 0, "the system says how much memory is used");
  const rlimit limit{data + kLeft, data + kLeft};
  expect(::setrlimit(RLIMIT_DATA, &limit) == 0, "memory can be limited");

  // More n-grams than there is room for: it goes on with fewer.
  std::mt19937_64 random(1);
  std::vector<std::byte> out;
  const auto right = [&](TableStore::Ticket& ticket, const std::vector<NgramKey>& keys) {
    out.resize(keys.size() * 4 * (*store)->row_bytes(0));
    const Status status = (*store)->wait(ticket, 0, out);
    if (status) expect(out == tables.expected(keys, 0), "the rows are right");
    return status;
  };
  for (int round = 0; round < 120; ++round) {
    const auto keys = NumberedTables::random_keys(random, 200, 1'000'000);
    TableStore::Ticket ticket = (*store)->prefetch(keys);
    expect(right(ticket, keys).has_value(), "every row can be had");
  }
  const TierStats stats = (*store)->stats();
  expect(stats.evictions > 0 && stats.bytes_used < kLeft, "it takes no more than there is");

  // More at once than there is room for: one clear error, and only for what found no place.
  std::vector<TableStore::Ticket> tickets;
  Status status;
  while (status && tickets.size() < 200) {
    const auto keys = NumberedTables::random_keys(random, 200, 1'000'000);
    tickets.push_back((*store)->prefetch(keys));
    status = right(tickets.back(), keys);
  }
  expect(!status && status.error().code == ErrorCode::out_of_memory, "it says what is wrong");
  expect(status.error().message.find("smaller RAM budget") != std::string::npos, "what to do");
  expect(tickets.size() > 10, "what found its place is not touched");

  tickets.clear();
  const auto keys = NumberedTables::random_keys(random, 200, 1'000'000);
  TableStore::Ticket ticket = (*store)->prefetch(keys);
  expect(right(ticket, keys).has_value(), "all is well again");
  std::fprintf(stderr, "all is well");
  std::_Exit(0);
}

[[noreturn]] void open_in_little_address_space(const NumberedTables& tables) {
  const rlimit limit{2ull << 30, 2ull << 30};
  expect(::setrlimit(RLIMIT_AS, &limit) == 0, "address space can be limited");
  const auto refused = TableStore::open(tables.hasher(), tables.tables(), {4ull << 30});
  expect(!refused && refused.error().code == ErrorCode::out_of_memory, "too large a budget");
  auto store = TableStore::open(tables.hasher(), tables.tables(), {64 << 20});
  expect(store.has_value(), "the store opens");
  std::mt19937_64 random(1);
  const auto keys = NumberedTables::random_keys(random, 200, 1'000'000);
  TableStore::Ticket ticket = (*store)->prefetch(keys);
  std::vector<std::byte> out(keys.size() * 4 * (*store)->row_bytes(0));
  expect((*store)->wait(ticket, 0, out).has_value(), "every row can be had");
  expect(out == tables.expected(keys, 0), "the rows are right");
  std::fprintf(stderr, "all is well");
  std::_Exit(0);
}

TEST(TableStoreMemory, NeedsNoMoreAddressSpaceThanItsBudget) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer needs more address space than that";
  const NumberedTables tables(264);
  EXPECT_EXIT(open_in_little_address_space(tables), testing::ExitedWithCode(0), "all is well");
}

TEST(TableStoreMemory, GoesOnWithLessAndSaysWhenItIsTooLittle) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer needs more memory than that";
  const NumberedTables tables(264, ".", 20'000);
  EXPECT_EXIT(run_out_of_memory(tables), testing::ExitedWithCode(0), "all is well");
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/numa.h"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "engram/table_store.h"
#include "tests/support/numbered_tables.h"

namespace mneme {
namespace {

using Nodes = std::vector<int>;

TEST(Numa, ReadsTheKernelsLists) {
  EXPECT_EQ(parse_node_list("0"), Nodes{0});
  EXPECT_EQ(parse_node_list("0-2,5"), (Nodes{0, 1, 2, 5}));
  EXPECT_EQ(parse_node_list("1,3-3\n"), (Nodes{1, 3}));
  EXPECT_EQ(parse_node_list(""), Nodes{});
  EXPECT_EQ(parse_node_list("none"), Nodes{});
  EXPECT_EQ(parse_node_list("0,x"), Nodes{0});
  EXPECT_EQ(parse_node_list("3-1"), Nodes{});
  EXPECT_EQ(parse_node_list("0-99999999"), Nodes{}) << "more than any kernel has";
  EXPECT_EQ(parse_node_list("0-"), Nodes{});
}

TEST(Numa, NamesTheNodesThereAre) {
  const Nodes nodes = memory_nodes();
  ASSERT_FALSE(nodes.empty());
  for (const int node : nodes) EXPECT_TRUE(check_memory_node(node));
  for (const int absent : {-1, nodes.back() + 1, 1 << 20}) {
    const Status status = check_memory_node(absent);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::invalid);
    EXPECT_NE(status.error().message.find("no NUMA node " + std::to_string(absent)),
              std::string::npos)
        << status.error().message;
    EXPECT_NE(status.error().message.find(std::to_string(nodes.front())), std::string::npos);
  }
}

TEST(Numa, PagesComeFromTheChosenNode) {
  const int node = memory_nodes().front();
  constexpr std::size_t kBytes = 1 << 20;
  auto* const pages = static_cast<std::byte*>(
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  const Status placed = place_on_node(pages, kBytes, node);
  if (!placed) GTEST_SKIP() << placed.error().message;
  pages[0] = std::byte{1};
  int policy = -1;
  ASSERT_EQ(::syscall(SYS_get_mempolicy, &policy, nullptr, 0, pages, MPOL_F_ADDR), 0);
  EXPECT_EQ(policy, MPOL_PREFERRED);
  int lies_on = -1;
  ASSERT_EQ(::syscall(SYS_get_mempolicy, &lies_on, nullptr, 0, pages, MPOL_F_ADDR | MPOL_F_NODE),
            0);
  EXPECT_EQ(lies_on, node);
  ::munmap(pages, kBytes);
}

TEST(Numa, RowsInRamLieOnTheNodeThatWasChosen) {
  const NumberedTables tables(264);
  TableStoreOptions options;
  options.numa_node = memory_nodes().front();
  auto store = TableStore::open(tables.hasher(), tables.tables(), options);
  if (!store && store.error().code == ErrorCode::unsupported) GTEST_SKIP() << store.error().message;
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->stats().numa_node, options.numa_node);
  std::mt19937_64 random(1);
  // Through growth of the arena, and a budget that gives all of it back.
  for (const std::uint64_t budget : {16u << 20, 1u, 8u << 20}) {
    (*store)->set_budget(budget);
    const auto keys = NumberedTables::random_keys(random, 2000, 5000);
    TableStore::Ticket ticket = (*store)->prefetch(keys);
    for (std::size_t layer = 0; layer < 2; ++layer) {
      const auto expected = tables.expected(keys, layer);
      std::vector<std::byte> rows(expected.size());
      ASSERT_TRUE((*store)->wait(ticket, layer, rows));
      EXPECT_EQ(rows, expected);
    }
  }

  options.numa_node = memory_nodes().back() + 1;
  const auto absent = TableStore::open(tables.hasher(), tables.tables(), options);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::invalid);
  EXPECT_NE(absent.error().message.find("NUMA node"), std::string::npos);
}

}  // namespace
}  // namespace mneme

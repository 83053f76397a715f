// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "gpu/cpu/barrier_groups.h"
#include "gpu/plan/activation_memory.h"

namespace mneme {
namespace {

TEST(ActivationMemory, ReusesWhatIsNoLongerNeeded) {
  const std::vector<Life> lives{{64, 0, 1}, {64, 1, 2}, {64, 2, 2}};
  const ActivationMemory memory = place_activations(lives);
  EXPECT_EQ(memory.bytes, 128u);
  EXPECT_EQ(memory.offsets[0], memory.offsets[2]);
  EXPECT_NE(memory.offsets[0], memory.offsets[1]);
}

TEST(ActivationMemory, NeverSharesWhatLivesTogether) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<Life> lives;
    for (int i = 0; i < 30; ++i) {
      const std::size_t first = random() % 20;
      lives.push_back({random() % 1000, first, first + random() % 6});
    }
    const ActivationMemory memory = place_activations(lives);
    for (std::size_t a = 0; a < lives.size(); ++a) {
      ASSERT_EQ(memory.offsets[a] % 64, 0u);
      ASSERT_LE(memory.offsets[a] + lives[a].bytes, memory.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        if (lives[a].last < lives[b].first || lives[b].last < lives[a].first) continue;
        ASSERT_TRUE(memory.offsets[a] + lives[a].bytes <= memory.offsets[b] ||
                    memory.offsets[b] + lives[b].bytes <= memory.offsets[a]);
      }
    }
  }
}

PhaseUse by_token(std::vector<std::uint32_t> reads, std::vector<std::uint32_t> writes) {
  return {true, false, std::move(reads), {}, std::move(writes)};
}
PhaseUse by_row(std::vector<std::uint32_t> reads, std::vector<std::uint32_t> writes) {
  return {false, false, std::move(reads), {}, std::move(writes)};
}

std::vector<std::size_t> ends(const std::vector<BarrierGroup>& groups) {
  std::vector<std::size_t> ends;
  for (const BarrierGroup& group : groups) ends.push_back(group.end);
  return ends;
}

TEST(BarrierGroups, JoinProductsOfTheSameInputAndChainsOfRows) {
  // norm, pack | q, k, v | rope q, rope k, append | attention | pack | o
  const std::vector<PhaseUse> phases{
      by_token({0}, {1}),       by_token({1}, {2}), by_row({2}, {3}),   by_row({2}, {4}),
      by_row({2}, {5}),         by_token({3}, {6}), by_token({4}, {7}), by_token({7, 5}, {20, 21}),
      by_row({6, 20, 21}, {8}), by_token({8}, {9}), by_row({9}, {10})};
  const std::vector<std::size_t> starts{0};
  const std::vector<BarrierGroup> groups = group_phases(phases, starts);
  EXPECT_EQ(ends(groups), (std::vector<std::size_t>{2, 5, 8, 9, 10, 11}));
  EXPECT_TRUE(groups[0].by_token);
  EXPECT_FALSE(groups[1].by_token);
}

TEST(BarrierGroups, KeepApartWhatDepends) {
  const std::vector<std::size_t> starts{0};
  // The second product overwrites what the first reads.
  EXPECT_EQ(ends(group_phases(std::vector{by_row({1}, {2}), by_row({3}, {1})}, starts)),
            (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(ends(group_phases(std::vector{by_row({1}, {2}), by_row({2}, {3})}, starts)),
            (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(ends(group_phases(std::vector{by_row({1}, {2}), by_row({3}, {2})}, starts)),
            (std::vector<std::size_t>{1, 2}));
  // A convolution reads rows that other tokens write.
  PhaseUse conv = by_token({1}, {2});
  conv.reads_across = {9};
  EXPECT_EQ(ends(group_phases(std::vector{by_token({1}, {9}), conv}, starts)),
            (std::vector<std::size_t>{1, 2}));
  // Other tokens.
  PhaseUse outputs = by_token({2}, {3});
  outputs.output_rows = true;
  EXPECT_EQ(ends(group_phases(std::vector{by_token({1}, {2}), outputs}, starts)),
            (std::vector<std::size_t>{1, 2}));
  // A segment begins.
  const std::vector<std::size_t> segments{0, 1};
  EXPECT_EQ(ends(group_phases(std::vector{by_token({1}, {2}), by_token({2}, {3})}, segments)),
            (std::vector<std::size_t>{1, 2}));
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The reference caches, the replays and the statistics of the benchmarks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <random>
#include <vector>

#include "base/file.h"
#include "engram/bench/paired.h"
#include "engram/bench/scratch_table.h"
#include "tests/bench/policies.h"
#include "tests/bench/replay.h"
#include "tests/bench/replay_device.h"

namespace mneme {
namespace {

// Few are asked for often, most hardly ever, and most of those soon after their first time.
std::vector<TokenId> skewed_tokens(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> share(0, 1);
  std::vector<TokenId> tokens;
  while (tokens.size() < count) {
    if (tokens.size() > 400 && random() % 3 == 0) {
      const std::size_t from = tokens.size() - 300 + random() % 250;
      for (std::size_t i = 0; i < 12; ++i) tokens.push_back(tokens[from + i]);
    } else {
      tokens.push_back(static_cast<TokenId>(std::pow(share(random), 3) * 4000));
    }
  }
  tokens.resize(count);
  return tokens;
}

constexpr std::size_t kArms = 8;  // of a replay, at each budget

NgramHasher small_hasher() {
  std::vector<ClassId> map(4000);
  for (ClassId i = 0; i < 4000; ++i) map[static_cast<std::size_t>(i)] = i;
  return make_v41_hasher(std::move(map), 0, 100'000).value();
}

TEST(KeyStream, NumbersEveryNgramOnceAndForgetsTheDocumentBefore) {
  const NgramHasher hasher = small_hasher();
  const std::vector<std::vector<TokenId>> documents = {{5, 6, 5, 6, 5, 6}, {5, 6}};
  const KeyStream stream = make_key_stream("test", hasher, documents);
  EXPECT_EQ(stream.tokens, 8u);
  ASSERT_EQ(stream.accesses.size(), 24u);
  const auto key = [&](std::size_t token, std::size_t order) {
    return stream.keys[stream.accesses[token * 3 + order - 2]];
  };
  EXPECT_EQ(key(3, 2), (NgramKey{2, {6, 5}}));
  EXPECT_EQ(key(5, 4), (NgramKey{4, {6, 5, 6, 5}}));
  EXPECT_EQ(stream.accesses[3 * 3], stream.accesses[5 * 3]);
  EXPECT_EQ(key(6, 2), key(0, 2)) << "a document begins with an empty context";
  std::vector<std::uint32_t> numbers = stream.accesses;
  std::ranges::sort(numbers);
  const auto distinct = std::unique(numbers.begin(), numbers.end()) - numbers.begin();
  EXPECT_EQ(static_cast<std::size_t>(distinct), stream.keys.size());
}

TEST(LruSimulator, AgreesWithAList) {
  std::mt19937_64 random(2);
  LruSimulator lru(50, 200);
  std::list<std::uint32_t> list;
  for (int i = 0; i < 20000; ++i) {
    const auto key = static_cast<std::uint32_t>(random() % 14 * (random() % 14));
    const auto at = std::ranges::find(list, key);
    ASSERT_EQ(lru.access(key), at != list.end()) << i;
    if (at != list.end()) list.erase(at);
    list.push_front(key);
    if (list.size() > 50) list.pop_back();
  }
}

TEST(S3FifoSimulator, KeepsWhatIsUsedThroughAScan) {
  S3FifoSimulator cache(100, 50000, S3FifoSimulator::Variant::published);
  for (int round = 0; round < 4; ++round) {
    for (std::uint32_t key = 0; key < 50; ++key) cache.access(key);
  }
  int hits = 0;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    hits += cache.access(i % 50) ? 1 : 0;
    for (std::uint32_t k = 0; k < 4; ++k) cache.access(1000 + i * 4 + k);
  }
  EXPECT_GT(hits, 4900);
}

TEST(Replay, TheProductDoesWhatTheSimulatorOfItsPolicyDoes) {
  const NgramHasher hasher = small_hasher();
  const std::vector<std::vector<TokenId>> documents = {skewed_tokens(60000, 1)};
  const KeyStream stream = make_key_stream("skewed", hasher, documents);
  const std::vector<std::uint64_t> budgets = {8 << 20, 32 << 20};
  const auto results = replay(stream, hasher, kV41RowBytes, budgets, {});
  ASSERT_EQ(results.size(), 2 * kArms);
  for (std::size_t i = 0; i < results.size(); i += kArms) {
    EXPECT_EQ(results[i].policy, "mneme");
    EXPECT_EQ(results[i + 3].policy, "mneme, simulated");
    EXPECT_NEAR(results[i].hit_rate, results[i + 3].hit_rate, 0.015);
    EXPECT_NEAR(results[i].reads_per_token, 48 * (1 - results[i].hit_rate), 1e-9);
    EXPECT_EQ(results[i + 7].policy, "memory map");
    EXPECT_GT(results[i + 7].reads_per_token, results[i].reads_per_token);
  }
  // Everything but the first time is a hit where all fits, whatever the policy.
  const auto all = replay(stream, hasher, kV41RowBytes, {std::uint64_t{4} << 30}, {});
  EXPECT_NEAR(all[0].hit_rate, all[3].hit_rate, 1e-12);
}

TEST(Replay, ARecordLogLeavesFirstUsesAndTwoPagesForTheRest) {
  const NgramHasher hasher = small_hasher();
  const std::vector<std::vector<TokenId>> documents = {skewed_tokens(60000, 1)};
  const KeyStream stream = make_key_stream("skewed", hasher, documents);
  const auto results = replay(stream, hasher, kV41RowBytes, {16 << 20}, {});
  EXPECT_EQ(results[2].policy, kReplayEndlessLog);
  EXPECT_EQ(results[5].policy, kSimulatedLog);
  // Counted by hand: what was asked for before is somewhere, the rest is read row by row.
  std::vector<bool> seen(stream.keys.size());
  double first = 0;
  for (std::size_t i = 0; i < stream.accesses.size(); ++i) {
    if (i >= stream.accesses.size() / 2 && !seen[stream.accesses[i]]) first += 1;
    seen[stream.accesses[i]] = true;
  }
  first /= 30000;
  const double missed = 3 * (1 - results[0].hit_rate);
  EXPECT_NEAR(results[2].reads_per_token, 16 * first + 2 * (missed - first), 0.05 * missed);
  EXPECT_NEAR(results[2].bytes_written_per_token, first * 4333, 0.01 * first * 4333);
  const double simulated = 3 * (1 - results[4].hit_rate);
  EXPECT_NEAR(results[5].reads_per_token, 16 * first + 1.35 * (simulated - first), 1e-6);
  EXPECT_LT(results[2].reads_per_token, results[0].reads_per_token);
}

TEST(Replay, TheCurveForetellsTheHitRate) {
  const NgramHasher hasher = small_hasher();
  const std::vector<std::vector<TokenId>> documents = {skewed_tokens(150000, 3)};
  const KeyStream stream = make_key_stream("skewed", hasher, documents);
  const std::vector<std::uint64_t> budgets = {16 << 20, 64 << 20, 128 << 20, 300 << 20};
  const auto results = replay(stream, hasher, kV41RowBytes, budgets, {});
  const CurveCheck check = check_curve(stream, hasher, kV41RowBytes, budgets);
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    EXPECT_NEAR(check.predicted[i], results[i * kArms].hit_rate, 0.015) << budgets[i];
  }
}

TEST(PairedRatio, HasAnIntervalAroundTheMedian) {
  const std::vector<double> a = {2, 4, 6, 8, 30};
  const std::vector<double> b = {1, 2, 3, 4, 10};
  const PairedRatio ratio = paired_ratio(a, b);
  EXPECT_EQ(ratio.ratio, 2);
  EXPECT_EQ(ratio.low, 2);
  EXPECT_EQ(ratio.high, 3);
  EXPECT_EQ(median({3, 1, 2, 4}), 2.5);
}

TEST(ScratchTable, IsRandomNamelessAndRefusedWhereItDoesNotFit) {
  auto table = ScratchTable::create(".", 3 << 20, true, {}, nullptr);
  ASSERT_TRUE(table) << table.error().message;
  const auto file = File::open(table->path());
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 3u << 20);
  std::vector<std::byte> bytes(1 << 20);
  ASSERT_TRUE(file->read_at(1 << 20, bytes));
  EXPECT_GT(std::ranges::count_if(bytes, [](std::byte b) { return b != std::byte{0}; }), 1000000);

  const auto huge = ScratchTable::create(".", 1ull << 60, true, {}, nullptr);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, ErrorCode::invalid);
  EXPECT_NE(huge.error().message.find("free"), std::string::npos);
  EXPECT_FALSE(ScratchTable::create("no_such_folder", 1 << 20, true, {}, nullptr));
  const std::atomic<bool> cancel = true;
  const auto stopped = ScratchTable::create(".", 1 << 20, true, {}, &cancel);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST(ReplayDevice, WhatIsNewTravelsOnceWhereAllHasRoom) {
  const NgramHasher hasher = small_hasher();
  const std::vector<std::vector<TokenId>> documents = {skewed_tokens(6000, 9)};
  const KeyStream stream = make_key_stream("test", hasher, documents);
  std::vector<bool> seen(stream.keys.size());
  double known = 0;
  for (std::size_t i = 0; i < stream.accesses.size(); ++i) {
    if (i >= stream.accesses.size() / 2 && seen[stream.accesses[i]]) ++known;
    seen[stream.accesses[i]] = true;
  }
  const double expected = known / (static_cast<double>(stream.accesses.size()) / 2);
  constexpr std::uint64_t kNgram = 100;
  const std::uint64_t all = stream.keys.size() * kNgram;
  for (const std::size_t tokens : {1, 64}) {
    const DeviceShare share = replay_device(stream, kNgram, all, tokens);
    EXPECT_DOUBLE_EQ(share.total(), expected);
    EXPECT_NEAR(share.ngrams_transferred, (1 - expected) * 3, 1e-9);
    EXPECT_EQ(share.repeated > 0, tokens > 1);
    // A tenth of the room has less, but what comes again at once.
    const DeviceShare less = replay_device(stream, kNgram, all / 10, tokens);
    EXPECT_LT(less.total(), expected);
    EXPECT_GT(less.total(), expected / 4);
  }
}

}  // namespace
}  // namespace mneme

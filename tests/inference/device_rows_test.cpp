// SPDX-License-Identifier: Apache-2.0
// Rows that the device keeps: the same logits as without them, whatever is read again, goes wrong
// or is stopped between, and figures that add up. On the CPU's kernels, which play a card here, and
// on whatever Vulkan finds; on a machine without a GPU that is Mesa's llvmpipe.
#include "inference/model/device_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gpu/registry.h"
#include "inference/run/engine.h"
#include "inference/run/engine_view.h"
#include "inference/run/session.h"
#include "tests/support/card_backend.h"
#include "tests/support/slow_reader.h"
#include "tests/support/tiny_model.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

using Tokens = std::vector<TokenId>;

std::uint64_t sum(const std::array<std::uint64_t, kTierCount>& served) {
  return std::accumulate(served.begin(), served.end(), std::uint64_t{0});
}

class DeviceRowsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) != "vulkan") return;
    const std::vector<DeviceInfo> devices = list_devices();
    const bool any = std::ranges::any_of(devices, [](const DeviceInfo& device) {
      return device.id.starts_with("vulkan") && device.unusable.empty();
    });
    if (!any) GTEST_SKIP() << "there is no Vulkan device";
  }

  // `ngrams`: that the device has room for; 0 = none.
  EngineOptions options(std::uint64_t ngrams) const {
    EngineOptions options;
    options.model_path = model_;
    options.exact = true;
    options.device_rows = ngrams * kNgramBytes;
    options.device = "vulkan";
    if (std::string(GetParam()) == "card") {
      options.open_device = [free = free_](const BackendOptions&) {
        auto cpu = open_backend({2, ""});
        EXPECT_TRUE(cpu);
        return Result<std::unique_ptr<Backend>>(
            std::make_unique<CardBackend>(std::move(*cpu), free));
      };
    }
    return options;
  }

  static std::unique_ptr<Engine> open(const EngineOptions& options) {
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message;
    return engine ? std::move(*engine) : nullptr;
  }

  // A text whose n-grams come again and again, some soon and some late.
  static Tokens text(std::size_t count, unsigned seed = 1) {
    std::mt19937 random(seed);
    Tokens tokens;
    while (tokens.size() < count) {
      const std::size_t word = random() % 3 == 0 ? random() % 200 : random() % 12;
      for (std::size_t i = 0; i < 4; ++i) tokens.push_back(TokenId((word * 7 + i * i * 3) % 250));
    }
    tokens.resize(count);
    return tokens;
  }

  static std::vector<float> logits(Engine& engine, const Tokens& tokens,
                                   TraceLog* trace = nullptr) {
    std::vector<float> all;
    const auto keep = [&](std::int64_t, std::span<const float> values) {
      all.insert(all.end(), values.begin(), values.end());
    };
    const Status status = engine.evaluate(tokens, true, keep, trace);
    EXPECT_TRUE(status) << status.error().message;
    return all;
  }

  static constexpr std::uint64_t kNgramBytes = 2 * 8 * 33;  // of the tiny pack
  const TemporaryFolder folder_;
  const std::string model_ = write_tiny_model(folder_.path());
  std::uint64_t free_ = std::uint64_t{1} << 34;
};

INSTANTIATE_TEST_SUITE_P(Devices, DeviceRowsTest, testing::Values("card", "vulkan"),
                         [](const auto& device) { return std::string(device.param); });

TEST_P(DeviceRowsTest, LogitsAreThoseWithoutThem) {
  const Tokens tokens = text(400);
  const auto plain = open(options(0));
  const std::vector<float> expected = logits(*plain, tokens);
  EXPECT_EQ(plain->tiers().device.room, 0u);
  EXPECT_EQ(plain->tiers().served[std::size_t(Tier::device)], 0u);
  for (const std::uint64_t ngrams : {1, 3, 40, 5000}) {
    SCOPED_TRACE(ngrams);
    const auto engine = open(options(ngrams));
    for (int round = 0; round < 2; ++round) EXPECT_EQ(logits(*engine, tokens), expected);
    const TierStats stats = engine->tiers();
    EXPECT_EQ(stats.device.off, "");
    EXPECT_GE(stats.device.entries, 1u);
    EXPECT_LE(stats.device.entries, ngrams);
    EXPECT_LE(stats.device.bytes, stats.device.room);
    EXPECT_EQ(stats.device.room, ngrams * kNgramBytes);
    EXPECT_GT(stats.served[std::size_t(Tier::device)], 0u);
    EXPECT_EQ(stats.device.evictions > 0, ngrams < 100);
  }
}

TEST_P(DeviceRowsTest, FiguresAddUpAndTheTraceSaysTheSame) {
  const Tokens tokens = text(300);
  const auto engine = open(options(50));
  TraceLog trace;
  (void)logits(*engine, tokens, &trace);
  const TierStats stats = engine->tiers();
  const NgramHasher& hasher = *engine->hasher();
  const auto orders = static_cast<std::uint64_t>(hasher.spec().orders());
  const std::uint64_t layers = hasher.spec().layers.size();
  EXPECT_EQ(stats.lookups, tokens.size() * orders);
  EXPECT_EQ(sum(stats.served), stats.lookups * layers);
  std::array<std::uint64_t, kTierCount> traced{};
  ASSERT_EQ(trace.size(), tokens.size());
  for (EventIndex i = 0; i < trace.size(); ++i) {
    const TraceRecord record = trace.record(i);
    for (int layer = 0; layer < record.shape().layers; ++layer) {
      for (int order = 0; order < record.shape().orders; ++order) {
        const Tier tier = record.tier(layer, order);
        ++traced[static_cast<std::size_t>(tier)];
        if (tier == Tier::device) {
          EXPECT_EQ(record.latency_us(layer, order), 0u);
        }
      }
    }
  }
  EXPECT_EQ(traced, stats.served);
  // What RAM has of the n-grams that the device answers still counts there as found.
  EXPECT_GE(stats.hits, stats.served[std::size_t(Tier::device)] / layers);
  const auto counters = tier_counters(stats);
  ASSERT_EQ(counters.size(), 3u);
  EXPECT_EQ(counters[0].asked, sum(stats.served));
}

TEST_P(DeviceRowsTest, AnAnswerCountsWhatTheDeviceHad) {
  const auto engine = open(options(1000));
  GenerateRequest request;
  request.raw_prompt = "and the sea and the sea and the sea";
  request.sampling.temperature = 0;
  request.max_tokens = 30;
  request.ignore_end = true;
  const auto first = engine->generate(request);
  ASSERT_TRUE(first) << first.error().message;
  const TierStats stats = engine->tiers();
  EXPECT_EQ(first->ngrams_device, stats.served[std::size_t(Tier::device)]);
  EXPECT_EQ(first->ngrams_ram, stats.served[std::size_t(Tier::ram)]);
  engine->forget();
  const auto again = engine->generate(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->text, first->text);
  EXPECT_EQ(again->ngrams_ram + again->ngrams_ssd_in_time + again->ngrams_ssd_late, 0u)
      << "all of it was there already";
}

TEST_P(DeviceRowsTest, WhatIsDroppedFromRamLeavesTheDeviceToo) {
  const Tokens tokens = text(60);
  const auto engine = open(options(1000));
  const std::vector<float> expected = logits(*engine, tokens);
  EXPECT_GT(engine->tiers().device.entries, 0u);
  engine->view()->drop_ram();
  EXPECT_EQ(engine->tiers().device.entries, 0u);
  const TierStats before = engine->tiers();
  EXPECT_EQ(logits(*engine, tokens), expected);
  const TierStats after = engine->tiers();
  EXPECT_GT(after.reads, before.reads);
  EXPECT_GT(after.device.entries, 0u);
}

// A long life of one timeline: read on, rewound, decoded token by token, stopped and let down by
// the drive. Whatever came before, logits are those of a timeline without rows on the device.
TEST_P(DeviceRowsTest, NothingThatGoesWrongLeavesWrongRows) {
  const auto control = std::make_shared<SlowReaderControl>();
  EngineOptions faulty = options(30);
  faulty.row_reader = slow_reader_factory(control);
  faulty.ram_budget = 1;  // nothing stays in RAM, so that every round reads
  const auto engine = open(faulty);
  const auto plain = open(options(0));
  const SessionOptions session_options{512, NumericMode::exact, 16, 16};
  auto session = engine->open_session(session_options);
  auto reference = plain->open_session(session_options);
  ASSERT_TRUE(session && reference);
  const HashSpec& spec = engine->hasher()->spec();
  const auto orders = static_cast<std::uint64_t>(spec.orders());
  const std::uint64_t layers = spec.layers.size();
  const auto ignore = [](const StepView&) {};
  std::atomic<int> reads_until_fault = -1;
  control->set_fault([&](const ReadRequest&) {
    return reads_until_fault.fetch_sub(1) == 0 ? ReadFault::eio : ReadFault::none;
  });
  std::mt19937 random(5);
  int failed = 0;
  int stopped = 0;
  const int rounds = std::string(GetParam()) == "card" ? 80 : 30;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(round);
    const Tokens tokens = text(20 + random() % 120, random() % 4);
    (*session)->rewind(static_cast<std::int64_t>(random()) % ((*session)->length() + 1));
    std::atomic<bool> cancel = false;
    Status status;
    switch (random() % 4) {
      case 0:  // a read fails somewhere
        reads_until_fault = static_cast<int>(random() % 40);
        status = (*session)->sync(tokens, false, &cancel, ignore);
        reads_until_fault = -1;
        failed += status ? 0 : 1;
        break;
      case 1: {  // stopped between chunks, when the next one is planned already
        int chunks = static_cast<int>(random() % 3) + 1;
        status = (*session)->sync(tokens, false, &cancel, [&](const StepView&) {
          if (--chunks == 0) cancel = true;
        });
        stopped += status ? 0 : 1;
        break;
      }
      case 2: {  // stopped inside a step, while it waits for rows
        control->hold();
        std::thread stopper([&] {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          cancel = true;
        });
        status = (*session)->sync(tokens, false, &cancel, ignore);
        stopper.join();
        control->release();
        stopped += status ? 0 : 1;
        break;
      }
      default:
        for (int i = 0; i < 5; ++i) {
          ASSERT_TRUE((*session)->step(static_cast<TokenId>(random() % 12 * 7), nullptr, ignore));
        }
    }
    status = (*session)->sync(tokens, false, nullptr, ignore);
    ASSERT_TRUE(status) << status.error().message;
    (*reference)->rewind(0);
    ASSERT_TRUE((*reference)->sync(tokens, false, nullptr, ignore));
    const auto expect_the_same_logits = [&] {
      const auto ours = (*session)->last_logits();
      const auto theirs = (*reference)->last_logits();
      for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_NEAR(ours[i], theirs[i], 1e-4f) << i;
    };
    expect_the_same_logits();
    // How much the device served until here depends on when a stop came. The last token once more
    // does not: its step leaves all its rows on the device, and read again it is served from there.
    for (const bool held : {false, true}) {
      const std::uint64_t before = engine->tiers().served[std::size_t(Tier::device)];
      (*session)->rewind((*session)->length() - 1);
      ASSERT_TRUE((*session)->step(tokens.back(), nullptr, ignore));
      expect_the_same_logits();
      if (!held) continue;
      const std::uint64_t served = engine->tiers().served[std::size_t(Tier::device)] - before;
      ASSERT_EQ(served, orders * layers);
    }
  }
  EXPECT_GT(failed, 0);
  EXPECT_GT(stopped, 0);
}

TEST_P(DeviceRowsTest, LessThanOneNgramIsRefusedWithItsSize) {
  EngineOptions few = options(1);
  few.device_rows = 7;
  const auto engine = Engine::open(few);
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::invalid);
  EXPECT_NE(engine.error().message.find("--device-rows"), std::string::npos)
      << engine.error().message;
}

TEST_P(DeviceRowsTest, TheEstimateCountsThemAndTheErrorSaysHowManyWouldFit) {
  const auto without = estimate_memory(options(0));
  const auto with = estimate_memory(options(1'000'000));
  ASSERT_TRUE(without && with);
  EXPECT_EQ(with->device_bytes(), without->device_bytes() + 1'000'000 * kNgramBytes);
  // Engram layers 0 and 1: a device that has not all layers keeps none of their rows.
  EXPECT_EQ(with->device_bytes(1), without->device_bytes(1));
  if (std::string(GetParam()) != "card") return;
  free_ = without->device_bytes() + (std::uint64_t{100} << 20);
  const auto engine = Engine::open(options(1'000'000));
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::out_of_memory);
  EXPECT_NE(engine.error().message.find("(--device-rows 100M)"), std::string::npos)
      << engine.error().message;
  EXPECT_NE(engine.error().message.find("memory rows 528.0"), std::string::npos)
      << engine.error().message;
}

TEST(DeviceRowsOff, TheCpuSaysThatItHasNoMemoryOfItsOwn) {
  const TemporaryFolder folder;
  EngineOptions options;
  options.model_path = write_tiny_model(folder.path());
  options.device_rows = 1 << 20;
  const auto engine = Engine::open(options);
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ((*engine)->tiers().device.room, 0u);
  EXPECT_NE((*engine)->tiers().device.off.find("CPU"), std::string::npos);
}

TEST_P(DeviceRowsTest, AModelInTwoPartsSaysWhyItKeepsNone) {
  EngineOptions split = options(100);
  split.gpu_layers = 1;  // of two, each with a memory
  const auto engine = open(split);
  ASSERT_TRUE(engine);
  EXPECT_EQ(engine->tiers().device.room, 0u);
  EXPECT_NE(engine->tiers().device.off.find("stay on the CPU"), std::string::npos)
      << engine->tiers().device.off;
  EngineOptions plain = options(0);
  plain.gpu_layers = 1;
  const Tokens tokens = text(50);
  EXPECT_EQ(logits(*engine, tokens), logits(*open(plain), tokens));
}

}  // namespace
}  // namespace mneme

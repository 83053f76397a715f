// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/size_classes.h"

#include <gtest/gtest.h>

#include "inference/machine/machine_facts.h"
#include "inference/run/machine.h"

namespace mneme {
namespace {

constexpr std::uint64_t kGB = 1'000'000'000;

TEST(SizeClasses, ATokenReadsTheWholeFileOnce) {
  MachineSpeed machine;
  machine.ram_free_bytes = 16 * kGB;
  machine.ram_gb_s = 40;
  // 70 and 95 % of 40 GB/s over 4 GB.
  const DecodeEstimate in_ram = estimate_decode(4 * kGB, machine);
  EXPECT_EQ(in_ram.place, LiesIn::ram);
  EXPECT_NEAR(in_ram.tokens_min, 7.0, 1e-9);
  EXPECT_NEAR(in_ram.tokens_max, 9.5, 1e-9);
  EXPECT_EQ(in_ram.pace, Pace::faster);
  EXPECT_EQ(estimate_decode(5 * kGB, machine).pace, Pace::about_as_fast);  // 5.6 to 7.6
  EXPECT_EQ(estimate_decode(8 * kGB, machine).pace, Pace::slower);         // 3.5 to 4.8

  machine.gpu_free_bytes = 8 * kGB;
  machine.gpu_gb_s = 400;
  const DecodeEstimate on_gpu = estimate_decode(4 * kGB, machine);
  EXPECT_EQ(on_gpu.place, LiesIn::gpu);
  EXPECT_NEAR(on_gpu.tokens_min, 70, 1e-9);
  // The GPU has room for (8 - 0.25) / 1.15 = 6.739 GB of it; the rest is read from RAM.
  const DecodeEstimate on_both = estimate_decode(10 * kGB, machine);
  EXPECT_EQ(on_both.place, LiesIn::gpu_and_ram);
  EXPECT_NEAR(on_both.tokens_max, 0.95 / (6.7391304 / 400 + 3.2608696 / 40), 1e-5);
}

TEST(SizeClasses, WhatHasNoRoomDoesNotFit) {
  MachineSpeed machine;
  machine.ram_free_bytes = 16 * kGB;
  machine.ram_gb_s = 40;
  // (16 - 0.25) / 1.15 = 13.696 GB.
  EXPECT_EQ(estimate_decode(13'695'000'000, machine).place, LiesIn::ram);
  const DecodeEstimate large = estimate_decode(13'697'000'000, machine);
  EXPECT_EQ(large.place, LiesIn::nowhere);
  EXPECT_EQ(large.tokens_max, 0);
  EXPECT_EQ(estimate_decode(1, {}).place, LiesIn::nowhere);
  EXPECT_EQ(estimate_decode(0, machine).place, LiesIn::nowhere);
  machine.ram_free_bytes = 100;
  EXPECT_EQ(estimate_decode(1, machine).place, LiesIn::nowhere);
  // What was not measured has no speed, and counts as not there.
  machine.gpu_free_bytes = 8 * kGB;
  EXPECT_EQ(estimate_decode(kGB, machine).place, LiesIn::nowhere);
}

TEST(SizeClasses, GoFromTheSmallestFileToTheLargestThatFits) {
  MachineSpeed machine;
  machine.ram_free_bytes = 16 * kGB;
  machine.ram_gb_s = 40;
  const auto classes = size_classes(machine);
  ASSERT_EQ(classes.size(), 5u);
  EXPECT_EQ(classes[0].name, "up to 1 B");
  EXPECT_EQ(classes[4].name, "70 B");
  const SizeClass& seven = classes[2];
  EXPECT_EQ(seven.name, "7 to 14 B");
  EXPECT_NEAR(static_cast<double>(seven.bytes_min), 4.27e9, 1e6);   // 7 B at 0.61 bytes
  EXPECT_NEAR(static_cast<double>(seven.bytes_max), 9.028e9, 1e6);  // 14.8 B
  EXPECT_EQ(seven.bytes_fit, seven.bytes_max);
  EXPECT_EQ(seven.estimate.place, LiesIn::ram);
  EXPECT_NEAR(seven.estimate.tokens_min, 0.70 * 40 / 9.028, 1e-3);
  EXPECT_NEAR(seven.estimate.tokens_max, 0.95 * 40 / 4.27, 1e-3);
  EXPECT_EQ(seven.estimate.pace, Pace::about_as_fast);  // 3.1 to 8.9
  const SizeClass& twenty = classes[3];
  EXPECT_LT(twenty.bytes_fit, twenty.bytes_max);
  EXPECT_NEAR(static_cast<double>(twenty.bytes_fit), 13.696e9, 1e6);
  EXPECT_EQ(classes[4].bytes_fit, 0u);
  EXPECT_EQ(classes[4].estimate.place, LiesIn::nowhere);
  for (const SizeClass& size : size_classes({})) EXPECT_EQ(size.bytes_fit, 0u);
}

TEST(SizeClasses, AreSaidInWords) {
  EXPECT_EQ(in_words(LiesIn::gpu_and_ram), "GPU and RAM");
  EXPECT_EQ(in_words(LiesIn::nowhere), "does not fit");
  EXPECT_EQ(in_words(Pace::about_as_fast), "about as fast");
}

TEST(MachineFacts, AreThoseOfThisMachine) {
  const MachineFacts facts = machine_facts();
  EXPECT_FALSE(facts.processor.empty());
  EXPECT_GE(facts.cores, 1);
  EXPECT_FALSE(facts.instructions.empty());
  EXPECT_GT(facts.ram.total_bytes, 0u);
  EXPECT_LE(facts.ram.free_bytes, facts.ram.total_bytes);
  for (const DeviceInfo& gpu : gpus_of(devices())) EXPECT_NE(gpu.id, "cpu");
}

}  // namespace
}  // namespace mneme

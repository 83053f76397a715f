// SPDX-License-Identifier: Apache-2.0
#include "inference/trace/step_log.h"

#include <gtest/gtest.h>

#include <memory>

#include "inference/run/engine.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

StepTimes step(EventIndex first, EventIndex end) {
  StepTimes times;
  times.first = first;
  times.end = end;
  times.total_us = static_cast<float>(first);
  return times;
}

TEST(StepLog, FindsTheStepOfARecord) {
  StepLog log;
  EXPECT_FALSE(log.step_of(0));
  log.add(step(2, 6));
  log.add(step(6, 7));
  log.add(step(9, 10));
  for (const EventIndex none : {0u, 1u, 7u, 8u, 10u, 4000000000u}) EXPECT_FALSE(log.step_of(none));
  for (const EventIndex event : {2u, 5u}) EXPECT_EQ(log.step_of(event)->total_us, 2);
  EXPECT_EQ(log.step_of(6)->total_us, 6);
  EXPECT_EQ(log.step_of(9)->total_us, 9);
}

TEST(StepLog, KeepsTheLastOnes) {
  StepLog log;
  const auto most = static_cast<EventIndex>(StepLog::kStepsMax);
  for (EventIndex i = 0; i < most + 5; ++i) log.add(step(i, i + 1));
  EXPECT_FALSE(log.step_of(4));
  EXPECT_TRUE(log.step_of(5));
  EXPECT_TRUE(log.step_of(most + 4));
}

// A prompt of several chunks, the second asked for while the first computes; then single tokens.
TEST(StepLog, AnAnswerSaysWhenThePartsOfItsStepsRan) {
  const TemporaryFolder folder;
  EngineOptions options;
  options.model_path = write_tiny_model(folder.path());
  options.device = "cpu";
  auto engine = Engine::open(options);
  ASSERT_TRUE(engine) << engine.error().message;
  GenerateRequest request;
  for (int i = 0; i < 200; ++i) request.raw_prompt += "abcdefg "[i % 8];
  request.max_tokens = 6;
  request.ignore_end = true;
  const auto trace = std::make_shared<TraceLog>();
  request.trace = trace;
  const auto result = (*engine)->generate(request);
  ASSERT_TRUE(result) << result.error().message;
  expect_step_times(*trace, 1, false);
  const auto prompt = trace->steps().step_of(0);
  EXPECT_GT(prompt->end, prompt->first + 1);
  EXPECT_LT(trace->steps().step_of(prompt->end)->asked_us, -1);
  const auto last = trace->steps().step_of(trace->size() - 1);
  EXPECT_EQ(last->end, last->first + 1);
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "base/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>
#include <semaphore>
#include <vector>

namespace mneme {
namespace {

TEST(Worker, RunsCommandsInOrderAndFinishesThemBeforeItEnds) {
  std::vector<int> seen;
  {
    Worker worker("test");
    for (int i = 0; i < 100; ++i) worker.post([&seen, i] { seen.push_back(i); });
  }
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(Worker, ANewerCommandReplacesAWaitingOneOfTheSameTag) {
  std::vector<int> seen;
  std::binary_semaphore go(0);
  {
    Worker worker("test");
    worker.post([&] { go.acquire(); });
    for (int i = 0; i < 10; ++i) worker.post([&seen, i] { seen.push_back(i); }, "look");
    go.release();
  }
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0], 9);
}

TEST(Worker, AFullQueueMakesThePosterWaitAndLosesNothing) {
  std::atomic<int> count = 0;
  {
    Worker worker("test", 2);
    for (int i = 0; i < 50; ++i) worker.post([&] { ++count; });
    worker.run([&] { ++count; });
    EXPECT_EQ(count, 51);
  }
}

TEST(Worker, ACommandMayPostToItsOwnFullQueue) {
  std::atomic<int> count = 0;
  {
    Worker worker("test", 1);
    worker.run([&] {
      for (int i = 0; i < 5; ++i) worker.post([&] { ++count; });
    });
  }
  EXPECT_EQ(count, 5);
}

// As where the system has no memory left for it: the thread goes on, and who waits hears of it.
TEST(Worker, ATaskThatThrowsIsGivenUpAndTheNextOneRuns) {
  Worker worker("test");
  worker.post([] { throw std::bad_alloc(); });
  bool ran = false;
  worker.run([&] { ran = true; });
  EXPECT_TRUE(ran);
  EXPECT_THROW(worker.run([] { throw std::bad_alloc(); }), std::bad_alloc);
  worker.run([&] { ran = false; });
  EXPECT_FALSE(ran);
}

TEST(Worker, ACommandForLaterRunsThenAndLeavesTheThreadToOthersMeanwhile) {
  using Clock = std::chrono::steady_clock;
  std::vector<int> seen;
  std::binary_semaphore done(0);
  Clock::time_point ran;
  Worker worker("test", 1);
  const auto due = Clock::now() + std::chrono::milliseconds(30);
  worker.post_at(due, [&] {
    seen.push_back(2);
    ran = Clock::now();
    done.release();
  });
  worker.run([&] { seen.push_back(1); });
  done.acquire();
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
  EXPECT_GE(ran, due);
}

TEST(Worker, TheEndRunsWhatWasForLater) {
  int ran = 0;
  {
    Worker worker("test");
    worker.post_at(std::chrono::steady_clock::now() + std::chrono::hours(1), [&] {
      ++ran;
      worker.post_at(std::chrono::steady_clock::now() + std::chrono::hours(1), [&] { ++ran; });
    });
  }
  EXPECT_EQ(ran, 2);
}

TEST(Worker, TheEndCanBeWaitedForWithoutWaitingForEver) {
  std::vector<int> seen;
  std::binary_semaphore stuck(0);
  Worker worker("test", 1);
  worker.post([&] { stuck.acquire(); });
  worker.post([&] { seen.push_back(1); });
  EXPECT_FALSE(worker.end(std::chrono::milliseconds(10)));
  EXPECT_FALSE(worker.end(std::chrono::milliseconds(0)));
  stuck.release();
  EXPECT_TRUE(worker.end(std::chrono::minutes(1)));
  EXPECT_EQ(seen, std::vector<int>{1});
  EXPECT_TRUE(worker.end(std::chrono::milliseconds(0)));
}

TEST(Worker, WhatIsPostedAfterTheEndNeitherRunsNorWaits) {
  int ran = 0;
  Worker worker("test", 1);
  ASSERT_TRUE(worker.end(std::chrono::minutes(1)));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(worker.post([&] { ++ran; }));
  worker.post_at(std::chrono::steady_clock::now(), [&] { ++ran; });
  worker.run([&] { ++ran; });
  EXPECT_EQ(ran, 0);
  EXPECT_FALSE(worker.on_this_thread());
}

}  // namespace
}  // namespace mneme

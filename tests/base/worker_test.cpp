// SPDX-License-Identifier: Apache-2.0
#include "inference/base/worker.h"

#include <gtest/gtest.h>

#include <atomic>
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

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "gpu/cpu/thread_choice.h"

namespace mneme {
namespace {

struct Sums {
  ThreadPool& pool;
  std::vector<std::int64_t> values;  // plain memory: only the barriers order the accesses
  int rounds;
};

// Every round each value becomes the old value of its neighbour plus one.
void shift(void* context, int thread) {
  Sums& sums = *static_cast<Sums*>(context);
  const auto half = static_cast<std::int64_t>(sums.values.size() / 2);
  for (int round = 0; round < sums.rounds; ++round) {
    const std::int64_t from = round % 2 ? half : 0;
    const std::int64_t to = half - from;
    const std::int64_t pieces = (half + 2) / 3;
    for (std::int64_t piece = sums.pool.take(thread, pieces); piece >= 0;
         piece = sums.pool.take(thread, pieces)) {
      for (std::int64_t k = piece * 3; k < std::min(half, piece * 3 + 3); ++k) {
        sums.values[static_cast<std::size_t>(to + k)] =
            sums.values[static_cast<std::size_t>(from + (k + 1) % half)] + 1;
      }
    }
    sums.pool.barrier();
  }
}

TEST(ThreadPool, BarriersOrderTheWorkOfAllThreads) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (int job = 0; job < 20; ++job) {
      Sums sums{pool, std::vector<std::int64_t>(2 * 50), 64};
      std::iota(sums.values.begin(), sums.values.begin() + 50, 0);
      pool.run(shift, &sums);
      for (std::int64_t i = 0; i < 50; ++i) {
        ASSERT_EQ(sums.values[static_cast<std::size_t>(i)], (i + 64) % 50 + 64) << threads;
      }
    }
  }
}

struct Pieces {
  ThreadPool& pool;
  std::int64_t count;
  std::vector<std::atomic<int>> taken;
};

TEST(ThreadPool, EveryPieceIsTakenOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 2, 4, 99}) {
      Pieces pieces{pool, count, std::vector<std::atomic<int>>(static_cast<std::size_t>(count))};
      pool.run(
          [](void* context, int thread) {
            Pieces& p = *static_cast<Pieces*>(context);
            for (std::int64_t i = p.pool.take(thread, p.count); i >= 0;
                 i = p.pool.take(thread, p.count)) {
              p.taken[static_cast<std::size_t>(i)].fetch_add(1);
            }
          },
          &pieces);
      for (const auto& taken : pieces.taken) ASSERT_EQ(taken.load(), 1);
    }
  }
}

TEST(ThreadPool, ManySmallJobsFinish) {
  ThreadPool pool(4);
  std::atomic<int> calls{0};
  for (int job = 0; job < 2000; ++job) {
    pool.run([](void* context, int) { static_cast<std::atomic<int>*>(context)->fetch_add(1); },
             &calls);
  }
  EXPECT_EQ(calls.load(), 4 * 2000);
}

TEST(ThreadPool, AJobMayUseFewerThreads) {
  ThreadPool pool(5);
  for (int job = 0; job < 3000; ++job) {
    std::vector<int> seen(5, 0);  // plain memory: a thread too many would race
    const int active = 1 + job * 7 % 5;
    pool.run(
        [](void* context, int thread) {
          ++(*static_cast<std::vector<int>*>(context))[static_cast<std::size_t>(thread)];
        },
        &seen, active);
    for (int i = 0; i < 5; ++i) ASSERT_EQ(seen[static_cast<std::size_t>(i)], i < active);
  }
}

TEST(ThreadChoice, GivesWayToOthersAndComesBack) {
  using std::chrono::milliseconds;
  constexpr milliseconds kStep(300);
  ThreadChoice choice(2);
  choice.learn(kStep, milliseconds(100));  // a third lost: two are still faster than one
  EXPECT_EQ(choice.threads(), 2);
  choice.learn(kStep, milliseconds(200));
  EXPECT_EQ(choice.threads(), 1);
  const auto steps_until_two = [&] {
    int steps = 0;
    for (; choice.threads() < 2; ++steps) choice.learn(kStep, {});
    return steps;
  };
  const int first = steps_until_two();
  choice.learn(kStep, milliseconds(200));  // still crowded: waits longer before it tries again
  EXPECT_GT(steps_until_two(), first);
  for (int i = 0; i < 100; ++i) choice.learn(kStep, {});
  choice.learn(kStep, milliseconds(200));
  EXPECT_EQ(steps_until_two(), first);  // forgiven
}

// A step of a small model ends before the scheduler has run all who want to: one that waited says
// nothing, many do.
TEST(ThreadChoice, JudgesManyShortStepsTogether) {
  using std::chrono::milliseconds;
  ThreadChoice choice(2);
  for (int step = 0; step < 1000; ++step) {
    choice.learn(milliseconds(3), milliseconds(step % 10 == 0 ? 3 : 0));
    ASSERT_EQ(choice.threads(), 2);
  }
  int steps = 0;
  for (; choice.threads() == 2; ++steps) choice.learn(milliseconds(3), milliseconds(2));
  EXPECT_LT(steps, 300);
}

TEST(ThreadChoice, ManyThreadsLoseLessByAWaitThanByOneThreadLess) {
  using std::chrono::milliseconds;
  ThreadChoice choice(8);
  choice.learn(milliseconds(800), milliseconds(7 * 70));  // 70 of 800 ms: less than a tenth
  EXPECT_EQ(choice.threads(), 8);
  choice.learn(milliseconds(800), milliseconds(7 * 90));
  EXPECT_EQ(choice.threads(), 6);
}

TEST(ThreadPool, TellsHowLongThreadsSleptAtBarriers) {
  ThreadPool pool(2);
  pool.take_slept();
  std::chrono::nanoseconds slept{};
  // The waiting one may itself be kept from running for as long; hardly every time.
  for (int i = 0; i < 100 && slept.count() == 0; ++i) {
    pool.run(
        [](void*, int thread) {
          if (thread == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        },
        nullptr);
    slept = pool.take_slept();
  }
  EXPECT_GT(slept.count(), 0);
  EXPECT_EQ(pool.take_slept().count(), 0);
}

TEST(ThreadPool, IdleThreadsUseNoTime) {
  ThreadPool pool(2);
  pool.run([](void*, int) {}, nullptr);
  const auto cpu_us = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // past the spinning
  const auto before = cpu_us();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(cpu_us() - before, 20'000);
}

}  // namespace
}  // namespace mneme

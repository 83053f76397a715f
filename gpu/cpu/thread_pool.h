// SPDX-License-Identifier: Apache-2.0
// The compute threads of the CPU backend. A job runs on all of them at once, the caller being
// thread 0; inside a job the threads wait at barriers and take work from shared counters.
// Waiting spins for some microseconds, then sleeps, so an idle pool costs nothing and a stolen core
// little.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/result.h"

namespace mneme {

class ThreadPool {
 public:
  using Job = void (*)(void* context, int thread);

  explicit ThreadPool(int threads);  // the caller counts as one of them
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // An error where the system gave fewer threads than that: nothing may be run then.
  const Status& started() const { return started_; }
  int threads() const { return threads_; }

  // Runs job(context, thread) on the first `active` threads and returns when all of them have
  // returned. One caller at a time.
  void run(Job job, void* context, int active);
  void run(Job job, void* context) { run(job, context, threads_); }

  // How long threads slept at barriers, where the wait outlasted the spinning: the sum over all
  // threads, since the last call.
  std::chrono::nanoseconds take_slept() {
    return std::chrono::nanoseconds(slept_ns_.exchange(0, std::memory_order_relaxed));
  }

  // Inside a job: waits until every active thread has come here. What any thread wrote before the
  // barrier is seen after it, and all pieces can be taken anew.
  void barrier();

  // Inside a job: one of `pieces` that no thread has taken since the last barrier, -1 when all are
  // taken. Every thread must name the same number of pieces between two barriers.
  std::int64_t take(int thread, std::int64_t pieces);

 private:
  void loop(int thread);
  // Returns how long it slept.
  static std::chrono::nanoseconds wait_while(const std::atomic<std::uint32_t>& value,
                                             std::uint32_t old, int spins);

  const int threads_;
  const int spins_;       // at a barrier; 0 when there are more threads than cores
  const int idle_spins_;  // between jobs
  // Written before start_, read after it, by threads that are active in that job.
  Job job_ = nullptr;
  void* context_ = nullptr;
  int active_ = 1;
  bool closing_ = false;
  // Number of jobs so far times kActiveRange, plus the active threads of the latest; run() and
  // loop().
  alignas(64) std::atomic<std::uint32_t> start_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};  // counts barriers; the last comer and the rest
  alignas(64) std::atomic<std::int32_t> arrived_{0};  // threads at this barrier
  struct alignas(64) Cursor {
    std::atomic<std::int64_t> taken{0};  // of a thread's pieces since the last barrier; any thread
  };
  std::atomic<std::int64_t> slept_ns_{0};  // any thread
  std::vector<Cursor> cursors_;            // [threads]
  Status started_;
  std::vector<std::thread> workers_;
};

}  // namespace mneme

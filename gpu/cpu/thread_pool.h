// SPDX-License-Identifier: Apache-2.0
// The compute threads of the CPU backend. A job runs on all of them at once, the caller being
// thread 0; inside a job the threads meet at barriers and take work from one shared counter.
// Waiting spins for some microseconds, then sleeps, so an idle pool costs nothing and a stolen core
// little.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "inference/base/result.h"

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

  // Waits at meetings that outlasted the spinning, since the last call.
  int take_long_waits() { return long_waits_.exchange(0, std::memory_order_relaxed); }

  // Inside a job: waits until every active thread has come here. What was written before is seen
  // after, and all pieces can be taken anew.
  void meet();

  // Inside a job: one of `pieces` that nobody has taken since the last meeting, -1 when all are
  // taken. Every thread must name the same number of pieces between two meetings.
  std::int64_t take(int thread, std::int64_t pieces);

 private:
  void loop(int thread);
  // Returns whether it had to sleep.
  static bool wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old, int spins);

  const int threads_;
  const int spins_;       // at a meeting; 0 when there are more threads than cores
  const int idle_spins_;  // between jobs
  // Written before start_, read after it, by threads that are active in that job.
  Job job_ = nullptr;
  void* context_ = nullptr;
  int active_ = 1;
  bool closing_ = false;
  // Number of jobs so far times kActiveRange, plus the active threads of the latest; run() and
  // loop().
  alignas(64) std::atomic<std::uint32_t> start_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};  // counts meetings; the last comer and the rest
  alignas(64) std::atomic<std::int32_t> arrived_{0};  // threads at this meeting
  struct alignas(64) Cursor {
    std::atomic<std::int64_t> taken{
        0};  // of one thread's stretch since the last meeting; any thread
  };
  std::atomic<int> long_waits_{0};  // any thread
  std::vector<Cursor> cursors_;     // [threads]
  Status started_;
  std::vector<std::thread> workers_;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/thread_pool.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"
#include "gpu/cpu/cpu_info.h"

namespace mneme {
namespace {

constexpr std::uint32_t kActiveRange = 1024;
constexpr int kSpins = 3000;  // 20 to 100 microseconds of pauses, longer than most waits
constexpr int kIdleSpins =
    20000;  // longer than sampling a token: waking a core costs more than that

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : threads_(threads),
      spins_(threads <= available_cpus() ? kSpins : 0),
      idle_spins_(threads <= available_cpus() ? kIdleSpins : 0),
      cursors_(static_cast<std::size_t>(threads)) {
  CHECK(threads >= 1 && threads < static_cast<int>(kActiveRange));
  for (int thread = 1; thread < threads; ++thread) {
    const std::string name = "compute" + std::to_string(thread);
    auto worker = start_thread(name.c_str(), [this, thread] { loop(thread); });
    if (!worker) {
      started_ = worker.error();
      return;
    }
    workers_.push_back(std::move(*worker));
  }
}

ThreadPool::~ThreadPool() {
  closing_ = true;
  start_.store((start_.load(std::memory_order_relaxed) / kActiveRange + 1) * kActiveRange +
               static_cast<std::uint32_t>(threads_));
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

std::chrono::nanoseconds ThreadPool::wait_while(const std::atomic<std::uint32_t>& value,
                                                std::uint32_t old, int spins) {
  for (int i = 0; i < spins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return {};
    pause_briefly();
  }
  const auto begin = std::chrono::steady_clock::now();
  value.wait(old, std::memory_order_acquire);
  return std::chrono::steady_clock::now() - begin;
}

void ThreadPool::run(Job job, void* context, int active) {
  CHECK(active >= 1 && active <= threads_);
  job_ = job;
  context_ = context;
  active_ = active;
  if (active > 1) {
    // Sequentially consistent: a sleeper is either seen by notify or sees this.
    const std::uint32_t jobs = start_.load(std::memory_order_relaxed) / kActiveRange + 1;
    start_.store(jobs * kActiveRange + static_cast<std::uint32_t>(active));
    start_.notify_all();
  }
  job(context, 0);
  barrier();
}

void ThreadPool::barrier() {
  const std::uint32_t phase = phase_.load(std::memory_order_relaxed);  // fixed until all are here
  const int active = active_;  // once this thread has arrived, the next job may change it
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < active) {
    if (const auto slept = wait_while(phase_, phase, spins_); slept.count() > 0) {
      slept_ns_.fetch_add(slept.count(), std::memory_order_relaxed);
    }
    return;
  }
  arrived_.store(0, std::memory_order_relaxed);
  for (int i = 0; i < active; ++i) {
    cursors_[static_cast<std::size_t>(i)].taken.store(0, std::memory_order_relaxed);
  }
  phase_.fetch_add(1);
  phase_.notify_all();
}

std::int64_t ThreadPool::take(int thread, std::int64_t pieces) {
  for (int i = 0; i < active_; ++i) {
    const int owner = thread + i < active_ ? thread + i : thread + i - active_;
    const std::int64_t begin = pieces * owner / active_;
    const std::int64_t size = pieces * (owner + 1) / active_ - begin;
    std::atomic<std::int64_t>& taken = cursors_[static_cast<std::size_t>(owner)].taken;
    if (taken.load(std::memory_order_relaxed) >= size) continue;
    const std::int64_t piece = taken.fetch_add(1, std::memory_order_relaxed);
    if (piece < size) return begin + piece;
  }
  return -1;
}

void ThreadPool::loop(int thread) {
  std::uint32_t seen = 0;
  for (;;) {
    wait_while(start_, seen, idle_spins_);
    // A job that this thread is active in does not end without it, so none of those is missed.
    seen = start_.load(std::memory_order_acquire);
    if (thread >= static_cast<int>(seen % kActiveRange)) continue;
    if (closing_) return;
    job_(context_, thread);
    barrier();
  }
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// A number that one thread changes and any thread reads: a counter without a lock or a locked bus.
// A thread that reads two counters in the opposite order of their writing never sees the one that
// is written second ahead of the first.
#pragma once

#include <atomic>

namespace mneme {

template <typename T>
class OneWriter {
 public:
  OneWriter() = default;
  explicit OneWriter(T value) : value_(value) {}
  OneWriter(const OneWriter& other) : value_(other.get()) {}
  OneWriter& operator=(const OneWriter&) = delete;

  T get() const { return value_.load(std::memory_order_acquire); }
  void set(T value) { value_.store(value, std::memory_order_release); }
  void add(T value) { set(value_.load(std::memory_order_relaxed) + value); }

 private:
  std::atomic<T> value_{};
};

}  // namespace mneme

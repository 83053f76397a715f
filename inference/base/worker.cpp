// SPDX-License-Identifier: Apache-2.0
#include "base/worker.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <semaphore>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"
#include "base/log.h"

namespace mneme {

Worker::Worker(std::string name, std::size_t queue_max)
    : name_(std::move(name)), queue_max_(queue_max), thread_([this] { loop(); }) {
  id_ = thread_.get_id();
  pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Worker::end(std::chrono::milliseconds at_most) {
  CHECK(!on_this_thread());
  {
    std::unique_lock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
    if (!changed_.wait_for(lock, at_most, [&] { return ended_; })) return false;
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

bool Worker::post(std::function<void()> command, std::string tag) {
  {
    std::unique_lock lock(mutex_);
    if (!tag.empty()) {
      const auto same = std::find_if(queue_.begin(), queue_.end(),
                                     [&](const Command& c) { return c.tag == tag; });
      if (same != queue_.end()) {
        same->run = std::move(command);
        return true;
      }
    }
    if (!on_this_thread()) {
      changed_.wait(lock, [&] { return ended_ || queue_.size() < queue_max_; });
    }
    if (ended_) return false;
    queue_.push_back(Command{std::move(command), std::move(tag)});
  }
  changed_.notify_all();
  return true;
}

void Worker::post_at(std::chrono::steady_clock::time_point due, std::function<void()> command) {
  {
    const std::lock_guard lock(mutex_);
    later_.push_back(Later{due, std::move(command)});
    queue_due(std::chrono::steady_clock::now());
  }
  changed_.notify_all();
}

void Worker::queue_due(std::chrono::steady_clock::time_point now) {
  const auto due = std::stable_partition(later_.begin(), later_.end(), [&](const Later& later) {
    return later.due > now && !closing_;
  });
  for (auto later = due; later != later_.end(); ++later) {
    queue_.push_back(Command{std::move(later->run), {}});
  }
  later_.erase(due, later_.end());
}

void Worker::run(std::function<void()> command) {
  CHECK(!on_this_thread());
  std::binary_semaphore done(0);
  std::exception_ptr thrown;
  const bool posted = post([&] {
    try {
      command();
    } catch (...) {
      thrown = std::current_exception();
    }
    done.release();
  });
  if (posted) done.acquire();
  if (thrown) std::rethrow_exception(thrown);  // as if it had run here
}

std::size_t Worker::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Worker::loop() {
  for (;;) {
    Command command;
    {
      std::unique_lock lock(mutex_);
      for (;;) {
        queue_due(std::chrono::steady_clock::now());
        if (closing_ || !queue_.empty()) break;
        if (later_.empty()) {
          changed_.wait(lock);
          continue;
        }
        const auto next =
            std::min_element(later_.begin(), later_.end(),
                             [](const Later& a, const Later& b) { return a.due < b.due; });
        changed_.wait_until(lock, std::chrono::steady_clock::time_point(next->due));
      }
      if (queue_.empty()) {
        ended_ = true;
        changed_.notify_all();
        return;
      }
      command = std::move(queue_.front());
      queue_.pop_front();
    }
    changed_.notify_all();
    const Status status = without_exceptions([&]() -> Status {
      command.run();
      return {};
    });
    if (!status)
      log_error("base", "a task of \"{}\" was given up: {}", name_, status.error().message);
  }
}

}  // namespace mneme

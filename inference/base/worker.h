// SPDX-License-Identifier: Apache-2.0
// A named thread that runs posted commands in order. The queue is bounded; a command posted with a
// tag replaces a waiting one of the same tag, so that "look at token 7" never piles up. The
// destructor finishes what is queued, without waiting for its time, and joins; end() does the same
// for whoever cannot wait for ever.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mneme {

class Worker {
 public:
  explicit Worker(std::string name, std::size_t queue_max = 256);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // From any thread. Waits while the queue is full (never from the worker itself: then it grows).
  // False: the thread has ended, and the command never runs.
  bool post(std::function<void()> command, std::string tag = {});

  // The same, but not before `due` and never waiting for room: for work that is delayed on purpose.
  void post_at(std::chrono::steady_clock::time_point due, std::function<void()> command);

  // Posts and waits until it was run, unless the thread has ended. Not from the worker itself.
  void run(std::function<void()> command);

  // Finishes what is queued and ends the thread. False: it has not ended within `at_most`, because
  // a command does not return; it still ends as soon as that one does, and this may be asked again.
  // One thread asks, not the worker itself.
  bool end(std::chrono::milliseconds at_most);

  bool on_this_thread() const { return std::this_thread::get_id() == id_; }
  std::size_t waiting() const;  // any thread

 private:
  struct Command {
    std::function<void()> run;
    std::string tag;
  };
  struct Later {
    std::chrono::steady_clock::time_point due;
    std::function<void()> run;
  };
  void loop();
  // Moves what is due from later_ to the queue.
  void queue_due(std::chrono::steady_clock::time_point now);

  const std::string name_;
  const std::size_t queue_max_;
  std::thread::id id_;  // also after the thread's end
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Command> queue_;
  std::vector<Later> later_;
  bool closing_ = false;
  bool ended_ = false;
  std::thread thread_;  // last: starts when the rest is ready
};

}  // namespace mneme

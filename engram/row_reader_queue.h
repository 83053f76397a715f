// SPDX-License-Identifier: Apache-2.0
// The bounded queue between the sender of reads and the reader's thread(s). Any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <span>

#include "engram/row_reader.h"

namespace mneme {

class ReadQueue {
 public:
  explicit ReadQueue(std::size_t max) : max_(max) {}

  // Takes what fits of the batch, waiting until at least one request does; or all of it, if the
  // queue may grow. A closed queue takes it and forgets it.
  struct Pushed {
    std::size_t taken = 0;
    std::size_t waiting = 0;  // in the queue now, these included
  };
  Pushed push(std::span<const ReadRequest> batch, WhenFull when_full);

  // Fills `out` from the front with what is there now; returns how many.
  std::size_t try_pop(std::span<ReadRequest> out);

  // Waits for one request; false once the queue was closed.
  bool pop(ReadRequest& out);

  // Drops what waits; every later pop fails.
  void close();
  bool closed() const;

 private:
  const std::size_t max_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::deque<ReadRequest> requests_;
  bool closed_ = false;
};

}  // namespace mneme

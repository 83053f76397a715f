// SPDX-License-Identifier: Apache-2.0
#include "engram/row_reader_queue.h"

#include <algorithm>

namespace mneme {

ReadQueue::Pushed ReadQueue::push(std::span<const ReadRequest> batch, WhenFull when_full) {
  Pushed pushed{.taken = batch.size()};
  {
    std::unique_lock lock(mutex_);
    if (when_full == WhenFull::wait) {
      not_full_.wait(lock, [&] { return requests_.size() < max_; });
      pushed.taken = std::min(batch.size(), max_ - requests_.size());
    }
    if (closed_) return pushed;
    requests_.insert(requests_.end(), batch.begin(),
                     batch.begin() + static_cast<std::ptrdiff_t>(pushed.taken));
    pushed.waiting = requests_.size();
  }
  if (pushed.taken == 1) {
    not_empty_.notify_one();
  } else {
    not_empty_.notify_all();
  }
  return pushed;
}

std::size_t ReadQueue::try_pop(std::span<ReadRequest> out) {
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    count = std::min(out.size(), requests_.size());
    const auto end = requests_.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(requests_.begin(), end, out.begin());
    requests_.erase(requests_.begin(), end);
  }
  if (count > 0) not_full_.notify_one();
  return count;
}

bool ReadQueue::pop(ReadRequest& out) {
  {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return closed_ || !requests_.empty(); });
    if (closed_) return false;
    out = requests_.front();
    requests_.pop_front();
  }
  not_full_.notify_one();
  return true;
}

void ReadQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    requests_.clear();
  }
  not_empty_.notify_all();
}

bool ReadQueue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace mneme

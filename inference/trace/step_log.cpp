// SPDX-License-Identifier: Apache-2.0
#include "inference/trace/step_log.h"

#include <algorithm>
#include <utility>

namespace mneme {

void StepLog::add(StepTimes step) {
  const std::lock_guard lock(mutex_);
  steps_.push_back(std::move(step));
  if (steps_.size() > kStepsMax) steps_.pop_front();
}

std::optional<StepTimes> StepLog::step_of(EventIndex event) const {
  const std::lock_guard lock(mutex_);
  const auto after =
      std::upper_bound(steps_.begin(), steps_.end(), event,
                       [](EventIndex index, const StepTimes& step) { return index < step.first; });
  if (after == steps_.begin()) return std::nullopt;
  const StepTimes& step = *std::prev(after);
  return event < step.end ? std::optional(step) : std::nullopt;
}

}  // namespace mneme

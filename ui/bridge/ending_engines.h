// SPDX-License-Identifier: Apache-2.0
// Engines that nobody uses any more. The end of one waits for what is at the drive, and a drive may
// take for ever: until it has answered, the engine stays here and nobody waits for it.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "inference/run/engine.h"

namespace mneme {

// Any thread. Its own end comes after end() said true, or the program's does.
class EndingEngines {
 public:
  void add(std::shared_ptr<Engine> engine);  // may be null

  // Ends each that has no read under way, on the calling thread; true: there is none left. Waits
  // `atMost` for the reads of the others, which stay.
  bool end(std::chrono::milliseconds atMost);

 private:
  std::mutex m_mutex;
  std::vector<std::shared_ptr<Engine>> m_engines;
};

}  // namespace mneme

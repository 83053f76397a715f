// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/ending_engines.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

namespace mneme {

void EndingEngines::add(std::shared_ptr<Engine> engine) {
  if (!engine) return;
  const std::lock_guard lock(m_mutex);
  m_engines.push_back(std::move(engine));
}

bool EndingEngines::end(std::chrono::milliseconds atMost) {
  const auto last = std::chrono::steady_clock::now() + atMost;
  for (;;) {
    std::vector<std::shared_ptr<Engine>> idle;  // ended without the lock: it takes a moment
    bool none = false;
    {
      const std::lock_guard lock(m_mutex);
      const auto waiting = [](const auto& engine) { return engine->tiers().in_flight > 0; };
      const auto first = std::stable_partition(m_engines.begin(), m_engines.end(), waiting);
      idle.assign(std::move_iterator(first), std::move_iterator(m_engines.end()));
      m_engines.erase(first, m_engines.end());
      none = m_engines.empty();
    }
    idle.clear();
    if (none || std::chrono::steady_clock::now() >= last) return none;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace mneme

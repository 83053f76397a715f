// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/jobs.h"

namespace mneme {
namespace {

constexpr int kThreadsMax = 8;  // more than kinds of work: one that is stuck leaves room for others

}  // namespace

Jobs::Jobs(QObject* parent) : QObject(parent) {
  m_pool.setMaxThreadCount(kThreadsMax);
}

Jobs::~Jobs() {
  end(std::chrono::milliseconds(0));
}

std::shared_ptr<Jobs::Stop> Jobs::claim(QObject* receiver, const Key& key) {
  connect(receiver, &QObject::destroyed, this, &Jobs::forget, Qt::UniqueConnection);
  Lane& lane = m_lanes[key];
  drop(lane);
  lane.newest = std::make_shared<Stop>(false);
  return lane.newest;
}

void Jobs::run(const Key& key, std::shared_ptr<Stop> stop, std::function<void()> task) {
  Lane& lane = m_lanes[key];
  auto begin = [this, key, stop = std::move(stop), task = std::move(task)] {
    m_lanes[key].running = stop;
    m_pool.start(task);
  };
  if (lane.running) {
    lane.waiting = std::move(begin);
  } else {
    begin();
  }
}

bool Jobs::ended(const Key& key, const std::shared_ptr<Stop>& stop) {
  const auto found = m_lanes.find(key);
  if (found == m_lanes.end()) return false;
  Lane& lane = found->second;
  const bool wanted = lane.newest == stop;
  if (wanted) lane.newest.reset();
  if (lane.running == stop) {
    lane.running.reset();
    if (const auto next = std::exchange(lane.waiting, nullptr)) next();
  }
  if (!lane.newest && !lane.running) m_lanes.erase(found);
  return wanted;
}

void Jobs::drop(Lane& lane) {
  if (lane.newest) *lane.newest = true;
  lane.newest.reset();
  lane.waiting = nullptr;
}

void Jobs::cancel(QObject* receiver, const char* name) {
  const auto found = m_lanes.find({receiver, name});
  if (found == m_lanes.end()) return;
  drop(found->second);
  if (!found->second.running) m_lanes.erase(found);
}

void Jobs::forget(QObject* receiver) {
  for (auto lane = m_lanes.lower_bound({receiver, {}});
       lane != m_lanes.end() && lane->first.first == receiver;) {
    drop(lane->second);
    lane = m_lanes.erase(lane);
  }
}

bool Jobs::busy(QObject* receiver, const char* name) const {
  const auto found = m_lanes.find({receiver, name});
  return found != m_lanes.end() && found->second.newest != nullptr;
}

bool Jobs::end(std::chrono::milliseconds atMost) {
  for (auto& [key, lane] : m_lanes) drop(lane);
  m_pool.clear();
  return m_pool.waitForDone(static_cast<int>(atMost.count()));
}

}  // namespace mneme

#include "moc_jobs.cpp"

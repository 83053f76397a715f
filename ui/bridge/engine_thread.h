// SPDX-License-Identifier: Apache-2.0
// A model's engine and the thread that it lives on: it is opened, used and destroyed there, in the
// order of the commands. What it waits for, a drive that does not answer, holds up nobody else. UI
// thread; only the destructor and ended() wait.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/worker.h"
#include "inference/run/engine.h"

namespace mneme {

class EngineThread {
 public:
  EngineThread() : m_worker("engine") {}
  ~EngineThread() { close({}); }

  // Runs there. The engine is null until a command opens it, and after close().
  using Command = std::function<void(std::unique_ptr<Engine>& engine)>;
  void post(Command command, std::string tag = {}) {
    m_worker.post([this, command = std::move(command)] { command(m_engine); }, std::move(tag));
  }

  // The engine ends when the commands before have; then `closed` is called there.
  void close(std::function<void()> closed) {
    m_worker.post([this, closed = std::move(closed)] {
      m_engine.reset();
      if (closed) closed();
    });
  }

  // After close(): whether all of that has happened by then.
  bool ended(std::chrono::milliseconds atMost) { return m_worker.end(atMost); }

 private:
  std::unique_ptr<Engine> m_engine;  // the thread's own
  Worker m_worker;                   // last: joins before the rest goes
};

}  // namespace mneme

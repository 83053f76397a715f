// SPDX-License-Identifier: Apache-2.0
// The work that the window has done beside it: estimates, counts, indexes, pictures. The newest
// question of a kind wins; its answer comes home to the UI thread, unless who asked is gone. A job
// that never returns holds up neither the others nor the window. UI thread outside of the jobs.
#pragma once

#include <QCoreApplication>
#include <QObject>
#include <QPointer>
#include <QThreadPool>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/exceptions.h"
#include "base/log.h"

namespace mneme {

class Jobs : public QObject {
  Q_OBJECT

 public:
  using Stop = std::atomic<bool>;  // set: nobody wants the result any more

  explicit Jobs(QObject* parent = nullptr);
  ~Jobs() override;  // stops them all and waits; end() before says whether that takes long

  // Runs `work(stop)` on another thread, then `done` with what it returned on this one. A job of
  // the same receiver and name that has not come home is overtaken: it never does, and if it runs,
  // it is told to stop, and the new one begins when it has ended. What `work` throws becomes its
  // result where that can be an Error, else it is logged.
  template <class Work, class Done>
  void start(QObject* receiver, const char* name, Work work, Done done);

  // The same for work that another thread does, say the store's: that thread calls what is returned
  // with the result.
  template <class Done>
  auto expect(QObject* receiver, const char* name, Done done);

  void cancel(QObject* receiver, const char* name);
  bool busy(QObject* receiver, const char* name) const;  // its result is still to come

  // Tells all to stop. False: some still run after that time.
  bool end(std::chrono::milliseconds atMost);

 private:
  using Key = std::pair<const QObject*, std::string>;
  struct Lane {
    std::shared_ptr<Stop> newest;   // whose result is awaited; null = none
    std::shared_ptr<Stop> running;  // on a thread of the pool; null = none
    std::function<void()> waiting;  // the newest, until what runs has ended
  };

  std::shared_ptr<Stop> claim(QObject* receiver, const Key& key);
  void run(const Key& key, std::shared_ptr<Stop> stop, std::function<void()> task);
  bool ended(const Key& key, const std::shared_ptr<Stop>& stop);  // true: its result is wanted
  void drop(Lane& lane);
  void forget(QObject* receiver);

  std::map<Key, Lane> m_lanes;
  QThreadPool m_pool;
};

// ---- implementation ----------------------------------------------------------------------------

template <class Work, class Done>
void Jobs::start(QObject* receiver, const char* name, Work work, Done done) {
  using Value = std::decay_t<std::invoke_result_t<Work, const Stop&>>;
  const Key key{receiver, name};
  const auto stop = claim(receiver, key);
  run(key, stop,
      [guard = QPointer<Jobs>(this), key, stop, work = std::move(work),
       done = std::move(done)]() mutable {
        std::optional<Value> value;
        if (!*stop) {
          const Status status = without_exceptions([&]() -> Status {
            value.emplace(work(*stop));
            return {};
          });
          if (!status) {
            if constexpr (std::is_constructible_v<Value, Error>) {
              value.emplace(status.error());
            } else {
              log_error("ui", "\"{}\" was given up: {}", key.second, status.error().message);
            }
          }
        }
        QMetaObject::invokeMethod(
            qApp,
            [guard, key, stop, value = std::move(value), done = std::move(done)]() mutable {
              if (guard && guard->ended(key, stop) && value) done(std::move(*value));
            },
            Qt::QueuedConnection);
      });
}

template <class Done>
auto Jobs::expect(QObject* receiver, const char* name, Done done) {
  const Key key{receiver, name};
  const auto stop = claim(receiver, key);
  return [guard = QPointer<Jobs>(this), key, stop, done = std::move(done)](auto value) {
    QMetaObject::invokeMethod(
        qApp,
        [guard, key, stop, done, value = std::move(value)]() mutable {
          if (guard && guard->ended(key, stop)) done(std::move(value));
        },
        Qt::QueuedConnection);
  };
}

}  // namespace mneme

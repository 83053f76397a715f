// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/jobs.h"

#include <QThread>
#include <QtTest>
#include <new>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/ui/ui_test.h"

using namespace mneme;
using namespace std::chrono_literals;

class JobsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void workIsDoneElsewhereAndItsResultComesHome() {
    Jobs jobs;
    QThread* worked = nullptr;
    QThread* came = nullptr;
    int result = 0;
    jobs.start(
        this, "sum",
        [&worked](const Jobs::Stop& stop) {
          worked = QThread::currentThread();
          return stop ? 0 : 42;
        },
        [&](int value) {
          came = QThread::currentThread();
          result = value;
        });
    QVERIFY(jobs.busy(this, "sum"));
    QTRY_COMPARE(result, 42);
    QVERIFY(!jobs.busy(this, "sum"));
    QCOMPARE(came, thread());
    QVERIFY(worked != came);
  }

  void theNewestOfAKindWinsAndStopsTheOneThatRuns() {
    Jobs jobs;
    std::binary_semaphore runs(0);
    std::vector<int> results;
    bool stopped = false;
    int ran = 0;
    const auto note = [&](int value) { results.push_back(value); };
    jobs.start(
        this, "look",
        [&](const Jobs::Stop& stop) {
          runs.release();
          while (!stop) std::this_thread::yield();
          stopped = true;
          return 1;
        },
        note);
    runs.acquire();
    for (int i = 2; i < 10; ++i) {
      jobs.start(
          this, "look",
          [&ran, i](const Jobs::Stop&) {
            ++ran;
            return i;
          },
          note);
    }
    QTRY_COMPARE(results, std::vector<int>{9});
    QVERIFY(stopped);
    QCOMPARE(ran, 1);  // those between never began
  }

  void kindsAndReceiversDoNotDisturbEachOther() {
    Jobs jobs;
    QObject other;
    std::vector<int> results;
    const auto add = [&](QObject* receiver, const char* name, int value) {
      jobs.start(
          receiver, name, [value](const Jobs::Stop&) { return value; },
          [&](int result) { results.push_back(result); });
    };
    add(this, "a", 1);
    add(this, "b", 2);
    add(&other, "a", 3);
    QTRY_COMPARE(results.size(), std::size_t{3});
  }

  void nothingComesToAReceiverThatIsGone() {
    Jobs jobs;
    std::binary_semaphore runs(0);
    bool came = false;
    bool stopped = false;
    auto receiver = std::make_unique<QObject>();
    jobs.start(
        receiver.get(), "look",
        [&](const Jobs::Stop& stop) {
          runs.release();
          while (!stop) std::this_thread::yield();
          stopped = true;
          return 1;
        },
        [&](int) { came = true; });
    runs.acquire();
    receiver.reset();
    QVERIFY(jobs.end(60s));
    QVERIFY(stopped);
    QCoreApplication::processEvents();
    QVERIFY(!came);
  }

  // The result may be on its way when nobody wants it any more.
  void nothingComesAfterCancel() {
    Jobs jobs;
    std::binary_semaphore ran(0);
    bool came = false;
    jobs.start(
        this, "look",
        [&](const Jobs::Stop&) {
          ran.release();
          return 1;
        },
        [&](int) { came = true; });
    ran.acquire();
    jobs.cancel(this, "look");
    QVERIFY(!jobs.busy(this, "look"));
    QVERIFY(jobs.end(60s));
    QCoreApplication::processEvents();
    QVERIFY(!came);
  }

  void aJobThatNeverReturnsHoldsUpNobody() {
    std::binary_semaphore drive(0);
    {
      Jobs jobs;
      int result = 0;
      jobs.start(
          this, "stuck",
          [&](const Jobs::Stop&) {
            drive.acquire();
            return 1;
          },
          [](int) {});
      jobs.start(
          this, "other", [](const Jobs::Stop&) { return 2; }, [&](int value) { result = value; });
      QTRY_COMPARE(result, 2);
      QVERIFY(!jobs.end(10ms));
      drive.release();
      QVERIFY(jobs.end(60s));
    }
  }

  void workThatThrowsIsAnErrorOrNothing() {
    Jobs jobs;
    std::optional<Result<int>> result;
    bool came = false;
    jobs.start(
        this, "with a result", [](const Jobs::Stop&) -> Result<int> { throw std::bad_alloc(); },
        [&](const Result<int>& value) { result = value; });
    jobs.start(
        this, "without", [](const Jobs::Stop&) -> int { throw std::bad_alloc(); },
        [&](int) { came = true; });
    QTRY_VERIFY(result && !jobs.busy(this, "without"));
    QVERIFY(!*result);
    QCOMPARE(result->error().code, ErrorCode::out_of_memory);
    QVERIFY(!came);
  }

  void workOfAnotherThreadIsOvertakenToo() {
    Jobs jobs;
    std::vector<int> results;
    const auto first = jobs.expect(this, "ask", [&](int value) { results.push_back(value); });
    const auto second = jobs.expect(this, "ask", [&](int value) { results.push_back(value); });
    std::thread other([&] {
      second(2);
      first(1);
    });
    other.join();
    QTRY_COMPARE(results, std::vector<int>{2});
    QCoreApplication::processEvents();
    QCOMPARE(results.size(), std::size_t{1});
  }
};

UI_TEST(JobsTest)
#include "jobs_test.moc"

// SPDX-License-Identifier: Apache-2.0
#include <QFile>
#include <QLocalServer>
#include <QLocalSocket>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QThread>
#include <QtTest>
#include <chrono>
#include <memory>

#include "app/single_instance.h"
#include "tests/ui/ui_test.h"

using namespace mneme;

constexpr auto kPatience = std::chrono::seconds(60);

class FrontDoorTest : public QObject {
  Q_OBJECT

 private:
  // As another program does, while this one answers.
  static SingleInstance::Other notify(const QString& folder, const QString& model = {}) {
    SingleInstance::Other other = SingleInstance::Other::none;
    const std::unique_ptr<QThread> thread(
        QThread::create([&] { other = SingleInstance(folder).notify(kPatience, model); }));
    thread->start();
    while (!thread->wait(10)) QCoreApplication::processEvents();
    return other;
  }

 private Q_SLOTS:
  void aSecondStartRaisesTheFirst() {
    const QTemporaryDir folder;
    SingleInstance first(folder.path());
    QCOMPARE(first.notify(kPatience), SingleInstance::Other::none);
    first.listen();
    QSignalSpy notified(&first, &SingleInstance::notified);
    QCOMPARE(notify(folder.path()), SingleInstance::Other::answered);
    QTRY_COMPARE(notified.count(), 1);
    QCOMPARE(notified.first().first().toString(), QString());
  }

  void aSecondStartSaysWhichModelToOpen() {
    const QTemporaryDir folder;
    SingleInstance first(folder.path());
    first.listen();
    QSignalSpy notified(&first, &SingleInstance::notified);
    const QString model = QStringLiteral("/a folder/ein Modell \n mit Umbruch é.gguf");
    QCOMPARE(notify(folder.path(), model), SingleInstance::Other::answered);
    QTRY_COMPARE(notified.count(), 1);
    QCOMPARE(notified.first().first().toString(), model);
  }

  void aFirstThatHangsIsTold() {
    const QTemporaryDir folder;
    SingleInstance first(folder.path());
    first.listen();
    SingleInstance second(folder.path());  // in the thread that would have to answer
    QCOMPARE(second.notify(std::chrono::milliseconds(50)), SingleInstance::Other::silent);
    QCOMPARE(second.process(), QCoreApplication::applicationPid());
  }

  void aFirstThatEndsInsteadOfAnsweringLeavesItsPlace() {
    const QTemporaryDir folder;
    QLocalServer ending;
    QVERIFY(ending.listen(folder.filePath(QStringLiteral("mneme.sock"))));
    connect(&ending, &QLocalServer::newConnection, &ending,
            [&] { ending.nextPendingConnection()->abort(); });
    QCOMPARE(notify(folder.path()), SingleInstance::Other::none);
  }

  void whatAKilledProgramLeftIsReplaced() {
    const QTemporaryDir folder;
    QFile left(folder.filePath(QStringLiteral("mneme.sock")));
    QVERIFY(left.open(QIODevice::WriteOnly));
    left.close();
    SingleInstance first(folder.path());
    QCOMPARE(first.notify(kPatience), SingleInstance::Other::none);
    first.listen();
    QCOMPARE(notify(folder.path()), SingleInstance::Other::answered);
  }
};

UI_TEST(FrontDoorTest)
#include "front_door_test.moc"

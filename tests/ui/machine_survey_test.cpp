// SPDX-License-Identifier: Apache-2.0
// What is asked about the machine: once a run, by processes that may fail.
#include "ui/bridge/machine_survey.h"

#include <QtTest>
#include <atomic>
#include <fstream>

#include "tests/support/temporary_folder.h"
#include "tests/ui/ui_test.h"
#include "ui/bridge/machine_child.h"

using namespace mneme;
using Step = MachineSurvey::Step;

class MachineSurveyTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    m_asked.clear();
    m_survey = std::make_unique<MachineSurvey>(m_jobs, sources());
  }

  void eachThingIsMeasuredOnceAndAgainWhenAsked() {
    QCOMPARE(m_survey->speed().ram_gb_s, 0.0);
    m_survey->goOn();
    QTRY_COMPARE(m_survey->now(), Step::none);
    QCOMPARE(m_survey->speed().ram_gb_s, 58.0);
    QCOMPARE(m_survey->speed().gpu_gb_s, 480.0);
    QCOMPARE(asked(), (QList<int>{1, 1, 1, 1, 1}));
    m_survey->goOn();
    QTRY_COMPARE(m_survey->now(), Step::none);
    QCOMPARE(asked(), (QList<int>{2, 1, 1, 1, 1}));  // what is free is always as it is now
    m_survey->measureAgain();
    QTRY_COMPARE(m_survey->now(), Step::none);
    QCOMPARE(asked(), (QList<int>{3, 2, 2, 2, 2}));
  }

  void whatWasStoppedIsMeasuredAtTheNextTime() {
    m_hold = true;
    m_survey->goOn();
    QTRY_COMPARE(m_asked.drive.load(), 1);
    m_survey->pause();
    QCOMPARE(m_survey->now(), Step::none);
    QVERIFY(!m_survey->drive());
    m_hold = false;
    m_survey->goOn();
    QTRY_VERIFY(m_survey->drive() && m_survey->now() == Step::none);
    QCOMPARE(asked(), (QList<int>{2, 1, 1, 1, 2}));
  }

  void aQuestionThatFailsLeavesTheOthers() {
    StartSources failing = sources();
    failing.gpus = [](const Jobs::Stop&) { return Error{ErrorCode::device, "a driver crashed"}; };
    MachineSurvey survey(m_jobs, failing);
    survey.goOn();
    QTRY_VERIFY(survey.drive() && survey.now() == Step::none);
    QCOMPARE(QString::fromStdString(survey.gpus()->error().message),
             QStringLiteral("a driver crashed"));
    QVERIFY(!survey.gpuSpeed());
    QCOMPARE(survey.speed().ram_gb_s, 58.0);
  }

  // By this very program, as the window's does.
  void aProcessOfItsOwnAnswers() {
    const Jobs::Stop stop = false;
    const auto devices = MachineChild().devices(stop);
    QVERIFY2(devices, devices ? "" : devices.error().message.c_str());
    QCOMPARE(QString::fromStdString(devices->front().id), QStringLiteral("cpu"));
    QVERIFY(devices->front().total_bytes > 0);
    const auto ram = MachineChild().ramSpeed(stop);
    QVERIFY2(ram && *ram > 0, ram ? "" : ram.error().message.c_str());
    const auto none = MachineChild().deviceSpeed("vulkan:99", stop);
    QVERIFY(!none && !none.error().message.empty());
  }

  void whatAProcessDoesInsteadOfAnsweringIsSaid_data() {
    QTest::addColumn<QByteArray>("script");
    QTest::addColumn<QString>("words");
    QTest::newRow("a driver crashes")
        << QByteArray("kill -SEGV $$") << QStringLiteral("ended by signal 11 (Segmentation fault)");
    QTest::newRow("killed for memory")
        << QByteArray("kill -KILL $$") << QStringLiteral("ended by signal 9 (Killed)");
    QTest::newRow("a driver ends the program")
        << QByteArray("exit 3") << QStringLiteral("ended with exit code 3");
    QTest::newRow("no answer") << QByteArray("exit 0") << QStringLiteral("the answer \"\" is none");
    QTest::newRow("half an answer")
        << QByteArray("echo '{\"devices\": [{\"id\"'") << QStringLiteral("is none");
    QTest::newRow("another answer")
        << QByteArray("echo '{\"devices\": [7]}'") << QStringLiteral("is none");
    QTest::newRow("hangs") << QByteArray("exec sleep 60") << QStringLiteral("no answer came");
  }
  void whatAProcessDoesInsteadOfAnsweringIsSaid() {
    QFETCH(QByteArray, script);
    QFETCH(QString, words);
    MachineChild child{.program = program(script)};
    if (words.startsWith(QStringLiteral("no answer")))
      child.longest = std::chrono::milliseconds(80);
    const auto devices = child.devices(false);
    QVERIFY(!devices);
    const QString message = QString::fromStdString(devices.error().message);
    QVERIFY2(message.contains(words), qPrintable(message));
  }

  void aProgramThatIsNotThereIsSaid() {
    const auto devices = MachineChild{.program = QStringLiteral("/nowhere/mneme")}.devices(false);
    QVERIFY(!devices);
    QVERIFY(QString::fromStdString(devices.error().message)
                .contains(QStringLiteral("could not be started")));
  }

  void nobodyWaitsForAProcessThatIsNotWanted() {
    const auto devices = MachineChild{.program = program("exec sleep 60")}.devices(/*stop=*/true);
    QCOMPARE(devices.error().code, ErrorCode::cancelled);
  }

 private:
  struct Asked {
    std::atomic<int> facts = 0, gpus = 0, ram = 0, gpu = 0, drive = 0;
    void clear() { facts = gpus = ram = gpu = drive = 0; }
  };
  QList<int> asked() const {
    return {m_asked.facts, m_asked.gpus, m_asked.ram, m_asked.gpu, m_asked.drive};
  }
  StartSources sources() {
    return {.facts =
                [this] {
                  ++m_asked.facts;
                  return MachineFacts();
                },
            .gpus = [this](const Jobs::Stop&) -> Result<std::vector<DeviceInfo>> {
              ++m_asked.gpus;
              return std::vector{DeviceInfo{.id = "vulkan:0", .free_bytes = 7, .automatic = true}};
            },
            .ramSpeed = [this](const Jobs::Stop&) -> Result<double> {
              ++m_asked.ram;
              return 58.0;
            },
            .gpuSpeed = [this](const std::string&, const Jobs::Stop&) -> Result<double> {
              ++m_asked.gpu;
              return 480.0;
            },
            .drive = [this](const Jobs::Stop& stop) -> Result<DriveSpeed> {
              ++m_asked.drive;
              while (m_hold && !stop) QThread::msleep(1);
              return DriveSpeed();
            },
            .models = {}};
  }
  QString program(const QByteArray& script) {
    const std::string path = m_folder.file("program");
    std::ofstream(path) << "#!/bin/sh\n" << script.toStdString() << "\n";
    QFile::setPermissions(QString::fromStdString(path),
                          QFile::ReadOwner | QFile::ExeOwner | QFile::WriteOwner);
    return QString::fromStdString(path);
  }

  TemporaryFolder m_folder;
  Asked m_asked;
  std::atomic<bool> m_hold = false;
  Jobs m_jobs;
  std::unique_ptr<MachineSurvey> m_survey;
};

UI_TEST(MachineSurveyTest)
#include "machine_survey_test.moc"

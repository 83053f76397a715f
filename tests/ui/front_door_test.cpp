// SPDX-License-Identifier: Apache-2.0
#include <QFile>
#include <QLocalServer>
#include <QLocalSocket>
#include <QSettings>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QThread>
#include <QtTest>
#include <chrono>
#include <cmath>
#include <memory>

#include "app/config_file.h"
#include "app/single_instance.h"
#include "tests/ui/ui_test.h"

using namespace mneme;

constexpr auto kPatience = std::chrono::seconds(60);

class FrontDoorTest : public QObject {
  Q_OBJECT

 private:
  // As another program does, while this one answers.
  static SingleInstance::Other knock(const QString& folder) {
    SingleInstance::Other other = SingleInstance::Other::none;
    const std::unique_ptr<QThread> thread(
        QThread::create([&] { other = SingleInstance(folder).knock(kPatience); }));
    thread->start();
    while (!thread->wait(10)) QCoreApplication::processEvents();
    return other;
  }

  static void write(const QString& file, const Config& config) {
    SettingsFile settings(file);
    writeConfig(settings, config);
  }

 private Q_SLOTS:
  void settingsComeBackAsTheyWere() {
    const QTemporaryDir folder;
    const QString file = folder.filePath(QStringLiteral("deep/mneme.ini"));
    Config config;
    config.model = "/a b/ü.gguf";
    config.memory = "off";
    config.context = 4096;
    config.device = "vulkan:1";
    config.threads = 3;
    config.ram_budget_mib = 64;
    config.record_log_gib = 12;
    config.exact = true;
    config.theme = "dark";
    config.zoom = 1.25;
    config.open_at_start = false;
    config.chat.system_prompt = "Be brief,\nplease = yes; \"ok\"";
    config.chat.sampling.temperature = 0.25F;
    config.chat.sampling.top_k = 7;
    config.chat.max_tokens = 99;
    config.chat.memory_on = false;
    write(file, config);
    const Config read = readConfig(SettingsFile(file));
    QCOMPARE(read.model, config.model);
    QCOMPARE(read.memory, config.memory);
    QCOMPARE(read.context, config.context);
    QCOMPARE(read.device, config.device);
    QCOMPARE(read.threads, config.threads);
    QCOMPARE(read.ram_budget_mib, config.ram_budget_mib);
    QCOMPARE(read.record_log_gib, config.record_log_gib);
    QCOMPARE(read.exact, config.exact);
    QCOMPARE(read.theme, config.theme);
    QCOMPARE(read.zoom, config.zoom);
    QCOMPARE(read.open_at_start, config.open_at_start);
    QCOMPARE(read.chat.system_prompt, config.chat.system_prompt);
    QVERIFY(read.chat.sampling == config.chat.sampling);
    QCOMPARE(read.chat.max_tokens, config.chat.max_tokens);
    QCOMPARE(read.chat.memory_on, config.chat.memory_on);
  }

  void aMissingFileMeansDefaults() {
    const Config read = readConfig(SettingsFile(QStringLiteral("/nowhere/at/all.ini")));
    QCOMPARE(read.theme, std::string("system"));
    QCOMPARE(read.zoom, 1.0);
    QVERIFY(read.chat.sampling == SamplerOptions{});
  }

  void nonsenseIsBroughtIntoRange() {
    const QTemporaryDir folder;
    const QString file = folder.filePath(QStringLiteral("mneme.ini"));
    {
      QSettings settings(file, QSettings::IniFormat);
      settings.setValue(QStringLiteral("model/threads"), 100000);
      settings.setValue(QStringLiteral("model/context"), QStringLiteral("many"));
      settings.setValue(QStringLiteral("window/zoom"), QStringLiteral("nan"));
      settings.setValue(QStringLiteral("window/theme"), QStringLiteral("pink"));
      settings.setValue(QStringLiteral("new_chats/top_p"), -4);
    }
    const Config read = readConfig(SettingsFile(file));
    QCOMPARE(read.threads, std::int64_t{256});
    QCOMPARE(read.context, std::int64_t{0});
    QCOMPARE(read.zoom, 1.0);
    QCOMPARE(read.theme, std::string("system"));
    QCOMPARE(read.chat.sampling.top_p, static_cast<float>(sampler_fields::kTopP.least));
  }

  void aSecondStartRaisesTheFirst() {
    const QTemporaryDir folder;
    SingleInstance first(folder.path());
    QCOMPARE(first.knock(kPatience), SingleInstance::Other::none);
    first.listen();
    QSignalSpy knocked(&first, &SingleInstance::knocked);
    QCOMPARE(knock(folder.path()), SingleInstance::Other::answered);
    QTRY_COMPARE(knocked.count(), 1);
  }

  void aFirstThatHangsIsTold() {
    const QTemporaryDir folder;
    SingleInstance first(folder.path());
    first.listen();
    SingleInstance second(folder.path());  // in the thread that would have to answer
    QCOMPARE(second.knock(std::chrono::milliseconds(50)), SingleInstance::Other::silent);
    QCOMPARE(second.process(), QCoreApplication::applicationPid());
  }

  void aFirstThatEndsInsteadOfAnsweringLeavesItsPlace() {
    const QTemporaryDir folder;
    QLocalServer ending;
    QVERIFY(ending.listen(folder.filePath(QStringLiteral("mneme.sock"))));
    connect(&ending, &QLocalServer::newConnection, &ending,
            [&] { ending.nextPendingConnection()->abort(); });
    QCOMPARE(knock(folder.path()), SingleInstance::Other::none);
  }

  void whatAKilledProgramLeftIsReplaced() {
    const QTemporaryDir folder;
    QFile left(folder.filePath(QStringLiteral("mneme.sock")));
    QVERIFY(left.open(QIODevice::WriteOnly));
    left.close();
    SingleInstance first(folder.path());
    QCOMPARE(first.knock(kPatience), SingleInstance::Other::none);
    first.listen();
    QCOMPARE(knock(folder.path()), SingleInstance::Other::answered);
  }

  void settingsAreForTheirOwnerOnly() {
    const QTemporaryDir folder;
    const QString file = folder.filePath(QStringLiteral("deep/mneme.ini"));
    const auto others = QFile::ReadGroup | QFile::WriteGroup | QFile::ReadOther | QFile::WriteOther;
    Config config;
    config.chat.system_prompt = "private";
    write(file, config);
    QCOMPARE(QFile::permissions(file) & others, QFile::Permissions());
    QVERIFY(QFile::setPermissions(file, QFile::permissions(file) | QFile::ReadOther));
    config.theme = "dark";
    write(file, config);
    QCOMPARE(QFile::permissions(file) & others, QFile::Permissions());
    QCOMPARE(readConfig(SettingsFile(file)).chat.system_prompt, config.chat.system_prompt);
  }
};

UI_TEST(FrontDoorTest)
#include "front_door_test.moc"

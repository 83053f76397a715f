// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/settings_file.h"

#include <QDir>
#include <QFile>
#include <QSettings>
#include <QtTest>

#include "tests/support/refused_writes.h"
#include "tests/support/temporary_folder.h"
#include "tests/ui/ui_test.h"
#include "ui/bridge/app_settings.h"

using namespace mneme;

class SettingsFileTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    m_folder = std::make_unique<TemporaryFolder>();
    m_path = QString::fromStdString(m_folder->file("deep/settings.ini"));
  }

  void whatIsSetCountsAtOnceAndIsWrittenByAnotherThread() {
    SettingsFile settings(m_path);
    QCOMPARE(settings.value(key(), 7).toInt(), 7);
    settings.setValue(key(), 8);
    QCOMPARE(settings.value(key(), 7).toInt(), 8);
    QVERIFY(settings.contains(key()));
    QVERIFY2(!QFile::exists(m_path), "the caller does not write");
    // Without a turn of this thread's event loop.
    for (int i = 0; i < 200 && stored() != 8; ++i) QThread::msleep(50);
    QCOMPARE(stored(), 8);
  }

  void theLastChangeIsOnDiskAtTheEnd() {
    {
      SettingsFile settings(m_path);
      for (int i = 0; i <= 300; ++i) settings.setValue(key(), i);
    }
    QCOMPARE(stored(), 300);
    SettingsFile again(m_path);
    QCOMPARE(again.value(key()).toInt(), 300);
  }

  // An older program's, without a version, is version 1.
  void anOlderFileIsReadAndGetsItsVersion() {
    write("[window]\nzoom=1.5\n");
    {
      SettingsFile settings(m_path);
      QCOMPARE(settings.problem(), QString());
      QCOMPARE(settings.value(QStringLiteral("window/zoom")).toDouble(), 1.5);
      settings.setValue(key(), 3);
    }
    QCOMPARE(QSettings(m_path, QSettings::IniFormat).value(QStringLiteral("file/version")), 1);
    const SettingsFile again(m_path);
    QCOMPARE(again.problem(), QString());
    QCOMPARE(again.value(QStringLiteral("window/zoom")).toDouble(), 1.5);
    QCOMPARE(again.value(key()).toInt(), 3);
  }

  void aNewerFileIsNeitherUsedNorTouched() {
    const QByteArray newer = "[file]\nversion=2\n\n[window]\nzoom=1.5\n\n[new]\nmeaning=another\n";
    write(newer);
    {
      SettingsFile settings(m_path);
      QVERIFY2(settings.problem().contains(m_path) &&
                   settings.problem().contains(QStringLiteral("newer Mneme (its version is 2")),
               qPrintable(settings.problem()));
      QVERIFY(!settings.contains(QStringLiteral("window/zoom")));
      AppSettings app(settings);
      QVERIFY(app.problems().contains(settings.problem()));
      app.set("window/zoom", SettingValue(1.25));
      QCOMPARE(settings.value(QStringLiteral("window/zoom")).toDouble(), 1.25);  // for this run
      settings.setValue(key(), 3);
      QVERIFY(settings.end(std::chrono::seconds(30)));
    }
    QFile file(m_path);
    QVERIFY(file.open(QIODevice::ReadOnly));
    QCOMPARE(file.readAll(), newer);
    QCOMPARE(QDir(QFileInfo(m_path).path()).entryList(QDir::Files).size(), 1);
  }

  // Nor is what was set before a change that could be written.
  void aFullDiskTakesNothingAway() {
    RefusedWrites full;
    {
      SettingsFile settings(m_path);
      full.begin();
      settings.setValue(key(), 1);
      settings.setValue(QStringLiteral("window/zoom"), 1.5);
      QTest::qWait(600);  // it was tried
      full.end();
      settings.setValue(key(), 2);
    }
    QCOMPARE(stored(), 2);
    QCOMPARE(SettingsFile(m_path).value(QStringLiteral("window/zoom")).toDouble(), 1.5);
  }

 private:
  static QString key() { return QStringLiteral("window/number"); }
  void write(const QByteArray& text) const {
    QDir().mkpath(QFileInfo(m_path).path());
    QFile file(m_path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    QCOMPARE(file.write(text), text.size());
  }
  int stored() const { return QSettings(m_path, QSettings::IniFormat).value(key()).toInt(); }

  std::unique_ptr<TemporaryFolder> m_folder;
  QString m_path;
};

UI_TEST(SettingsFileTest)
#include "settings_file_test.moc"

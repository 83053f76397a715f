// SPDX-License-Identifier: Apache-2.0
// "Check for updates": what each kind of package is told, and how it is recognised.
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QtTest>

#include "tests/support/temporary_folder.h"
#include "tests/ui/pictures.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/window/update_dialog.h"

using namespace mneme;

class UpdateTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    qunsetenv("APPIMAGE");
    qunsetenv("FLATPAK_ID");
    Theme::choose(Theme::Choice::light);
    m_folder = std::make_unique<TemporaryFolder>();
    m_bin = QString::fromStdString(m_folder->file("usr/bin"));
    QVERIFY(QDir().mkpath(m_bin) && QDir().mkpath(path("usr/lib/mneme")));
  }
  void cleanup() { init(); }

  void aPackageSaysWhatItIs_data() {
    QTest::addColumn<QByteArray>("word");
    QTest::addColumn<PackageKind>("kind");
    QTest::addColumn<QString>("command");
    QTest::newRow("deb") << QByteArray("deb\n") << PackageKind::deb
                         << QStringLiteral(
                                "sudo apt update && sudo apt install --only-upgrade mneme");
    QTest::newRow("rpm") << QByteArray("rpm\n") << PackageKind::rpm
                         << QStringLiteral("sudo rpm --upgrade mneme-*.rpm");
    QTest::newRow("tar") << QByteArray("tar") << PackageKind::tar << QStringLiteral("./install.sh");
    QTest::newRow("run") << QByteArray("run\n") << PackageKind::run
                         << QStringLiteral("sh mneme-*.run");
    QTest::newRow("another word") << QByteArray("<b>snap</b>") << PackageKind::unknown << QString();
    QTest::newRow("none") << QByteArray() << PackageKind::unknown << QString();
  }
  void aPackageSaysWhatItIs() {
    QFETCH(const QByteArray, word);
    QFETCH(const PackageKind, kind);
    QFETCH(const QString, command);
    if (!word.isEmpty()) write("usr/lib/mneme/package", word);
    const Package package = packageOf(m_bin);
    QCOMPARE(package.kind, kind);
    QCOMPARE(updateWay(package).command, command);
    QVERIFY(!updateWay(package).text.isEmpty());
  }

  void anAppImageIsAFile() {
    write("usr/lib/mneme/package", "appimage\n");
    qputenv("APPIMAGE", "/home/a/Mneme.AppImage");
    const Package package = packageOf(m_bin);
    QCOMPARE(package.kind, PackageKind::appimage);
    QVERIFY(updateWay(package).text.contains(QStringLiteral("/home/a/Mneme.AppImage")));
    QVERIFY(updateWay(package).command.isEmpty());
  }

  void aFlatpakIsTold() {
    qputenv("FLATPAK_ID", "x");
    QCOMPARE(updateWay(packageOf(m_bin)).command, QStringLiteral("flatpak update"));
  }

  void aSourceTreeIsKnownByItsFiles() {
    const QString bin = path("tree/build/release/bin");
    QVERIFY(QDir().mkpath(bin));
    QCOMPARE(packageOf(bin).kind, PackageKind::unknown);
    write("tree/dev", "");
    write("tree/CMakePresets.json", "{}");
    const Package package = packageOf(bin);
    QCOMPARE(package.kind, PackageKind::source);
    QVERIFY(updateWay(package).text.endsWith(path("tree")));
    QCOMPARE(updateWay(package).command, QStringLiteral("git pull"));
  }

  void theDialogSaysHow() {
    const UpdateDialog dialog({PackageKind::deb, m_bin});
    QStringList all;
    for (const QLabel* label : dialog.findChildren<QLabel*>()) all << label->text();
    QVERIFY(all.contains(QStringLiteral("This is Mneme " MNEME_VERSION)));
    QVERIFY(all.join(QLatin1Char(' ')).contains(QStringLiteral("opens no connection")));
    QCOMPARE(dialog.findChild<QLabel*>(QStringLiteral("command"))->text(),
             updateWay({PackageKind::deb, m_bin}).command);
  }

  void pictures() {
    test::takePictures(QStringLiteral("updates"), [] {
      auto* dialog = new UpdateDialog({PackageKind::deb, QStringLiteral("/usr/bin")});
      dialog->show();
      return dialog;
    });
  }

 private:
  QString path(const char* name) const { return QString::fromStdString(m_folder->file(name)); }
  void write(const char* name, const QByteArray& text) const {
    QFile file(path(name));
    QVERIFY(file.open(QIODevice::WriteOnly));
    QCOMPARE(file.write(text), text.size());
  }

  std::unique_ptr<TemporaryFolder> m_folder;
  QString m_bin;
};

UI_TEST(UpdateTest)
#include "update_test.moc"

// SPDX-License-Identifier: Apache-2.0
// The licences in the About dialog, with the list of parts of a package and without.
#include <QFileInfo>
#include <QLabel>
#include <QTableWidget>
#include <QTemporaryDir>
#include <QtTest>

#include "tests/ui/pictures.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/window/about_dialog.h"

using namespace mneme;

namespace {

const char kBill[] = R"({"spdxVersion": "SPDX-2.3", "packages": [
  {"name": "mneme", "versionInfo": "0.1.0", "licenseDeclared": "Apache-2.0"},
  {"name": "libmd4c0", "versionInfo": "0.4.8-1", "licenseDeclared": "MIT"},
  {"name": "libicu72", "versionInfo": "72.1-3", "licenseDeclared": "NOASSERTION",
   "licenseConcluded": "NOASSERTION", "licenseComments": "See the <b>copyright</b> file"}]})";

}  // namespace

class AboutTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() { Theme::choose(Theme::Choice::light); }

  void qtAndWhereItLiesAreNamed() {
    const QString file = qtLibraryFile();
    QVERIFY2(QFileInfo(file).fileName().startsWith(QLatin1String("libQt6Core")), qPrintable(file));
    AboutDialog dialog(false, nullptr, m_folder.filePath(QStringLiteral("missing.json")));
    const QString text = dialog.findChild<QLabel*>(QStringLiteral("licence"))->text();
    for (const QString& part : {QStringLiteral("Apache License 2.0"), QStringLiteral("LGPL"),
                                QString::fromLatin1(qVersion()), QFileInfo(file).path()}) {
      QVERIFY2(text.contains(part), qPrintable(part));
    }
  }

  void connectionsAreToldAsTheyAre() {
    for (const bool downloads : {false, true}) {
      AboutDialog dialog(downloads, nullptr, m_bill);
      const QString text = dialog.findChild<QLabel*>(QStringLiteral("what"))->text();
      QCOMPARE(text.contains(QStringLiteral("No connection is opened.")), !downloads);
      QCOMPARE(text.contains(QStringLiteral("opened only to download a model")), downloads);
    }
  }

  void thePartsOfAPackageAreListed() {
    write(kBill);
    AboutDialog dialog(false, nullptr, m_bill);
    const auto* table = dialog.findChild<QTableWidget*>(QStringLiteral("parts"));
    QVERIFY(table != nullptr);
    QCOMPARE(table->rowCount(), 3);
    QCOMPARE(table->item(1, 0)->text(), QStringLiteral("libmd4c0"));
    QCOMPARE(table->item(1, 1)->text(), QStringLiteral("0.4.8-1"));
    QCOMPARE(table->item(1, 2)->text(), QStringLiteral("MIT"));
    QCOMPARE(table->item(2, 2)->text(), QStringLiteral("See the <b>copyright</b> file"));
  }

  void withoutAListItSaysSo() {
    AboutDialog dialog(false, nullptr, m_folder.filePath(QStringLiteral("missing.json")));
    const auto* said = dialog.findChild<QLabel*>(QStringLiteral("parts"));
    QVERIFY(said != nullptr && said->text().contains(QStringLiteral("without that list")));
  }

  void aDamagedListIsNamed() {
    for (const char* text : {"", "{", "[1, 2]", R"({"packages": [{"name": 3}]})"}) {
      write(text);
      AboutDialog dialog(false, nullptr, m_bill);
      const auto* said = dialog.findChild<QLabel*>(QStringLiteral("parts"));
      QVERIFY2(said != nullptr && said->text().contains(m_bill), text);
    }
  }

  void pictures() {
    write(kBill);
    test::takePictures(QStringLiteral("about"), [this] { return new AboutDialog(false, nullptr, m_bill); });
  }

 private:
  void write(const char* text) {
    QFile file(m_bill);
    QVERIFY(file.open(QIODevice::WriteOnly | QIODevice::Truncate));
    file.write(text);
  }

  QTemporaryDir m_folder;
  const QString m_bill = m_folder.filePath(QStringLiteral("sbom.spdx.json"));
};

UI_TEST(AboutTest)
#include "about_test.moc"

// SPDX-License-Identifier: Apache-2.0
#include "ui/format.h"

#include <QLocale>
#include <QtTest>

#include "tests/ui/ui_test.h"

using namespace mneme;

class FormatTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates)); }

  void bytesHaveTwoOrThreeFigures() {
    QCOMPARE(format::bytes(33), QStringLiteral("33 B"));
    QCOMPARE(format::bytes(1'400), QStringLiteral("1.4 kB"));
    QCOMPARE(format::bytes(71'234'567), QStringLiteral("71 MB"));
    QCOMPARE(format::bytes(2'600'000'000), QStringLiteral("2.6 GB"));
  }

  void aDownloadIsTold() {
    QCOMPARE(format::bytesOf(570'000'000, 1'400'000'000), QStringLiteral("0.57 of 1.4 GB"));
    QCOMPARE(format::bytesOf(0, 93'000'000), QStringLiteral("0 of 93 MB"));
    QCOMPARE(format::bytesOf(7, 33), QStringLiteral("7 of 33 B"));
    QCOMPARE(format::bytesPerSecond(41e6), QStringLiteral("41 MB/s"));
    QCOMPARE(format::timeLeft(19.6), QStringLiteral("20 s left"));
    QCOMPARE(format::timeLeft(130), QStringLiteral("3 min left"));
    QCOMPARE(format::timeLeft(3900), QStringLiteral("1 h 5 min left"));
  }

  void percentSaysWhenLittleIsNotNothing() {
    QCOMPARE(format::percent(0), QStringLiteral("0 %"));
    QCOMPARE(format::percent(0.001), QStringLiteral("< 1 %"));
    QCOMPARE(format::percent(0.61), QStringLiteral("61 %"));
    QCOMPARE(format::percent(0.999), QStringLiteral("> 99 %"));
    QCOMPARE(format::percent(1), QStringLiteral("100 %"));
  }

  void timesChooseTheirUnit() {
    QCOMPARE(format::microseconds(84), QString::fromUtf8("84 µs"));
    QCOMPARE(format::milliseconds(18.2), QStringLiteral("18 ms"));
    QCOMPARE(format::milliseconds(180), QStringLiteral("0.18 s"));
    QCOMPARE(format::milliseconds(72'000), QStringLiteral("1 min 12 s"));
  }

  void modelsAreNamedByTheirFiles() {
    QCOMPARE(format::modelName(QStringLiteral("/a/SmolLM2-135M-Instruct.Q4_1.gguf"),
                               QStringLiteral("Q4_1")),
             QStringLiteral("SmolLM2-135M-Instruct"));
    QCOMPARE(format::modelName(QStringLiteral("/a/tiny.gguf"), QStringLiteral("Q4_0")),
             QStringLiteral("tiny"));
  }

  void countsAreGrouped() {
    QCOMPARE(format::count(8192), QStringLiteral("8,192"));
    QCOMPARE(format::compactCount(2'600'000), QStringLiteral("2.6 M"));
    QCOMPARE(format::rate(42.13), QStringLiteral("42.1 tok/s"));
  }
};

UI_TEST(FormatTest)
#include "format_test.moc"

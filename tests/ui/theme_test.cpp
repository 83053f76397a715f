// SPDX-License-Identifier: Apache-2.0
#include "ui/theme.h"

#include <QFontDatabase>
#include <QSignalSpy>
#include <QtTest>
#include <cmath>

#include "tests/ui/ui_test.h"
#include "ui/tier_ink.h"

using namespace mneme;

namespace {

double luminance(const QColor& c) {
  const auto linear = [](double v) {
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(c.redF()) + 0.7152 * linear(c.greenF()) + 0.0722 * linear(c.blueF());
}

double contrast(const QColor& a, const QColor& b) {
  const double la = luminance(a);
  const double lb = luminance(b);
  return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

}  // namespace

class ThemeTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void textReadsOnEverySurface_data() {
    QTest::addColumn<Theme::Choice>("choice");
    QTest::newRow("light") << Theme::Choice::light;
    QTest::newRow("dark") << Theme::Choice::dark;
  }

  void textReadsOnEverySurface() {
    QFETCH(Theme::Choice, choice);
    Theme::choose(choice);
    const Theme& t = Theme::current();
    QCOMPARE(t.dark, choice == Theme::Choice::dark);
    for (const QColor& surface :
         {t.window, t.base, t.raised, t.accentSoft, t.bubble, t.codeBackground}) {
      QVERIFY2(contrast(t.text, surface) >= 7, qPrintable(surface.name()));
      QVERIFY2(contrast(t.textMuted, surface) >= 4.5, qPrintable(surface.name()));
      QVERIFY2(contrast(t.error, surface) >= 4.5, qPrintable(surface.name()));
      QVERIFY2(contrast(t.warning, surface) >= 4.5, qPrintable(surface.name()));
    }
    QVERIFY(contrast(t.accentText, t.accent) >= 4.5);
    QVERIFY(contrast(t.accent, t.window) >= 4.5);
  }

  void everyCellHasReadableText() {
    for (const auto choice : {Theme::Choice::light, Theme::Choice::dark}) {
      Theme::choose(choice);
      const Theme& t = Theme::current();
      for (int i = 0; i <= 100; ++i) {
        for (const QColor& cell :
             {t.gate(i / 100.0), t.write(i / 100.0), t.probability(i / 100.0)}) {
          QVERIFY2(contrast(t.text, cell) >= 4.5, qPrintable(cell.name()));
          QVERIFY(contrast(Theme::textOn(cell), cell) >= 4.5);
        }
      }
      for (const Tier tier : {Tier::device, Tier::ram, Tier::ssd_in_time, Tier::ssd_late}) {
        QVERIFY(contrast(Theme::textOn(t.tier(tier)), t.tier(tier)) >= 4.5);
        QVERIFY(contrast(t.text, tierInk(tier)) >= 4.5);
        QVERIFY(contrast(t.base, tierInk(tier)) >= 1.4);
      }
    }
  }

  // Against the grounds that the scales are seen on: the chat and the strip.
  void everyPartOfAScaleStandsOffItsGround() {
    struct Least {
      double value, light, dark;
    };
    for (const auto choice : {Theme::Choice::light, Theme::Choice::dark}) {
      Theme::choose(choice);
      const Theme& t = Theme::current();
      for (const QColor& ground : {t.base, t.window}) {
        for (const Least& least :
             {Least{0.2, 1.04, 1.3}, Least{0.4, 1.2, 1.75}, Least{0.6, 1.5, 2.2},
              Least{0.8, 2.0, 2.5}, Least{1.0, 2.5, 2.8}}) {
          const double wanted = t.dark ? least.dark : least.light;
          QVERIFY2(contrast(t.gate(least.value), ground) >= wanted,
                   qPrintable(QStringLiteral("gate %1").arg(least.value)));
          QVERIFY2(contrast(t.write(least.value), ground) >= wanted,
                   qPrintable(QStringLiteral("write %1 %2")
                                  .arg(least.value)
                                  .arg(contrast(t.write(least.value), ground))));
        }
        for (int i = 25; i <= 100; ++i) {  // more is always more
          QVERIFY(contrast(t.gate(i / 100.0), ground) > contrast(t.gate((i - 5) / 100.0), ground));
          QVERIFY(contrast(t.write(i / 100.0), ground) >
                  contrast(t.write((i - 5) / 100.0), ground));
        }
      }
    }
  }

  void everyMarkOfAPaceStandsOffItsGround() {
    for (const auto choice : {Theme::Choice::light, Theme::Choice::dark}) {
      Theme::choose(choice);
      const Theme& t = Theme::current();
      for (const QColor& ground : {t.window, t.base}) {
        for (const QColor& mark : {t.paceFaster, t.paceSame, t.paceSlower})
          QVERIFY2(contrast(mark, ground) >= 3, qPrintable(mark.name()));
      }
    }
  }

  void gateScaleIsFixedAndClamped() {
    const Theme& t = Theme::current();
    QCOMPARE(t.gate(-3), t.gate(0));
    QCOMPARE(t.gate(7), t.gate(1));
    QVERIFY(t.gate(0.2) != t.gate(0.8));
  }

  void zoomStaysInBounds() {
    QSignalSpy changed(&Theme::notifier(), &Theme::Notifier::changed);
    Theme::setZoom(9);
    QCOMPARE(Theme::zoom(), 2.0);
    QVERIFY(qAbs(Theme::current().uiFont().pointSizeF() - 19.5) < 0.01);
    Theme::setZoom(1);
    QCOMPARE(changed.count(), 2);
  }

  void systemChoiceFollowsTheDesktop() {
    Theme::choose(Theme::Choice::system);
    Theme::setSystemDark(true);
    QVERIFY(Theme::current().dark);
    Theme::setSystemDark(false);
    QVERIFY(!Theme::current().dark);
  }

  void bringsItsOwnFonts() {
    QVERIFY(QFontDatabase::families().contains(QStringLiteral("Inter")));
    QVERIFY(QFontDatabase::families().contains(QStringLiteral("JetBrains Mono")));
  }
};

UI_TEST(ThemeTest)
#include "theme_test.moc"

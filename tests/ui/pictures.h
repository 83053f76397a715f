// SPDX-License-Identifier: Apache-2.0
// Pictures of widgets for people to look at: written into the folder that MNEME_PICTURES names,
// nowhere without it. In light and dark, at 1x and 2x.
#pragma once

#include <QDir>
#include <QImage>
#include <QPainter>
#include <QWidget>
#include <QtTest>
#include <functional>

#include "ui/theme.h"

namespace mneme::test {

inline void takePictures(const QString& name, const std::function<QWidget*()>& make) {
  const QString folder = qEnvironmentVariable("MNEME_PICTURES");
  for (const auto choice : {Theme::Choice::light, Theme::Choice::dark}) {
    Theme::choose(choice);
    const std::unique_ptr<QWidget> widget(make());
    widget->show();
    QTest::qWait(60);
    for (const int scale : {1, 2}) {
      QImage image(widget->size() * scale, QImage::Format_RGB32);
      image.setDevicePixelRatio(scale);
      image.fill(Theme::current().window);
      widget->render(&image);
      // A picture of one colour means that nothing was painted.
      bool painted = false;
      for (int y = 0; y < image.height() && !painted; y += 3) {
        for (int x = 0; x < image.width() && !painted; x += 3) {
          painted = image.pixel(x, y) != image.pixel(0, 0);
        }
      }
      QVERIFY2(painted, qPrintable(name));
      if (folder.isEmpty()) continue;
      const QString theme =
          choice == Theme::Choice::dark ? QStringLiteral("dark") : QStringLiteral("light");
      QDir().mkpath(folder);
      QVERIFY(image.save(QStringLiteral("%1/%2-%3-%4x.png").arg(folder, name, theme).arg(scale)));
    }
  }
  Theme::choose(Theme::Choice::light);
}

}  // namespace mneme::test

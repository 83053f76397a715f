// SPDX-License-Identifier: Apache-2.0
#include "ui/path_text.h"

#include <pwd.h>
#include <unistd.h>

#include <QDir>
#include <QtTest>

#include "tests/ui/ui_test.h"

using namespace mneme;

class PathTextTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void aPathIsWhatThePersonMeant_data() {
    const QString home = QDir::homePath();
    const passwd* me = ::getpwuid(::getuid());
    const QString name = QString::fromLocal8Bit(me->pw_name);
    const QString mine = QString::fromLocal8Bit(me->pw_dir);
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("path");
    const auto row = [](const char* what, const QString& text, const QString& path) {
      QTest::newRow(what) << text << path;
    };
    row("plain", QStringLiteral("/models/a b.gguf"), QStringLiteral("/models/a b.gguf"));
    row("relative", QStringLiteral("models/a~.gguf"), QStringLiteral("models/a~.gguf"));
    row("blanks", QStringLiteral(" /a.gguf \t\n"), QStringLiteral("/a.gguf"));
    row("home", QStringLiteral("~"), home);
    row("below home", QStringLiteral(" ~/models/a.gguf "), home + QStringLiteral("/models/a.gguf"));
    row("a user", QStringLiteral("~%1/a.gguf").arg(name), mine + QStringLiteral("/a.gguf"));
    row("a user's home", QStringLiteral("~%1").arg(name), mine);
    row("nobody", QStringLiteral("~no one of this name/a.gguf"),
        QStringLiteral("~no one of this name/a.gguf"));
    row("url", QStringLiteral("file:///a%20b/c.gguf"), QStringLiteral("/a b/c.gguf"));
    row("url, loud", QStringLiteral("FILE:///c.gguf "), QStringLiteral("/c.gguf"));
    row("no file", QStringLiteral("https://host/c.gguf"), QStringLiteral("https://host/c.gguf"));
    row("off", QStringLiteral("off"), QStringLiteral("off"));
    row("empty", QString(), QString());
  }

  void aPathIsWhatThePersonMeant() {
    QFETCH(QString, text);
    QFETCH(QString, path);
    QCOMPARE(pathFromText(text), path);
  }
};

UI_TEST(PathTextTest)
#include "path_text_test.moc"

// SPDX-License-Identifier: Apache-2.0
// One thing has one name in the whole window: the n-gram memory is not RAM, what is added is not
// written, a layer waits and nothing is "late".
#include <QAbstractButton>
#include <QAction>
#include <QComboBox>
#include <QDirIterator>
#include <QDockWidget>
#include <QLabel>
#include <QRegularExpression>

#include "tests/support/test_paths.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"

using namespace mneme;

namespace {

// Words that mean several things, or nothing to a reader who was not there when they were found.
const char* const kOdd[] = {
    "this machine alone",
    "open(s)? less well",
    "not asked",
    "picked in",
    "\\bSums?\\b",
    "leave RAM",
    "looks? back",
    "Tokens an answer",
    "processor's order",
    "\\bmeanwhile\\b",
    "Here is what",
    "\\./\\S*dev\\b",
    "\\blate\\b",
    "\\bin time\\b",
    "\\bwrites?\\b(?! a message)",
    "(?<!gram )(?<!GPU's )\\bmemor(y|ies)\\b(?! of an? GPU)",
};

QString oddWord(QString text) {
  static const std::vector<QRegularExpression> odd = [] {
    std::vector<QRegularExpression> made;
    for (const char* pattern : kOdd) {
      made.emplace_back(QString::fromLatin1(pattern), QRegularExpression::CaseInsensitiveOption);
    }
    return made;
  }();
  text.remove(QLatin1Char('&'));
  for (const QRegularExpression& one : odd) {
    if (one.match(text).hasMatch()) return one.pattern();
  }
  return {};
}

void check(const QString& text, const QString& where) {
  const QString odd = oddWord(text);
  QVERIFY2(odd.isEmpty(),
           qPrintable(odd + QLatin1String(" in \"") + text + QLatin1String("\", ") + where));
}

}  // namespace

class WindowWordsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void theWordsAreTold() {
    QVERIFY(!oddWord(QStringLiteral("SSD, late")).isEmpty());
    QVERIFY(!oddWord(QStringLiteral("&Memory")).isEmpty());
    QVERIFY(!oddWord(QStringLiteral("write 0.31")).isEmpty());
    QVERIFY(oddWord(QStringLiteral("N-gram &memory")).isEmpty());
    QVERIFY(oddWord(QStringLiteral("Write a message")).isEmpty());
    QVERIFY(oddWord(QStringLiteral("translated latest")).isEmpty());
  }

  // Every sentence that the window has, shown or not: what is translated is what is read.
  void sentencesOfTheSourceUseThem() {
    const QRegularExpression call(
        QStringLiteral("(?:\\btr|QT_TR_NOOP)\\(\\s*((?:\"(?:[^\"\\\\]|\\\\.)*\"\\s*)+)"));
    const QRegularExpression literal(QStringLiteral("\"((?:[^\"\\\\]|\\\\.)*)\""));
    QDirIterator files(QString::fromStdString(source_path("ui")), {QStringLiteral("*.cpp")},
                       QDir::Files, QDirIterator::Subdirectories);
    int sentences = 0;
    while (files.hasNext()) {
      QFile file(files.next());
      QVERIFY(file.open(QIODevice::ReadOnly));
      const QString text = QString::fromUtf8(file.readAll());
      for (auto calls = call.globalMatch(text); calls.hasNext();) {
        QString sentence;
        for (auto parts = literal.globalMatch(calls.next().captured(1)); parts.hasNext();) {
          sentence += parts.next().captured(1);
        }
        ++sentences;
        check(sentence, file.fileName());
      }
    }
    QVERIFY(sentences > 400);
  }

  void labelsAndTipsUseThem() {
    test::OpenedWindow window;
    window.open();
    window.openTiny();
    window.ask(QStringLiteral("hello there"));
    for (const auto preset :
         {MainWindow::Preset::chat, MainWindow::Preset::inspect, MainWindow::Preset::memory}) {
      window->showPreset(preset);
      QCoreApplication::processEvents();
      checkTexts(window.window());
    }
    window.eachDialog([this](QDialog* dialog) { checkTexts(dialog); });
    window.close();
  }

 private:
  static void checkTexts(QWidget* root) {
    for (const QWidget* widget : root->findChildren<QWidget*>()) {
      const QString where = QString::fromLatin1(widget->metaObject()->className());
      if (const auto* label = qobject_cast<const QLabel*>(widget)) check(label->text(), where);
      if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) {
        check(button->text(), where);
      }
      if (const auto* box = qobject_cast<const QComboBox*>(widget)) {
        for (int i = 0; i < box->count(); ++i) check(box->itemText(i), where);
      }
      if (const auto* dock = qobject_cast<const QDockWidget*>(widget)) {
        check(dock->windowTitle(), where);
      }
      check(widget->toolTip(), where);
      check(widget->accessibleName(), where);
    }
    for (const QAction* action : root->findChildren<QAction*>()) {
      check(action->text(), QStringLiteral("a menu"));
    }
  }
};

UI_TEST(WindowWordsTest)
#include "window_words_test.moc"

// SPDX-License-Identifier: Apache-2.0
// Strings of files, chats and answers are shown as they are, in every label, tooltip, menu and
// title of the window and its dialogs.
#include "ui/plain_text.h"

#include <QAction>
#include <QApplication>
#include <QDockWidget>
#include <QLabel>
#include <QListView>
#include <QLoggingCategory>
#include <QMenuBar>
#include <QMessageBox>
#include <QSignalSpy>
#include <QTextDocument>
#include <QToolTip>
#include <QtTest>

#include "tests/support/gguf_edit.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/inspect/hash_walk.h"
#include "ui/views/inspect/stall_dialog.h"
#include "ui/views/window/about_dialog.h"
#include "ui/views/window/chat_settings_dialog.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/open_model_dialog.h"
#include "ui/views/window/settings_dialog.h"
#include "ui/views/window/shortcuts_dialog.h"

using namespace mneme;

namespace {

const char kMarkup[] = "<img src=\"x\"><b>bold</b>&amp;";

QString markup() {
  return QString::fromLatin1(kMarkup);
}

QLabel* shownTip() {
  for (QWidget* widget : QApplication::topLevelWidgets()) {
    if (widget->inherits("QTipLabel") && widget->isVisible()) return qobject_cast<QLabel*>(widget);
  }
  return nullptr;
}

}  // namespace

class PlainTextTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    QLoggingCategory::setFilterRules(QStringLiteral("qt.qpa.*=false"));
    Theme::choose(Theme::Choice::light);
  }

  void labelsArePlainUnlessTheyAskForMore() {
    QWidget window;
    auto* label = new QLabel(markup(), &window);
    auto* rich = new QLabel(&window);
    rich->setTextFormat(Qt::RichText);
    rich->setText(QStringLiteral("<b>ours</b>"));
    window.show();
    QVERIFY(isPlain(label));
    QCOMPARE(label->text(), markup());
    QCOMPARE(rich->textFormat(), Qt::RichText);
    QVERIFY(!isPlain(rich));  // the check itself can fail
  }

  void tooltipsArePlain() {
    QWidget window;
    window.setToolTip(markup());
    window.resize(100, 100);
    window.show();
    QHelpEvent help(QEvent::ToolTip, QPoint(5, 5), window.mapToGlobal(QPoint(5, 5)));
    QApplication::sendEvent(&window, &help);
    QLabel* tip = shownTip();
    QVERIFY(tip != nullptr);
    QCOMPARE(tip->text(), markup());
    QVERIFY(isPlain(tip));
    QToolTip::hideText();
  }

  void messageBoxesArePlain() {
    QMessageBox box(QMessageBox::Warning, markup(), markup());
    box.setInformativeText(markup());
    box.show();
    int labels = 0;
    for (const QLabel* label : box.findChildren<QLabel*>()) {
      QVERIFY(isPlain(label));
      labels += label->text() == markup() ? 1 : 0;
    }
    QCOMPARE(labels, 2);
  }

  void menusAndTitlesShowEveryCharacter() {
    QCOMPARE(menuText(QStringLiteral("R&D\tq.gguf")), QStringLiteral("R&&D q.gguf"));
    QCOMPARE(QKeySequence::mnemonic(menuText(QStringLiteral("&Quit"))), QKeySequence());
    QCOMPARE(windowTitleText(QStringLiteral("a[*]b\nc")), QStringLiteral("a[*][*]b c"));
  }

  void longTextsAreBrokenAndCut() {
    QCOMPARE(boundedText(QStringLiteral("short\nlines")), QStringLiteral("short\nlines"));
    const QString word(1'000'000, QLatin1Char('x'));
    const QStringList lines = boundedText(word).split(QLatin1Char('\n'));
    QCOMPARE(lines.size(), 20);
    for (const QString& line : lines) QVERIFY(line.size() <= 101);
    QVERIFY(lines.back().endsWith(QChar(0x2026)));
    const QString words = QStringLiteral("word ").repeated(30);
    QCOMPARE(boundedText(words).remove(QLatin1Char('\n')), words);
    QCOMPARE(boundedText(words).count(QLatin1Char('\n')), 1);
    const QString marks = QStringLiteral("e") + QString(5000, QChar(0x301));
    QVERIFY(boundedText(marks).size() <= 20 * 102);
  }

  // A model, a pack, a chat, its messages, settings and errors whose every string is markup.
  void everyLabelAndTooltipOfTheWindowIsPlain() {
    test::OpenedWindow opened({.context = 2048});
    const std::string hostile = opened.folder().file("a&b <b>bold<.gguf");
    {
      auto file = GgufFile::open(opened.model().toStdString());
      QVERIFY(file.has_value());
      write_edited(
          *file,
          replace_key("general.architecture",
                      [](GgufWriter& w) { w.add_string("general.architecture", kMarkup); }),
          hostile);
    }
    opened.open();
    MainWindow& window = *opened.window();
    window.resize(1300, 800);
    QSignalSpy refused(&window.engine(), &EngineHost::openFailed);
    window.openModel(QString::fromStdString(hostile), {});
    QTRY_COMPARE(refused.count(), 1);
    QVERIFY(refused[0][0].toString().contains(QStringLiteral("<b>")));
    checkWidgets(&window);
    window.openModel(opened.model(), {});
    QTRY_COMPARE(window.engine().state(), EngineHost::State::ready);
    window.showPreset(MainWindow::Preset::inspect);
    window.action("ink")->trigger();
    window.conversation().send(markup());
    QTRY_VERIFY_WITH_TIMEOUT(
        window.conversation().transcript().rowCount() == 2 && !window.conversation().answering(),
        60000);
    QCOMPARE(window.windowTitle(), windowTitleText(markup()) + QStringLiteral(" — Mneme"));
    window.panel()->composer()->setText(markup());
    window.panel()->composer()->setDraftLine(markup());
    window.panel()->banner()->tell(Banner::Kind::error, markup());
    window.selection().pin(window.branch().eventAt(2));
    QTRY_VERIFY(window.chats().rowCount() > 0);
    for (const auto preset :
         {MainWindow::Preset::inspect, MainWindow::Preset::memory, MainWindow::Preset::chat}) {
      window.showPreset(preset);
      QTest::qWait(20);
      checkWidgets(&window);
    }

    AboutDialog about(false);
    window.settings().set("model/device", kMarkup);
    Jobs jobs;
    SettingsDialog settings(window.settings(), jobs);
    ChatSettingsDialog chat(window.settings(), jobs, window.conversation().settings(), markup());
    OpenModelDialog open(window.settings(), {}, {QString::fromStdString(hostile), markup()}, jobs);
    open.setPath(QString::fromStdString(hostile));
    InspectSource source;
    StallDialog stalls(window.branch(), window.selection(), source);
    for (QWidget* dialog :
         std::initializer_list<QWidget*>{&about, &settings, &chat, &open, &stalls}) {
      dialog->show();
      QTest::qWait(20);
      checkWidgets(dialog);
    }
    open.close();

    // The question before a link is opened.
    Q_EMIT window.panel()->view()->linkRequested(
        QUrl(QStringLiteral("http://x/?<img src=\"x\"><b>")));
    auto* box = window.panel()->findChild<QMessageBox*>();
    QVERIFY(box != nullptr && box->isVisible());
    checkWidgets(box);
    box->reject();

    // Names of files in menus.
    for (QMenu* menu : window.menuBar()->findChildren<QMenu*>()) {
      Q_EMIT menu->aboutToShow();
      for (const QAction* action : menu->actions()) {
        const QString text = QString(action->text()).replace(QStringLiteral("&&"), QString());
        QVERIFY2(!text.contains(QStringLiteral("bold<")) || !text.contains(QLatin1Char('&')),
                 qPrintable(text));
      }
    }
  }

 private:
  static bool isPlain(const QLabel* label) {
    // Where a label's text can be selected, a document holds it, once it was shown.
    const auto* document = label->findChild<QTextDocument*>();
    return label->textFormat() == Qt::PlainText &&
           (document == nullptr ||
            label->text().isEmpty() ||  // an empty label keeps its last document
            document->toPlainText().count(QLatin1Char('<')) ==
                label->text().count(QLatin1Char('<')));
  }

  // Labels that are not on screen are not asked for their size either: they are polished here, and
  // their documents filled, as showing them would.
  static void checkWidgets(QWidget* root) {
    for (QLabel* label : root->findChildren<QLabel*>()) {
      label->ensurePolished();
      label->sizeHint();
      if (qobject_cast<HashWalk*>(label) != nullptr) continue;  // escapes what it is given
      if (label->property("kind") == QLatin1String("section") &&
          label->textFormat() == Qt::RichText) {  // our own titles, escaped
        QVERIFY2(!label->text().contains(QLatin1String("<img")), qPrintable(label->text()));
        continue;
      }
      QVERIFY2(!label->text().contains(QLatin1String("<span")), qPrintable(label->text()));
      QVERIFY2(
          isPlain(label),
          qPrintable(QStringLiteral("%1 %2 in %3: %4")
                         .arg(QLatin1String(label->metaObject()->className()), label->objectName(),
                              QLatin1String(label->parent()->metaObject()->className()),
                              label->text())));
    }
    for (QWidget* widget : root->findChildren<QWidget*>()) checkTip(widget->toolTip());
    for (QAbstractItemView* view : root->findChildren<QAbstractItemView*>()) {
      const QAbstractItemModel* model = view->model();
      for (int row = 0; model != nullptr && row < std::min(model->rowCount(), 50); ++row) {
        for (int column = 0; column < model->columnCount(); ++column) {
          checkTip(model->index(row, column).data(Qt::ToolTipRole).toString());
        }
      }
    }
  }

  static void checkTip(const QString& tip) {
    if (!Qt::mightBeRichText(tip)) return;
    QToolTip::showText(QPoint(10, 10), tip);
    QLabel* shown = shownTip();
    QVERIFY(shown != nullptr);
    QVERIFY2(isPlain(shown), qPrintable(tip));
    QCOMPARE(shown->text(), tip);
    QVERIFY(tip.size() < 2200);
  }
};

UI_TEST(PlainTextTest)
#include "plain_text_test.moc"

// SPDX-License-Identifier: Apache-2.0
// The manual: every page, link and picture is there, what it quotes is said by the program, and its
// window does all by keyboard.
#include <QAction>
#include <QClipboard>
#include <QDirIterator>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QRegularExpression>
#include <QScrollBar>
#include <QTextBlock>
#include <QTextDocument>
#include <map>

#include "tests/support/test_paths.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/pictures.h"
#include "tests/ui/ui_test.h"
#include "ui/manual_topic.h"
#include "ui/views/manual/manual_help.h"
#include "ui/views/manual/manual_pages.h"
#include "ui/views/manual/manual_view.h"
#include "ui/views/manual/manual_window.h"

using namespace mneme;

namespace {

constexpr qint64 kPictureBytesMax = 80 << 10;

QString readSource(const QString& path) {
  QFile file(QString::fromStdString(source_path(path.toStdString())));
  return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

QString sourceOf(const ManualPage& page) {
  return readSource(QStringLiteral("resources/manual/%1.md").arg(page.name));
}

QStringList matches(const QString& text, const char* pattern) {
  QStringList found;
  const QRegularExpression expression(QString::fromUtf8(pattern),
                                      QRegularExpression::MultilineOption);
  for (auto it = expression.globalMatch(text); it.hasNext();) found << it.next().captured(1);
  return found;
}

QStringList anchorsOf(const ManualPage& page) {
  QStringList anchors;
  for (const QString& heading : matches(sourceOf(page), "^#+ (.+)$"))
    anchors << manualAnchor(heading);
  return anchors;
}

const ManualPage* pageNamed(const QString& name) {
  for (const ManualPage& page : manualPages()) {
    if (page.name == name) return &page;
  }
  return nullptr;
}

bool topicExists(const QString& topic) {
  const ManualPage* page = pageNamed(topic.section(QLatin1Char('#'), 0, 0));
  const QString anchor = topic.section(QLatin1Char('#'), 1);
  return page != nullptr && (anchor.isEmpty() || anchorsOf(*page).contains(anchor));
}

// The sentences of the program as a manual quotes them: "…" for what stands for something.
QString sentencesOfTheSource() {
  const QRegularExpression literals(QStringLiteral("(?:\"(?:[^\"\\\\\\n]|\\\\.)*\"\\s*)+"));
  const QRegularExpression literal(QStringLiteral("\"((?:[^\"\\\\\\n]|\\\\.)*)\""));
  const QRegularExpression hole(QStringLiteral("(\\{[^}]*\\}|%\\d|%s|%llu)+"));
  QString all;
  for (const char* folder : {"app", "ui", "inference", "engram", "gpu"}) {
    QDirIterator files(QString::fromStdString(source_path(folder)), {QStringLiteral("*.cpp")},
                       QDir::Files, QDirIterator::Subdirectories);
    while (files.hasNext()) {
      QFile file(files.next());
      if (!file.open(QIODevice::ReadOnly)) continue;
      const QString text = QString::fromUtf8(file.readAll());
      for (auto runs = literals.globalMatch(text); runs.hasNext();) {
        QString sentence;
        for (auto parts = literal.globalMatch(runs.next().captured()); parts.hasNext();)
          sentence += parts.next().captured(1);
        all += sentence.replace(hole, QStringLiteral("…")) + QLatin1Char('\n');
      }
    }
  }
  return all;
}

bool isSaid(const QString& quoted, const QString& sentences) {
  QString sentence = quoted;
  while (sentence.startsWith(QChar(0x2026)) || sentence.startsWith(QLatin1Char(' ')))
    sentence.remove(0, 1);
  while (sentence.endsWith(QChar(0x2026)) || sentence.endsWith(QLatin1Char(' '))) sentence.chop(1);
  return sentence.size() > 8 && sentences.contains(sentence);
}

}  // namespace

class ManualTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    m_window.startOver();
    m_window.open();
  }

  void everyFileIsAPageAndEveryPageIsShort() {
    const QDir folder(QString::fromStdString(source_path("resources/manual")));
    QCOMPARE(folder.entryList({QStringLiteral("*.md")}).size(), manualPages().size());
    for (const ManualPage& page : manualPages()) {
      const QString text = sourceOf(page);
      QVERIFY2(text.startsWith(QStringLiteral("# ") + page.title + QLatin1Char('\n')),
               qPrintable(page.name));
      QVERIFY2(!page.title.isEmpty() && text.size() < 6500, qPrintable(page.name));
      const QStringList anchors = anchorsOf(page);
      QCOMPARE(QSet<QString>(anchors.begin(), anchors.end()).size(), anchors.size());
    }
  }

  void everyLinkLeadsSomewhere() {
    int links = 0;
    for (const ManualPage& page : manualPages()) {
      for (const QString& link : matches(sourceOf(page), "(?<!!)\\[[^\\]]+\\]\\(([^)]+)\\)")) {
        ++links;
        QString topic = link;
        if (topic.startsWith(QLatin1Char('#'))) topic.prepend(page.name);
        QVERIFY2(topicExists(topic.remove(QStringLiteral(".md"))),
                 qPrintable(page.name + QStringLiteral(": ") + link));
      }
    }
    QVERIFY(links > 15);
  }

  void everyPageHasOnePictureAndItIsSmall() {
    for (const ManualPage& page : manualPages()) {
      const QStringList pictures = matches(sourceOf(page), "!\\[[^\\]]+\\]\\(([^)]+)\\)");
      QCOMPARE(pictures, QStringList{QStringLiteral("pictures/%1.png").arg(page.name)});
      QFile file(QStringLiteral(":/manual/") + pictures.first());
      QVERIFY(file.open(QIODevice::ReadOnly));
      QVERIFY2(file.size() <= kPictureBytesMax, qPrintable(page.name));
      const QImage image = QImage::fromData(file.readAll());
      QVERIFY2(image.width() >= 300 && image.width() <= 720, qPrintable(page.name));
    }
  }

  void everyMessageIsOneOfTheProgram() {
    const QString sentences = sentencesOfTheSource();
    const QStringList quoted =
        matches(sourceOf(*pageNamed(QStringLiteral("messages"))), "^\\| \\*\\*(.+)\\*\\* \\|");
    QVERIFY(quoted.size() >= 25);
    for (const QString& one : quoted) QVERIFY2(isSaid(one, sentences), qPrintable(one));
    QVERIFY(!isSaid(QStringLiteral("the program never says this"), sentences));
    QVERIFY(!isSaid(QStringLiteral("…"), sentences));
  }

  // Of README and manual: files of the source that they name, and pictures.
  void filesThatAreNamedExist() {
    QStringList texts{readSource(QStringLiteral("README.md"))};
    for (const ManualPage& page : manualPages()) texts << sourceOf(page);
    int found = 0;
    for (const QString& text : texts) {
      for (const QString& path : matches(
               text, "((?:resources|engram|gpu|inference|ui|app|tests|installer)/[\\w./-]*\\w)")) {
        ++found;
        QVERIFY2(QFileInfo::exists(QString::fromStdString(source_path(path.toStdString()))),
                 qPrintable(path));
      }
    }
    QVERIFY(found >= 8);
  }

  void everyPageOpensWithItsPicture() {
    ManualWindow& manual = openManual(QStringLiteral("index"));
    for (const ManualPage& page : manualPages()) {
      manual.open(page.name);
      const QTextDocument* document = manual.view()->document();
      QCOMPARE(document->begin().text(), page.title);
      QCOMPARE(manual.list()->currentItem()->text(), page.title);
      QVERIFY(!manual.view()
                   ->loadResource(QTextDocument::ImageResource,
                                  QUrl(QStringLiteral("pictures/%1.png").arg(page.name)))
                   .value<QImage>()
                   .isNull());
      QVERIFY2(document->idealWidth() <= manual.view()->viewport()->width(), qPrintable(page.name));
    }
  }

  void nothingButWhatIsBuiltInIsRead() {
    ManualWindow& manual = openManual(QStringLiteral("index"));
    for (const char* url : {"file:///etc/passwd", "http://example.org/x.png", "/etc/passwd",
                            "qrc:/manual/none.png", "../../etc/passwd"}) {
      QVERIFY2(!manual.view()
                    ->loadResource(QTextDocument::ImageResource, QUrl(QString::fromLatin1(url)))
                    .isValid(),
               url);
    }
  }

  void linksAndTheKeysGoBackAndForward() {
    ManualWindow& manual = openManual(QStringLiteral("index"));
    Q_EMIT manual.view()->anchorClicked(QUrl(QStringLiteral("formats.md")));
    QCOMPARE(pageOf(manual), QStringLiteral("formats"));
    manual.list()->setCurrentRow(6);
    QCOMPARE(pageOf(manual), QStringLiteral("messages"));
    QTest::keyClick(manual.view(), Qt::Key_Left, Qt::AltModifier);
    QCOMPARE(pageOf(manual), QStringLiteral("formats"));
    QTest::keyClick(manual.view(), Qt::Key_Left, Qt::AltModifier);
    QCOMPARE(pageOf(manual), QStringLiteral("index"));
    QTest::keyClick(manual.view(), Qt::Key_Right, Qt::AltModifier);
    QCOMPARE(pageOf(manual), QStringLiteral("formats"));
    QCOMPARE(manual.list()->currentRow(), 5);
  }

  void aTopicIsScrolledTo() {
    ManualWindow& manual = openManual(QStringLiteral("reading-the-views"));
    QCOMPARE(manual.view()->verticalScrollBar()->value(), 0);
    manual.open(QStringLiteral("reading-the-views#tiers"));
    const int there = manual.view()->verticalScrollBar()->value();
    QVERIFY(there > 0);
    manual.open(QStringLiteral("index"));
    manual.open(QStringLiteral("reading-the-views#tiers"));
    QCOMPARE(manual.view()->verticalScrollBar()->value(), there);
  }

  void findGoesThroughAllPages() {
    ManualWindow& manual = openManual(QStringLiteral("index"));
    QTest::keyClick(manual.view(), Qt::Key_F, Qt::ControlModifier);
    QVERIFY(manual.field()->hasFocus());
    QTest::keyClicks(manual.field(), QStringLiteral("record LOG"));
    const std::size_t hits = findInManual(QStringLiteral("record log")).size();
    QVERIFY(hits >= 3);
    QCOMPARE(manual.found(), QStringLiteral("1 of %1").arg(hits));
    QSet<QString> pages;
    for (std::size_t i = 0; i < hits; ++i) {
      pages << pageOf(manual);
      const auto marks = manual.view()->extraSelections();
      QVERIFY(!marks.isEmpty());
      for (const auto& mark : marks)
        QCOMPARE(mark.cursor.selectedText().toLower(), QStringLiteral("record log"));
      QTest::keyClick(manual.field(), Qt::Key_Return);
    }
    QVERIFY(pages.size() >= 2);
    QCOMPARE(manual.found(), QStringLiteral("1 of %1").arg(hits));
    QTest::keyClick(manual.field(), Qt::Key_Return, Qt::ShiftModifier);
    QCOMPARE(manual.found(), QStringLiteral("%1 of %1").arg(hits));
    manual.field()->setText(QStringLiteral("no such words"));
    QCOMPARE(manual.found(), QStringLiteral("not found"));
    QTest::keyClick(manual.field(), Qt::Key_Escape);
    QVERIFY(manual.isVisible() && manual.found().isEmpty());
    QVERIFY(manual.view()->extraSelections().isEmpty());
    QTest::keyClick(manual.view(), Qt::Key_Escape);
    QVERIFY(!manual.isVisible());
  }

  // Where the focus is, its page; the topics that the program names are there.
  void helpOpensThePageOfWhatHasTheFocus() {
    m_window->showPreset(MainWindow::Preset::inspect);
    int topics = 0;
    for (QWidget* widget : m_window->findChildren<QWidget*>()) {
      const QString topic = widget->property("manualTopic").toString();
      if (topic.isEmpty()) continue;
      ++topics;
      QVERIFY2(topicExists(topic), qPrintable(topic));
    }
    QVERIFY(topics >= 9);
    const auto of = [this](const char* accessible) {
      for (QWidget* widget : m_window->findChildren<QWidget*>()) {
        if (widget->accessibleName() == QLatin1String(accessible)) return manualTopicOf(widget);
      }
      return QStringLiteral("no widget of this name");
    };
    QCOMPARE(of("Token strip"), QStringLiteral("reading-the-views#strip"));
    QCOMPARE(of("Slots"), QStringLiteral("reading-the-views#slots"));
    QCOMPARE(of("RAM for rows"), QStringLiteral("choosing-a-budget"));
    QCOMPARE(of("Message"), QString());
    m_window->action("manual")->trigger();
    QCOMPARE(pageOf(*m_window->manual().window()), QStringLiteral("index"));
  }

  void helpWorksInEveryDialog() {
    const std::map<QString, QString> expected = {
        {QStringLiteral("Open a model"), QStringLiteral("large-models")},
        {QStringLiteral("Settings"), QStringLiteral("large-models")},
        {QStringLiteral("Keyboard shortcuts"), QStringLiteral("index")},
        {QStringLiteral("About Mneme"), QStringLiteral("index")}};
    QSet<QString> checked;
    m_window.eachDialog([&](QDialog* dialog) {
      QWidget* focus = dialog->focusWidget() != nullptr ? dialog->focusWidget() : dialog;
      dialog->activateWindow();
      focus->setFocus();
      QTest::keyClick(focus, Qt::Key_F1);
      const ManualWindow* manual = m_window->manual().window();
      QVERIFY2(manual != nullptr && manual->isVisible(), qPrintable(dialog->windowTitle()));
      // The dialog does not hold it up.
      QVERIFY(!QApplication::activeModalWidget() || manual->isActiveWindow() ||
              manual->isEnabled());
      if (const auto one = expected.find(dialog->windowTitle()); one != expected.end()) {
        QCOMPARE(pageOf(*manual), one->second);
        checked << one->first;
      }
      m_window->manual().close();
    });
    QCOMPARE(checked.size(), qsizetype(expected.size()));
  }

  void theBudgetInTheSettingsHasItsPage() {
    m_window->action("settings")->trigger();
    auto* dialog = m_window->findChild<QDialog*>();
    QVERIFY(dialog != nullptr);
    auto* pages = dialog->findChild<QListWidget*>(QStringLiteral("pages"));
    pages->setCurrentRow(1);
    QCOMPARE(manualTopicOf(pages), QStringLiteral("choosing-a-budget"));
    pages->setCurrentRow(3);
    QCOMPARE(manualTopicOf(pages), QString());
    dialog->close();
  }

  void zoomAndThemeAreTheProgramsOwn() {
    ManualWindow& manual = openManual(QStringLiteral("reading-the-views#tiers"));
    const auto points = [&] { return manual.view()->document()->defaultFont().pointSizeF(); };
    const double before = points();
    QTest::keyClick(manual.view(), Qt::Key_Plus, Qt::ControlModifier);
    QVERIFY(points() > before);
    QVERIFY(manual.view()->verticalScrollBar()->value() > 0);  // stays where one reads
    QTest::keyClick(manual.view(), Qt::Key_0, Qt::ControlModifier);
    QCOMPARE(points(), before);
    Theme::choose(Theme::Choice::dark);
    QCOMPARE(manual.view()->palette().color(QPalette::Text), Theme::current().text);
    Theme::choose(Theme::Choice::light);
  }

  void aWebLinkAsksFirst() {
    ManualWindow& manual = openManual(QStringLiteral("index"));
    Q_EMIT manual.view()->anchorClicked(QUrl(QStringLiteral("https://example.org/")));
    QCOMPARE(pageOf(manual), QStringLiteral("index"));
    auto* box = manual.findChild<QMessageBox*>();
    QVERIFY(box != nullptr && box->text().contains(QStringLiteral("https://example.org/")));
    box->reject();
  }

  void itRemembersItsSizeAndEndsWithTheWindow() {
    ManualWindow& manual = openManual(QStringLiteral("index"));
    QVERIFY(!manual.testAttribute(Qt::WA_QuitOnClose));
    QVERIFY(!manual.isModal());
    manual.resize(901, 611);
    manual.close();
    QCOMPARE(openManual(QStringLiteral("index")).size(), QSize(901, 611));
    m_window->close();
    QVERIFY(!manual.isVisible());
    m_window.open();
    QCOMPARE(openManual(QStringLiteral("index")).size(), QSize(901, 611));
  }

  void pictures() {
    SettingsFile& file = m_window->settings().file();
    for (const ManualPage& page : manualPages()) {
      test::takePictures(QStringLiteral("manual-") + page.name, [&]() -> QWidget* {
        auto* manual = new ManualWindow(file);
        manual->resize(1280, 800);
        manual->open(page.name);
        return manual;
      });
    }
  }

 private:
  ManualWindow& openManual(const QString& topic) {
    m_window->manual().open(topic);
    ManualWindow& manual = *m_window->manual().window();
    QCoreApplication::processEvents();
    return manual;
  }

  static QString pageOf(const ManualWindow& manual) {
    return manualPages()[static_cast<std::size_t>(manual.view()->page())].name;
  }

  test::OpenedWindow m_window;
};

UI_TEST(ManualTest)
#include "manual_test.moc"

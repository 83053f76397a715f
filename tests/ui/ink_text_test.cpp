// SPDX-License-Identifier: Apache-2.0
#include "ui/views/ink_text.h"

#include <QPainter>
#include <QSignalSpy>
#include <QVBoxLayout>
#include <QtTest>

#include "tests/ui/ui_test.h"
#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "ui/models/utf8_spans.h"
#include "ui/theme.h"
#include "ui/views/ink_legend.h"

using namespace mneme;

namespace {

// A widget around the layout, as the chat view has one.
class Page : public QWidget {
 public:
  Page(std::vector<InkText*> inks, QWidget* parent) : QWidget(parent), m_inks(std::move(inks)) {}

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.fillRect(rect(), Theme::current().base);
    double y = 12;
    for (InkText* ink : m_inks) {
      ink->setFont(Theme::current().uiFont(1.1));
      const double height = ink->heightForWidth(width() - 32);
      ink->paint(&painter, QRectF(16, y, width() - 32, height));
      y += height + 14;
    }
  }

 private:
  std::vector<InkText*> m_inks;
};

}  // namespace

class InkTextTest : public QObject {
  Q_OBJECT

  struct World {
    test::Chat chat;
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    BranchTrace::Part say(TokenSource whose, const std::string& text) {
      const auto part = chat.message(static_cast<MessageId>(chat.parts.size() + 1), whose, text);
      source.setModel(chat.model());
      trace.reset(chat.log, chat.parts);
      return part;
    }
  };

  static std::string bytesOf(const QString& text) { return text.toStdString(); }

 private Q_SLOTS:
  void cellsCoverEveryCharacterOnce_data() {
    QTest::addColumn<QString>("text");
    QTest::newRow("ascii") << QStringLiteral("Only Alexander the Great");
    QTest::newRow("cjk") << QStringLiteral("四大发明 in one paragraph: 造纸术。");
    QTest::newRow("emoji") << QStringLiteral("a 👩‍🚀 and 🇩🇪, ok?");
    QTest::newRow("lines") << QStringLiteral("one\n\n\ttwo\n  three\n");
    QTest::newRow("arabic") << QStringLiteral("قال الرجل hello ثم مشى");
  }

  void cellsCoverEveryCharacterOnce() {
    QFETCH(QString, text);
    const TokenSpans spans = spellTokens(test::Chat::tokens(bytesOf(text)), false);
    QCOMPARE(spans.text, text);
    int at = 0;
    int token = 0;
    for (const TokenCell& cell : spans.cells) {
      QCOMPARE(cell.start, at);
      QVERIFY(cell.length > 0);
      QVERIFY(cell.firstToken >= token);
      QVERIFY(cell.endToken > cell.firstToken);
      at += cell.length;
      token = cell.endToken;
    }
    QCOMPARE(at, text.size());
    QCOMPARE(token, static_cast<int>(test::Chat::tokens(bytesOf(text)).size()));
  }

  void tokensThatShareACharacterShareACell() {
    // The three bytes of one character in two tokens, then a plain one.
    const TokenSpans spans = spellTokens({"\xe5\x9b", "\x9b", "x"}, false);
    QCOMPARE(spans.text, QStringLiteral("四x"));
    QCOMPARE(spans.cells.size(), std::size_t{2});
    QCOMPARE(spans.cells[0].firstToken, 0);
    QCOMPARE(spans.cells[0].endToken, 2);
    QCOMPARE(spans.cells[1].firstToken, 2);
  }

  void brokenBytesBecomeReplacementCharacters() {
    QCOMPARE(spellTokens({"a\xff", "\xe2\x82", "b"}, false).text, QStringLiteral("a\ufffd\ufffdb"));
    QCOMPARE(spellTokens({"\xed\xa0\x80"}, false).text, QStringLiteral("\ufffd\ufffd\ufffd"));
    QCOMPARE(spellTokens({"\xf4\x90\x80\x80"}, false).text.size(), 4);
    // While growing, the unfinished character is waited for.
    QCOMPARE(spellTokens({"a", "\xe2\x82"}, true).text, QStringLiteral("a"));
    QCOMPARE(spellTokens({"a", "\xe2\x82"}, false).text, QStringLiteral("a\ufffd"));
  }

  void textThatATemplateTrimmedStillFits() {
    const TokenSpans spans = spellTokens({"Hello", " you"}, false);
    const auto cells = placeCells(spans, QStringLiteral("  \nHello you  "));
    QCOMPARE(cells.size(), std::size_t{2});
    QCOMPARE(cells[0].start, 3);
    QVERIFY(placeCells(spans, QStringLiteral("Goodbye you")).empty());
  }

  void everyPointOfATokenAnswersWithIt() {
    World world;
    const auto part = world.say(TokenSource::assistant, test::kAnswer);
    InkText ink(world.trace, world.selection, world.source);
    ink.setMessage(QString::fromUtf8(test::kAnswer), part.first, part.end, TokenSource::assistant);
    QCOMPARE(ink.whyEmpty(), QString());
    ink.heightForWidth(260);
    int found = 0;
    for (EventIndex event = part.first; event < part.end; ++event) {
      const bool own = world.chat.log->record(event).header().source == TokenSource::assistant;
      QCOMPARE(ink.contains(event), own);
      // A leading blank at a line's end may have no width.
      for (const QRectF& rect : ink.rectsOf(event)) {
        if (rect.width() < 3) continue;
        ++found;
        QCOMPARE(ink.tokenAt(rect.center()), std::optional(event));
      }
    }
    QVERIFY(found > 60);
    QVERIFY(!ink.tokenAt(QPointF(-5, 5)));
    QVERIFY(!ink.tokenAt(QPointF(5, 1e6)));
  }

  void aNewlineTokenCanBePointedAt() {
    World world;
    const auto part = world.say(TokenSource::assistant, "one\ntwo");
    InkText ink(world.trace, world.selection, world.source);
    ink.setMessage(QStringLiteral("one\ntwo"), part.first, part.end, TokenSource::assistant);
    ink.heightForWidth(400);
    const EventIndex newline = part.first + 2;
    const auto rects = ink.rectsOf(newline);
    QCOMPARE(rects.size(), std::size_t{1});
    QCOMPARE(ink.tokenAt(rects[0].center()), std::optional(newline));
  }

  void growsWithTheReply() {
    World world;
    const std::string whole = test::kAnswer;
    const auto part = world.say(TokenSource::assistant, whole);
    InkText ink(world.trace, world.selection, world.source);
    InkText reference(world.trace, world.selection, world.source);
    ink.setMessage({}, part.first, part.first + 1, TokenSource::assistant);
    std::string text;
    for (EventIndex event = part.first + 1; event + 1 < part.end; ++event) {
      text += world.source.model()->tokenBytes(world.chat.log->record(event).token());
      ink.grow(QString::fromStdString(text), event + 1);
      ink.heightForWidth(300);
    }
    reference.setMessage(QString::fromStdString(whole), part.first, part.end,
                         TokenSource::assistant);
    QCOMPARE(ink.text(), reference.text());
    QCOMPARE(ink.heightForWidth(300), reference.heightForWidth(300));
    for (EventIndex event = part.first; event < part.end; ++event) {
      QCOMPARE(ink.rectsOf(event), reference.rectsOf(event));
    }
  }

  void findsItsRecordsWhenTheBranchComesLater() {
    // After a restart the messages are read before their trace.
    World world;
    const auto part = world.say(TokenSource::user, "hello there");
    world.trace.reset(nullptr, {});
    InkText ink(world.trace, world.selection, world.source);
    ink.setMessage(QStringLiteral("hello there"), part.first, part.end, TokenSource::user);
    QVERIFY(!ink.whyEmpty().isEmpty());
    world.trace.reset(world.chat.log, world.chat.parts);
    ink.traceChanged();
    QCOMPARE(ink.whyEmpty(), QString());
    QVERIFY(ink.contains(part.first + 1));
  }

  void saysWhyThereIsNoInk() {
    World world;
    world.chat.shape = {};
    const auto off = world.say(TokenSource::user, "no memory here");
    InkText ink(world.trace, world.selection, world.source);
    const QString text = QStringLiteral("no memory here");
    ink.setMessage(text, off.first, off.end, TokenSource::user);
    QVERIFY2(ink.whyEmpty().contains(QStringLiteral("off")), qPrintable(ink.whyEmpty()));
    ink.setMeasure(InkText::Measure::probability);
    QVERIFY(ink.whyEmpty().contains(QStringLiteral("request")));
    ink.setMessage(text, 0, 0, TokenSource::user);
    QVERIFY(ink.whyEmpty().contains(QStringLiteral("No trace")));
    ink.setMessage(QStringLiteral("other words"), off.first, off.end, TokenSource::user);
    QVERIFY(ink.whyEmpty().contains(QStringLiteral("spell")));
    world.source.setModel(nullptr);
    ink.setMessage(text, off.first, off.end, TokenSource::user);
    QVERIFY(ink.whyEmpty().contains(QStringLiteral("Open the model")));
    // Ranges beyond the log come from a damaged file.
    ink.setMessage(text, 0, ~EventIndex{0}, TokenSource::user);
    ink.heightForWidth(100);
  }

  void theLegendChoosesTheMeasure() {
    InspectSource source;
    InkLegend legend(source);
    QSignalSpy changed(&legend, &InkLegend::measureChanged);
    legend.setMeasure(InkText::Measure::tier);
    QCOMPARE(changed.count(), 1);
    QCOMPARE(legend.measure(), InkText::Measure::tier);
  }

  void pictures() {
    World world;
    const auto question = world.say(TokenSource::user, test::kQuestion);
    const auto answer = world.say(TokenSource::assistant, test::kAnswer);
    const QString mixed = QStringLiteral(
        "四大发明 in one paragraph 👩‍🚀:\n\tdef Main(x):\n\t\treturn Café(x)  # "
        "Ünïcode\n\nمرحبا "
        "Hello World");
    const auto other = world.say(TokenSource::assistant, bytesOf(mixed));
    std::vector<std::unique_ptr<InkText>> inks;
    const auto add = [&](const BranchTrace::Part& part, const QString& text, TokenSource whose,
                         InkText::Measure measure) {
      inks.push_back(std::make_unique<InkText>(world.trace, world.selection, world.source));
      inks.back()->setMessage(text, part.first, part.end, whose);
      inks.back()->setMeasure(measure);
    };
    const QString text = QString::fromUtf8(test::kAnswer);
    add(question, QString::fromUtf8(test::kQuestion), TokenSource::user, InkText::Measure::gate);
    add(answer, text, TokenSource::assistant, InkText::Measure::gate);
    add(other, mixed, TokenSource::assistant, InkText::Measure::gate);
    add(answer, text, TokenSource::assistant, InkText::Measure::tier);
    add(answer, text, TokenSource::assistant, InkText::Measure::write);
    add(answer, text, TokenSource::assistant, InkText::Measure::probability);
    world.selection.pin(answer.first + 5);
    test::takePictures(QStringLiteral("ink"), [&]() -> QWidget* {
      auto* window = new QWidget;
      auto* column = new QVBoxLayout(window);
      auto* legend = new InkLegend(world.source, window);
      auto* tiers = new InkLegend(world.source, window);
      tiers->setMeasure(InkText::Measure::tier);
      column->addWidget(legend);
      column->addWidget(tiers);
      std::vector<InkText*> list;
      for (const auto& ink : inks) {
        ink->retheme();
        list.push_back(ink.get());
      }
      column->addWidget(new Page(list, window), 1);
      window->resize(640, 620);
      return window;
    });
  }
};

UI_TEST(InkTextTest)
#include "ink_text_test.moc"

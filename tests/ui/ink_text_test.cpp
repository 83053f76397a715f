// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/ink_text.h"

#include <QPainter>
#include <QSignalSpy>
#include <QVBoxLayout>
#include <QtTest>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/models/utf8_spans.h"
#include "ui/theme.h"
#include "ui/views/chat/message_layout.h"
#include "ui/views/inspect/ink_legend.h"

using namespace mneme;

namespace {

// A message with its ink, as the chat view has them.
struct Inked {
  Inked(const BranchTrace& trace, const Selection& selection, const InspectSource& source)
      : ink(trace, selection, source) {
    layout.setInked(true);
  }
  void set(const QString& text, EventIndex first, EventIndex end, TokenSource whose) {
    ink.setMessage(text, first, end, whose);
    show(text, false);
  }
  void grow(const QString& text, EventIndex end) {
    ink.grow(text, end);
    show(text, true);
  }
  void show(const QString& text, bool growing) {
    layout.setMarkdown(text, growing);
    layout.layout(width);
  }
  std::vector<QRectF> rectsOf(EventIndex event) const { return ink.rectsOf(layout, event); }
  std::optional<EventIndex> tokenAt(const QPointF& point) const {
    return ink.tokenAt(layout, point);
  }
  QImage picture() {
    QImage image(static_cast<int>(width) + 8, static_cast<int>(layout.layout(width)) + 8,
                 QImage::Format_RGB32);
    image.fill(Theme::current().base);
    QPainter painter(&image);
    paint(painter);
    return image;
  }
  void paint(QPainter& painter) {
    const QRectF all(-4, -4, width + 8, layout.layout(width) + 8);
    layout.paintFrames(painter, {}, all);
    ink.paintCells(&painter, layout, all);
    layout.paintText(painter, {}, all, {});
    ink.paintSelection(&painter, layout);
  }

  MessageLayout layout;
  InkText ink;
  qreal width = 300;
};

// A widget around messages.
class Page : public QWidget {
 public:
  Page(std::vector<Inked*> messages, QWidget* parent)
      : QWidget(parent), m_messages(std::move(messages)) {}

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.fillRect(rect(), Theme::current().base);
    painter.translate(16, 12);
    for (Inked* one : m_messages) {
      one->width = width() - 32;
      one->layout.forgetLayout();
      one->paint(painter);
      painter.translate(0, one->layout.layout(one->width) + 14);
    }
  }

 private:
  std::vector<Inked*> m_messages;
};

}  // namespace

class InkTextTest : public QObject {
  Q_OBJECT

  struct World {
    test::Chat chat;
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    BranchTrace::MessageRange say(TokenSource whose, const std::string& text) {
      const auto part = chat.message(static_cast<MessageId>(chat.parts.size() + 1), whose, text);
      source.setModel(chat.model());
      trace.reset(chat.log, chat.parts);
      return part;
    }
    Inked inked() const { return {trace, selection, source}; }
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
    QCOMPARE(placeSpans(spans.text, QStringLiteral("  \nHello you  ")), std::optional(3));
    QCOMPARE(placeSpans(QStringLiteral(" ") + spans.text, spans.text), std::optional(-1));
    QCOMPARE(placeSpans(spans.text, QStringLiteral("Hello")), std::optional(0));
    QVERIFY(!placeSpans(spans.text, QStringLiteral("Goodbye you")));
  }

  void everyPointOfATokenAnswersWithIt() {
    World world;
    const auto part = world.say(TokenSource::assistant, test::kAnswer);
    Inked message = world.inked();
    message.width = 260;
    message.set(QString::fromUtf8(test::kAnswer), part.first, part.end, TokenSource::assistant);
    QCOMPARE(message.ink.whyEmpty(), QString());
    int found = 0;
    for (EventIndex event = part.first; event < part.end; ++event) {
      const bool own = world.chat.log->record(event).header().source == TokenSource::assistant;
      QCOMPARE(message.ink.contains(event), own);
      // A leading blank at a line's end may have no width.
      for (const QRectF& rect : message.rectsOf(event)) {
        if (rect.width() < 3) continue;
        ++found;
        QCOMPARE(message.tokenAt(rect.center()), std::optional(event));
      }
    }
    QVERIFY(found > 60);
    QVERIFY(!message.tokenAt(QPointF(-5, 5)));
    QVERIFY(!message.tokenAt(QPointF(5, 1e6)));
  }

  void aNewlineTokenCanBePointedAt() {
    World world;
    const auto part = world.say(TokenSource::assistant, "one\ntwo");
    Inked message = world.inked();
    message.set(QStringLiteral("one\ntwo"), part.first, part.end, TokenSource::assistant);
    const EventIndex newline = part.first + 2;
    const auto rects = message.rectsOf(newline);
    QCOMPARE(rects.size(), std::size_t{1});
    QCOMPARE(message.tokenAt(rects[0].center()), std::optional(newline));
  }

  // Headings, marks, entities, lists, code and tables stay laid out; what is shown of the source
  // carries its tokens' ink, each once and where its characters stand.
  void markdownKeepsItsLayoutUnderInk() {
    World world;
    const QString source = QStringLiteral(
        "# Great kings\n\nOnly **Alexander** could &amp; did.\n\n- one item\n- `code` two\n\n"
        "```cpp\nint main() {\n  return 0;\n}\n```\n\n| name | year |\n|---|---|\n"
        "| Plutarch | 100 |\n");
    const auto part = world.say(TokenSource::assistant, bytesOf(source));
    Inked message = world.inked();
    message.width = 420;
    message.set(source, part.first, part.end, TokenSource::assistant);
    QCOMPARE(message.ink.whyEmpty(), QString());
    MessageLayout plain;
    plain.setMarkdown(source, false);
    plain.layout(420);
    QCOMPARE(message.layout.text(), plain.text());
    QCOMPARE(message.layout.layout(420), plain.layout(420));

    const auto rectOf = [&](const char* word) {
      const auto at = static_cast<int>(source.indexOf(QLatin1String(word)));
      const auto rects = message.layout.rectsOfSource({at, at + static_cast<int>(qstrlen(word))});
      return rects.size() == 1 ? rects[0] : QRectF();
    };
    for (const char* word : {"Great", "Alexander", "could", "&amp;", "did", "item", "code", "two",
                             "main", "return", "name", "year", "Plutarch", "100"}) {
      QVERIFY2(rectOf(word).width() > 4, word);
    }
    for (const char* mark : {"# ", "**", "```cpp", "|---|"}) {
      const auto at = static_cast<int>(source.indexOf(QLatin1String(mark)));
      const auto length = static_cast<int>(qstrlen(mark));
      QVERIFY2(message.layout.rectsOfSource({at, at + length}).empty(), mark);
    }
    QVERIFY(rectOf("could").left() > rectOf("Alexander").right());
    QCOMPARE(rectOf("could").top(), rectOf("Alexander").top());
    QVERIFY(rectOf("&amp;").width() < 20);  // one character
    QVERIFY(rectOf("return").left() > rectOf("int").left());
    QCOMPARE(rectOf("name").left(), rectOf("Plutarch").left());
    QCOMPARE(rectOf("100").top(), rectOf("Plutarch").top());
    int shown = 0;
    for (EventIndex event = part.first; event < part.end; ++event) {
      for (const QRectF& rect : message.rectsOf(event)) {
        if (rect.width() < 3) continue;
        QCOMPARE(message.tokenAt(rect.center()), std::optional(event));
        ++shown;
      }
    }
    QVERIFY2(shown > 15, qPrintable(QString::number(shown)));
  }

  void growsWithTheReply_data() {
    QTest::addColumn<QString>("whole");
    QTest::newRow("a paragraph") << QString::fromUtf8(test::kAnswer);
    QTest::newRow("a long paragraph") << QString::fromUtf8(test::kAnswer).repeated(8);
    QTest::newRow("blocks") << QStringLiteral(
        "# Title\n\nOne **bold** word.\n\n- a\n- b\n\n```py\nx = 1\n\ny = 2\n```\n\n---\n\n"
        "> quoted\n> twice\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end 四大 of it.");
  }

  void growsWithTheReply() {
    QFETCH(QString, whole);
    World world;
    const auto part = world.say(TokenSource::assistant, bytesOf(whole));
    Inked message = world.inked();
    Inked reference = world.inked();
    message.set({}, part.first, part.first + 1, TokenSource::assistant);
    std::string text;
    for (EventIndex event = part.first + 1; event + 1 < part.end; ++event) {
      text += world.source.model()->tokenBytes(world.chat.log->record(event).token());
      message.grow(QString::fromStdString(text), event + 1);
    }
    reference.set(whole, part.first, part.end, TokenSource::assistant);
    QCOMPARE(message.layout.text(), reference.layout.text());
    QCOMPARE(message.layout.layout(300), reference.layout.layout(300));
    for (EventIndex event = part.first; event < part.end; ++event) {
      QCOMPARE(message.rectsOf(event), reference.rectsOf(event));
    }
    // Not only the places: every pixel.
    QCOMPARE(message.picture(), reference.picture());
    message.show(whole, false);  // finished
    QCOMPARE(message.picture(), reference.picture());
  }

  // Ink is painted behind the text, so no change of it can take the text's lines away.
  void textStaysUnderEveryChangeOfInk() {
    World world;
    const auto part = world.say(TokenSource::assistant, test::kAnswer);
    Inked message = world.inked();
    message.set(QString::fromUtf8(test::kAnswer), part.first, part.end, TokenSource::assistant);
    const auto darkPixels = [&] {
      const QImage image = message.picture();
      int dark = 0;
      for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) dark += qGray(image.pixel(x, y)) < 70 ? 1 : 0;
      }
      return dark;
    };
    const int before = darkPixels();
    QVERIFY(before > 1000);
    for (const auto measure : {InkText::Measure::write, InkText::Measure::tier,
                               InkText::Measure::probability, InkText::Measure::gate}) {
      message.ink.setMeasure(measure);
      QVERIFY(darkPixels() > before * 2 / 3);
    }
    message.ink.traceChanged();
    QCOMPARE(darkPixels(), before);
    Q_EMIT world.trace.recordsChanged();
    QCOMPARE(darkPixels(), before);
  }

  // The work of an update does not grow with the paragraph.
  void anUpdateLaysOutTheEndOnly() {
    World world;
    const std::string whole = QString::fromUtf8(test::kAnswer).repeated(12).toStdString();
    const auto part = world.say(TokenSource::assistant, whole);
    Inked message = world.inked();
    message.width = 500;
    message.set({}, part.first, part.first + 1, TokenSource::assistant);
    std::string text;
    int most = 0;
    qreal lowest = 0;
    for (EventIndex event = part.first + 1; event + 1 < part.end; ++event) {
      text += world.source.model()->tokenBytes(world.chat.log->record(event).token());
      const int before = MessageLayout::piecesLaidOut();
      message.layout.takeChangedFrom();
      message.grow(QString::fromStdString(text), event + 1);
      most = std::max(most, MessageLayout::piecesLaidOut() - before);
      const qreal height = message.layout.layout(message.width);
      lowest = std::max(lowest, height - message.layout.takeChangedFrom());
    }
    QVERIFY2(most <= 3, qPrintable(QString::number(most)));
    QVERIFY2(message.layout.layout(500) > 1000, "the paragraph is long");
    QVERIFY2(lowest < 400, qPrintable(QString::number(lowest)));
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
    std::vector<std::unique_ptr<Inked>> inks;
    const auto add = [&](const BranchTrace::MessageRange& part, const QString& text,
                         TokenSource whose, InkText::Measure measure) {
      inks.push_back(std::make_unique<Inked>(world.trace, world.selection, world.source));
      inks.back()->set(text, part.first, part.end, whose);
      inks.back()->ink.setMeasure(measure);
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
      std::vector<Inked*> list;
      for (const auto& ink : inks) list.push_back(ink.get());
      column->addWidget(new Page(list, window), 1);
      window->resize(640, 620);
      return window;
    });
  }
};

UI_TEST(InkTextTest)
#include "ink_text_test.moc"

// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/message_layout.h"

#include <QImage>
#include <QPainter>
#include <QtTest>
#include <algorithm>

#include "engram/bench/thread_seconds.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"

using namespace mneme;

namespace {

constexpr qreal kWidth = 600;
constexpr int kLarge = 200'000;
constexpr int kScreen = 800;

QString times(const QString& piece) {
  return piece.repeated(kLarge / piece.size() + 1).left(kLarge);
}

// 200,000 characters of kinds whose heights are guessed well, badly, and by row.
void longTexts() {
  QTest::addColumn<QString>("text");
  const auto row = [](const char* name, const QString& text) { QTest::newRow(name) << text; };
  row("one line of brackets", times(QStringLiteral("[")));
  row("words in one paragraph", times(QStringLiteral("Only Alexander could tame Bucephalus. ")));
  row("emoji in one paragraph", times(QString::fromUtf8("👩‍🚀 四大发明 ")));
  row("joined emoji", times(QString::fromUtf8("👩‍")));
  row("paragraphs", times(QString::fromUtf8("Only **Alexander** could 👩‍🚀 tame `it`, so he "
                                            "did, and rode far away from Macedon to see it.\n\n")));
  row("code", QStringLiteral("```cpp\n") + times(QStringLiteral("int a = 1;\n")));
  row("one line of code", QStringLiteral("```cpp\n") + times(QStringLiteral("int a = 1; ")));
  row("a table",
      QStringLiteral("|a|b|\n|---|---|\n") +
          times(QString::fromUtf8(
              "|Only Alexander could tame Bucephalus, a horse that "
              "feared its own shadow, as it turned out in the end.|四大发明 four inventions|\n")));
}

// The places of some of the characters of a text that is laid out.
std::vector<QRectF> places(const MessageLayout& layout) {
  std::vector<QRectF> places;
  for (int i = 0; i < layout.text().size(); i += 997) places.push_back(layout.cursorRect(i));
  return places;
}

}  // namespace

class MessageLayoutTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() { Theme::choose(Theme::Choice::light); }

  // Whatever a model writes, the work stays in proportion to what there is to read.
  void hostileTextsCostLittle_data() {
    QTest::addColumn<QString>("text");
    const auto row = [](const char* name, const QString& text) { QTest::newRow(name) << text; };
    for (const char* piece : {"*",           "_*",
                              "**a ",        "*a_ ",
                              "[",           "]",
                              "![",          "[a](",
                              "[](a)",       "`",
                              "` ",          "`` ` ",
                              ">",           "> ",
                              "|",           "- ",
                              "1. ",         "~",
                              "<",           "&",
                              "&amp;",       "\\",
                              "\\*",         "a",
                              "a ",          "a\n",
                              "\n",          "# a\n",
                              "```\n```\n",  "```\na\n```\n",
                              "---\n",       "- a\n",
                              "  - a\n",     "> a\n\n",
                              "a|b\n",       "www.a.b ",
                              "http://a.b ", "a@b.c ",
                              "*a* ",        "`a` ",
                              "[a](b) ",     "e\xcc\x81",
                              "\xcc\x81",    "\xd7\xa9",
                              "\xd7\xa9 a ", "\xf0\x9f\x91\xa9\xe2\x80\x8d",
                              "\t",          " "}) {
      row(piece, times(QString::fromUtf8(piece)));
    }
    QString nested;
    for (int depth = 0; nested.size() < kLarge; depth = (depth + 1) % 200) {
      nested += QString(depth * 2, QLatin1Char(' ')) + QStringLiteral("- a\n");
    }
    row("nested lists", nested);
    QString quotes;
    for (int depth = 1; quotes.size() < kLarge; depth = depth % 200 + 1) {
      quotes += QStringLiteral("> ").repeated(depth) + QStringLiteral("a\n");
    }
    row("nested quotes", quotes);
    row("a table of short rows", QStringLiteral("|a").repeated(60) + QStringLiteral("|\n") +
                                     QStringLiteral("|---").repeated(60) + QStringLiteral("|\n") +
                                     times(QStringLiteral("|x|\n")));
    row("a long code block", QStringLiteral("```cpp\n") + times(QStringLiteral("int a = 1;\n")));
    row("one line of code", QStringLiteral("```cpp\n") + times(QStringLiteral("int a = 1; ")));
    row("definitions", times(QStringLiteral("[a]: b\n")) + QStringLiteral("\n[a]"));
  }

  void hostileTextsCostLittle() {
    QFETCH(QString, text);
    double began = thread_seconds();
    const auto sinceBegan = [&] { return 1000 * (thread_seconds() - began); };
    const ParsedMarkdown parsed = parseMarkdown(text);
    const double parse = sinceBegan();
    std::size_t spans = 0;
    std::size_t cells = 0;
    for (const MarkdownBlock& block : parsed.blocks) {
      spans += block.text.spans.size();
      for (const auto& row : block.rows) cells += row.size();
    }
    QVERIFY(parsed.blocks.size() <= 2001);
    QVERIFY(spans <= 4001);
    QVERIFY(cells <= 4001);
    const int before = MessageLayout::piecesLaidOut();
    MessageLayout layout;
    began = thread_seconds();
    layout.setMarkdown(text, false);
    layout.layout(kWidth);
    const double laidOut = sinceBegan();
    const int pieces = MessageLayout::piecesLaidOut() - before;
    // All pieces but the last of a text hold many characters; parts are bounded.
    QVERIFY2(pieces < 4500, qPrintable(QString::number(pieces)));
    began = thread_seconds();
    QImage image(static_cast<int>(kWidth), kScreen, QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    double shown = 0;  // the costliest screen
    for (const double share : {1.0, 0.5, 0.0}) {
      began = thread_seconds();
      const qreal top = share * std::max(0.0, layout.layout(kWidth) - kScreen);
      layout.layoutArea(top, top + kScreen);
      layout.paintFrames(painter, QPointF(0, -top), QRectF(0, 0, kWidth, kScreen));
      layout.paintText(painter, QPointF(0, -top), QRectF(0, 0, kWidth, kScreen), {});
      layout.hitTest(QPointF(100, top + 400));
      layout.sourceIn(QRectF(0, top, kWidth, kScreen));
      shown = std::max(shown, sinceBegan());
    }
    qInfo("processor time: parsed in %.0f ms, laid out in %.0f ms (%d pieces), a screen in %.0f ms",
          parse, laidOut, pieces, shown);
  }

  void aLongMessageIsLaidOutWhereItIsLookedAt_data() { longTexts(); }

  void aLongMessageIsLaidOutWhereItIsLookedAt() {
    QFETCH(QString, text);
    MessageLayout layout;
    const int before = MessageLayout::charactersLaidOut();
    layout.setMarkdown(text, false);
    QVERIFY(layout.isLong());
    const qreal height = layout.layout(kWidth);
    QCOMPARE(MessageLayout::charactersLaidOut(), before);
    layout.layoutArea(height - kScreen, height);
    const int characters = MessageLayout::charactersLaidOut() - before;
    QVERIFY(characters > 200);
    QVERIFY2(characters < 25'000, qPrintable(QString::number(characters)));
    // Heights were guessed, not made up: but for a text that is one character of 200,000 units.
    layout.layoutCharacters({0, static_cast<int>(layout.text().size())});
    const qreal exact = layout.layout(kWidth);
    const bool one = text.startsWith(QString::fromUtf8("👩‍👩"));
    QVERIFY2(one || (height > 0.4 * exact && height < 2.5 * exact),
             qPrintable(QStringLiteral("%1 for %2").arg(height).arg(exact)));
  }

  void theOrderOfLookingDoesNotMatter_data() { longTexts(); }

  void theOrderOfLookingDoesNotMatter() {
    QFETCH(QString, text);
    MessageLayout whole;
    whole.setMarkdown(text, false);
    whole.layout(kWidth);
    whole.layoutCharacters({0, static_cast<int>(whole.text().size())});
    const qreal height = whole.layout(kWidth);
    const std::vector<QRectF> expected = places(whole);
    QVERIFY(std::count(expected.begin(), expected.end(), QRectF()) < 20);  // between texts
    QVERIFY(!whole.layoutArea(0, height));

    MessageLayout upwards;
    upwards.setMarkdown(text, false);
    qreal bottom = upwards.layout(kWidth);
    while (bottom > 0) {
      // What is below stays where it is, seen from the end.
      const qreal below = upwards.layout(kWidth) - bottom;
      if (upwards.layoutArea(bottom - kScreen, bottom)) {
        bottom = upwards.layout(kWidth) - below;
      } else {
        bottom -= kScreen;
      }
    }
    QCOMPARE(upwards.layout(kWidth), height);
    QCOMPARE(places(upwards), expected);

    MessageLayout downwards;
    downwards.setMarkdown(text, false);
    downwards.layout(kWidth);
    for (qreal top = 0; top < downwards.layout(kWidth); top += kScreen) {
      while (downwards.layoutArea(top, top + kScreen)) downwards.layout(kWidth);
    }
    QCOMPARE(downwards.layout(kWidth), height);
    QCOMPARE(places(downwards), expected);
  }

  void aPlaceInALongMessageIsFound_data() { longTexts(); }

  void aPlaceInALongMessageIsFound() {
    QFETCH(QString, text);
    MessageLayout layout;
    layout.setMarkdown(text, false);
    layout.layout(kWidth);
    const auto middle = static_cast<int>(layout.text().size() / 2 + 3);
    QVERIFY(layout.rectsOf({middle, middle + 1}).empty());
    layout.layoutCharacters({middle, middle + 1});
    layout.layout(kWidth);
    const auto rects = layout.rectsOf({middle, middle + 1});
    if (layout.text()[middle].isSpace()) return;
    QCOMPARE(rects.size(), std::size_t{1});
    QCOMPARE(rects[0].top(), layout.cursorRect(middle).top());
    const MessageLayout::Range near = layout.charactersIn(rects[0].top(), rects[0].bottom());
    QVERIFY(near.from <= middle && near.to > middle);
    const auto first = layout.firstPosition(rects[0].top() + 1, rects[0].bottom() - 1);
    QVERIFY(first && *first <= middle && middle - *first < 8000);
  }

  // Code of lines that fit is as high as its lines, laid out or not.
  void linesOfCodeAreCounted() {
    const auto heightOf = [](int lines) {
      MessageLayout layout;
      layout.setMarkdown(
          QStringLiteral("```cpp\n") + QStringLiteral("int a = 1;\n").repeated(lines), false);
      return layout.layout(kWidth);
    };
    const qreal line = heightOf(3) - heightOf(2);
    QVERIFY(line > 5);
    QCOMPARE(heightOf(20'000), heightOf(1) + 19'999 * line);
  }

  // Where a line longer than any stretch is cut does not depend on how it came.
  void aGrowingLineIsCutAsTheWholeIs() {
    for (const char* piece : {"word ", "["}) {
      const QString words = QLatin1String(piece);
      const QString source = words.repeated(9000 / words.size());
      MessageLayout growing;
      for (qsizetype length = 7000; length <= source.size(); length += 17) {
        growing.setMarkdown(source.left(length), true);
        growing.layout(kWidth);
        if (length % 5 != 0 && length + 17 <= source.size()) continue;
        MessageLayout whole;
        whole.setMarkdown(source.left(length), false);
        QCOMPARE(growing.layout(kWidth), whole.layout(kWidth));
        QCOMPARE(places(growing), places(whole));
      }
    }
  }

  // Only the end of a growing code block is coloured again, and is what the whole would be.
  void growingCodeIsColouredAsTheWholeIs() {
    const QString all = QStringLiteral(
        "```cpp\nint a = 1; /* a comment\nof lines */ const char* s = \"str // ing\";\n"
        "// int no = 2;\nfor (int i = 0; i < 10; ++i) call(i, 0x1F, 'c');\nreturn \"open\n");
    const QString source = all + QStringLiteral("int last = 3;\n").repeated(20);
    const auto picture = [](MessageLayout& layout) {
      QImage image(static_cast<int>(kWidth), static_cast<int>(layout.layout(kWidth)),
                   QImage::Format_RGB32);
      image.fill(Qt::white);
      QPainter painter(&image);
      layout.paintText(painter, {}, image.rect(), {});
      return image;
    };
    MessageLayout growing;
    for (int length = 8; length <= source.size(); ++length) {
      growing.setMarkdown(source.left(length), true);
      growing.layout(kWidth);
      if (length % 40 != 0 && length < source.size()) continue;
      MessageLayout whole;
      whole.setMarkdown(source.left(length), false);
      QCOMPARE(picture(growing), picture(whole));
    }
  }

  void longParagraphsBreakAsOneLayoutWould() {
    const QString words = QStringLiteral("Only Alexander the Great could tame Bucephalus. ");
    const QString text = words.repeated(100).trimmed();
    MessageLayout layout;
    layout.setPlain(text);
    layout.layout(kWidth);
    QTextLayout whole(text, Theme::current().uiFont(1.08));
    QTextOption option;
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    whole.setTextOption(option);
    whole.beginLayout();
    qreal y = -1;
    for (QTextLine line = whole.createLine(); line.isValid(); line = whole.createLine()) {
      line.setLineWidth(kWidth);
      const QRectF first = layout.cursorRect(line.textStart());
      QVERIFY(first.top() > y);
      QCOMPARE(first.left(), 0.0);
      y = first.top();
    }
    whole.endLayout();
    QVERIFY(whole.lineCount() > 50);
    QCOMPARE(layout.hitTest(QPointF(0, y + 2)).position,
             whole.lineAt(whole.lineCount() - 1).textStart());
  }

  void paragraphsStandWhereTheirTextBegins() {
    const QString hebrew = QString::fromUtf8("שורה בעברית שמתחילה מימין.");
    const auto right = [](const MessageLayout& layout, qsizetype position) {
      return layout.cursorRect(static_cast<int>(position)).x() > kWidth * 0.8;
    };
    MessageLayout layout;
    layout.setMarkdown(hebrew + QStringLiteral("\n\nlatin\n\n12 ") + hebrew, false);
    layout.layout(kWidth);
    QVERIFY(right(layout, 0));
    QVERIFY(!right(layout, layout.text().indexOf(QLatin1String("latin"))));
    QVERIFY(right(layout, layout.text().indexOf(QLatin1String("12"))));

    // What a person wrote: each line by itself.
    layout.setPlain(QStringLiteral("latin\n") + hebrew + QStringLiteral("\n123\nlatin again"));
    layout.layout(kWidth);
    QVERIFY(!right(layout, 0));
    QVERIFY(right(layout, layout.text().indexOf(hebrew)));
    QVERIFY(!right(layout, layout.text().indexOf(QLatin1String("latin again"))));
    QVERIFY(layout.cursorRect(static_cast<int>(layout.text().indexOf(QLatin1String("123")))).y() >
            layout.cursorRect(static_cast<int>(layout.text().indexOf(hebrew))).y());

    // Lists, quotes and headings on the side of their text; code never.
    layout.setMarkdown(QStringLiteral("- ") + hebrew + QStringLiteral("\n- latin\n\n> ") + hebrew +
                           QStringLiteral("\n\n# ") + hebrew + QStringLiteral("\n\n```\n") +
                           hebrew + QStringLiteral("\n```\n"),
                       false);
    layout.layout(kWidth);
    const QString& text = layout.text();
    const qsizetype item = text.indexOf(hebrew);
    const qsizetype quote = text.indexOf(hebrew, item + 1);
    const qsizetype heading = text.indexOf(hebrew, quote + 1);
    const qsizetype code = text.indexOf(hebrew, heading + 1);
    QVERIFY(right(layout, item));
    QVERIFY(layout.cursorRect(static_cast<int>(item)).x() < kWidth - 15);  // room for the marker
    QVERIFY(layout.cursorRect(static_cast<int>(text.indexOf(QLatin1String("latin")))).x() > 15);
    QVERIFY(right(layout, quote));
    QVERIFY(layout.cursorRect(static_cast<int>(quote)).x() < kWidth - 10);
    QVERIFY(right(layout, heading));
    QVERIFY(layout.hitTest(QPointF(kWidth * 0.9, layout.cursorRect(static_cast<int>(code)).y() + 3))
                .position >= code);
    const auto codeRects = layout.rectsOfSource(
        layout.sourceIn(QRectF(0, layout.cursorRect(static_cast<int>(code)).y() + 4, kWidth, 2)));
    QVERIFY(!codeRects.empty());
    for (const QRectF& rect : codeRects) QVERIFY(rect.left() < kWidth / 2);
  }

  void pictures() {
    const QString folder = qEnvironmentVariable("MNEME_PICTURES");
    if (folder.isEmpty()) QSKIP("no folder for pictures");
    const QString hebrew = QString::fromUtf8("שורה בעברית שמתחילה מימין.");
    MessageLayout layout;
    layout.setMarkdown(hebrew + QStringLiteral(" and latin in it.\n\n- ") + hebrew +
                           QStringLiteral("\n- latin\n\n> ") + hebrew +
                           QStringLiteral("\n\n1. one\n2. two\n\n> quoted\n\n# ") + hebrew +
                           QStringLiteral("\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| ") +
                           hebrew + QStringLiteral(" | 2 |\n"),
                       false);
    QImage image(static_cast<int>(kWidth) + 20, static_cast<int>(layout.layout(kWidth)) + 20,
                 QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    const QRectF all(image.rect());
    layout.paintFrames(painter, QPointF(10, 10), all);
    layout.paintText(painter, QPointF(10, 10), all, {});
    QVERIFY(image.save(folder + QStringLiteral("/message.png")));
  }
};

UI_TEST(MessageLayoutTest)
#include "message_layout_test.moc"

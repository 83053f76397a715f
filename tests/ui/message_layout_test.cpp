// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/message_layout.h"

#include <QImage>
#include <QPainter>
#include <QtTest>

#include "engram/bench/thread_seconds.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"

using namespace mneme;

namespace {

constexpr qreal kWidth = 600;
constexpr int kLarge = 200'000;

QString times(const QString& piece) {
  return piece.repeated(kLarge / piece.size() + 1).left(kLarge);
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
    const qreal height = layout.layout(kWidth);
    const double laidOut = sinceBegan();
    const int pieces = MessageLayout::piecesLaidOut() - before;
    // All pieces but the last of a text hold many characters; parts are bounded.
    QVERIFY2(pieces < 4500, qPrintable(QString::number(pieces)));
    QVERIFY(height >= 0);
    began = thread_seconds();
    QImage image(static_cast<int>(kWidth), 800, QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    for (const qreal top : {0.0, height / 2, std::max(0.0, height - 800)}) {
      layout.paintFrames(painter, QPointF(0, -top), QRectF(0, 0, kWidth, 800));
      layout.paintText(painter, QPointF(0, -top), QRectF(0, 0, kWidth, 800), {});
      layout.hitTest(QPointF(100, top + 400));
      layout.sourceIn(QRectF(0, top, kWidth, 800));
    }
    qInfo("processor time: parsed in %.0f ms, laid out in %.0f ms (%d pieces), painted in %.0f ms",
          parse, laidOut, pieces, sinceBegan());
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

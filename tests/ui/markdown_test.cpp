// SPDX-License-Identifier: Apache-2.0
#include "ui/markdown.h"

#include <QElapsedTimer>
#include <QtTest>

#include "tests/ui/ui_test.h"
#include "ui/highlight.h"

using namespace mneme;
using Kind = MarkdownBlock::Kind;

class MarkdownTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void paragraphsCarryInlineMarks() {
    const auto blocks = parseMarkdown(QStringLiteral("Hello **bold** and *it* `x=1` ~~old~~"));
    QCOMPARE(blocks.size(), std::size_t{1});
    QCOMPARE(blocks[0].text.text, QStringLiteral("Hello bold and it x=1 old"));
    QCOMPARE(blocks[0].text.spans.size(), std::size_t{4});
    QVERIFY(blocks[0].text.spans[0].bold);
    QCOMPARE(blocks[0].text.spans[0].start, 6);
    QVERIFY(blocks[0].text.spans[1].italic);
    QVERIFY(blocks[0].text.spans[2].code);
    QVERIFY(blocks[0].text.spans[3].strike);
  }

  void versesKeepTheirLines() {
    const auto blocks = parseMarkdown(QStringLiteral("roses are red\nviolets are blue"));
    QCOMPARE(blocks.size(), std::size_t{1});
    QCOMPARE(blocks[0].text.text.split(QChar(QChar::LineSeparator)).size(), 2);
  }

  void codeKeepsItsLinesAndLanguage() {
    const auto blocks = parseMarkdown(QStringLiteral("```python\na = 1\n\nb = **2**\n```\nend"));
    QCOMPARE(blocks.size(), std::size_t{2});
    QCOMPARE(blocks[0].kind, Kind::code);
    QCOMPARE(blocks[0].language, QStringLiteral("python"));
    QCOMPARE(blocks[0].text.text, QStringLiteral("a = 1\n\nb = **2**"));
  }

  void anOpenFenceIsAlreadyCode() {
    const auto blocks = parseMarkdown(QStringLiteral("Look:\n```cpp\nint x"));
    QCOMPARE(blocks.size(), std::size_t{2});
    QCOMPARE(blocks[1].kind, Kind::code);
    QCOMPARE(blocks[1].text.text, QStringLiteral("int x"));
  }

  void listsHaveMarkersAndDepth() {
    const auto blocks = parseMarkdown(QStringLiteral("- a\n  1. b\n  2. c\n- [x] d\n"));
    QCOMPARE(blocks.size(), std::size_t{4});
    QCOMPARE(blocks[0].marker, QString(QChar(0x2022)));
    QCOMPARE(blocks[0].listDepth, 1);
    QCOMPARE(blocks[1].marker, QStringLiteral("1."));
    QCOMPARE(blocks[2].marker, QStringLiteral("2."));
    QCOMPARE(blocks[2].listDepth, 2);
    QCOMPARE(blocks[3].marker, QString(QChar(0x2611)));
    QCOMPARE(blocks[3].text.text, QStringLiteral("d"));
    QVERIFY(blocks[3].tight);
  }

  void tablesHaveRowsAndAlignment() {
    const auto blocks =
        parseMarkdown(QStringLiteral("| n | v |\n|---|---:|\n| a | **1** |\n| b | 2 |\n"));
    QCOMPARE(blocks.size(), std::size_t{1});
    QCOMPARE(blocks[0].kind, Kind::table);
    QCOMPARE(blocks[0].rows.size(), std::size_t{3});
    QCOMPARE(blocks[0].rows[1][1].text, QStringLiteral("1"));
    QVERIFY(blocks[0].rows[1][1].spans[0].bold);
    QCOMPARE(blocks[0].alignments[1], Qt::Alignment(Qt::AlignRight));
  }

  void quotesHeadingsRulesAndLinks() {
    const auto blocks =
        parseMarkdown(QStringLiteral("# T\n> q [site](https://example.org)\n\n---\n"));
    QCOMPARE(blocks.size(), std::size_t{3});
    QCOMPARE(blocks[0].level, 1);
    QCOMPARE(blocks[1].quoteDepth, 1);
    QCOMPARE(blocks[1].text.spans.back().link, QStringLiteral("https://example.org"));
    QCOMPARE(blocks[2].kind, Kind::rule);
  }

  void htmlIsTextAndEntitiesAreCharacters() {
    const auto blocks = parseMarkdown(QStringLiteral("<b>x</b> &lt;y&gt; &#228;"));
    QCOMPARE(blocks.size(), std::size_t{1});
    QCOMPARE(blocks[0].text.text, QString::fromUtf8("<b>x</b> <y> ä"));
  }

  void hostileInputEndsSoonAndStaysWhole() {
    QElapsedTimer clock;
    clock.start();
    parseMarkdown(QString(20000, QLatin1Char('>')));
    parseMarkdown(QStringLiteral("- ").repeated(5000));
    parseMarkdown(QStringLiteral("[").repeated(20000));
    parseMarkdown(QStringLiteral("**a ").repeated(10000));
    QString table = QStringLiteral("|a").repeated(2000) + QLatin1Char('\n') +
                    QStringLiteral("|-").repeated(2000) + QLatin1Char('\n') +
                    QStringLiteral("|x\n").repeated(2000);
    const auto blocks = parseMarkdown(table);
    QVERIFY(!blocks.empty());
    QVERIFY2(clock.elapsed() < 5000, qPrintable(QString::number(clock.elapsed())));
  }

  void codeIsColouredByLanguage() {
    const QString code = QStringLiteral("def f(x):  # note\n    return \"a\\\"b\" + 12");
    const auto spans = highlightCode(QStringLiteral("python"), code);
    const auto has = [&](CodeKind kind, const char* text) {
      return std::any_of(spans.begin(), spans.end(), [&](const CodeSpan& s) {
        return s.kind == kind && code.mid(s.start, s.length) == QLatin1String(text);
      });
    };
    QVERIFY(has(CodeKind::keyword, "def"));
    QVERIFY(has(CodeKind::name, "f"));
    QVERIFY(has(CodeKind::comment, "# note"));
    QVERIFY(has(CodeKind::string, "\"a\\\"b\""));
    QVERIFY(has(CodeKind::number, "12"));
    QVERIFY(highlightCode(QStringLiteral("klingon"), code).empty());
    int end = 0;
    for (const CodeSpan& s : spans) {
      QVERIFY(s.start >= end);
      end = s.start + s.length;
    }
    QVERIFY(end <= code.size());
  }
};

UI_TEST(MarkdownTest)
#include "markdown_test.moc"

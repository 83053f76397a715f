// SPDX-License-Identifier: Apache-2.0
#include "ui/markdown.h"

#include <QtTest>

#include "tests/ui/ui_test.h"
#include "ui/highlight.h"

using namespace mneme;
using Kind = MarkdownBlock::Kind;

class MarkdownTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void paragraphsCarryInlineMarks() {
    const auto blocks =
        parseMarkdown(QStringLiteral("Hello **bold** and *it* `x=1` ~~old~~")).blocks;
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
    const auto blocks = parseMarkdown(QStringLiteral("roses are red\nviolets are blue")).blocks;
    QCOMPARE(blocks.size(), std::size_t{1});
    QCOMPARE(blocks[0].text.text.split(QChar(QChar::LineSeparator)).size(), 2);
  }

  void codeKeepsItsLinesAndLanguage() {
    const auto blocks =
        parseMarkdown(QStringLiteral("```python\na = 1\n\nb = **2**\n```\nend")).blocks;
    QCOMPARE(blocks.size(), std::size_t{2});
    QCOMPARE(blocks[0].kind, Kind::code);
    QCOMPARE(blocks[0].language, QStringLiteral("python"));
    QCOMPARE(blocks[0].text.text, QStringLiteral("a = 1\n\nb = **2**"));
  }

  void anOpenFenceIsAlreadyCode() {
    const auto blocks = parseMarkdown(QStringLiteral("Look:\n```cpp\nint x")).blocks;
    QCOMPARE(blocks.size(), std::size_t{2});
    QCOMPARE(blocks[1].kind, Kind::code);
    QCOMPARE(blocks[1].text.text, QStringLiteral("int x"));
  }

  void listsHaveMarkersAndDepth() {
    const auto blocks = parseMarkdown(QStringLiteral("- a\n  1. b\n  2. c\n- [x] d\n")).blocks;
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
        parseMarkdown(QStringLiteral("| n | v |\n|---|---:|\n| a | **1** |\n| b | 2 |\n")).blocks;
    QCOMPARE(blocks.size(), std::size_t{1});
    QCOMPARE(blocks[0].kind, Kind::table);
    QCOMPARE(blocks[0].rows.size(), std::size_t{3});
    QCOMPARE(blocks[0].rows[1][1].text, QStringLiteral("1"));
    QVERIFY(blocks[0].rows[1][1].spans[0].bold);
    QCOMPARE(blocks[0].alignments[1], Qt::Alignment(Qt::AlignRight));
  }

  void quotesHeadingsRulesAndLinks() {
    const auto blocks =
        parseMarkdown(QStringLiteral("# T\n> q [site](https://example.org)\n\n---\n")).blocks;
    QCOMPARE(blocks.size(), std::size_t{3});
    QCOMPARE(blocks[0].level, 1);
    QCOMPARE(blocks[1].quoteDepth, 1);
    QCOMPARE(blocks[1].text.spans.back().link, QStringLiteral("https://example.org"));
    QCOMPARE(blocks[2].kind, Kind::rule);
  }

  void htmlIsTextAndEntitiesAreCharacters() {
    const auto blocks = parseMarkdown(QStringLiteral("<b>x</b> &lt;y&gt; &#228;")).blocks;
    QCOMPARE(blocks.size(), std::size_t{1});
    QCOMPARE(blocks[0].text.text, QString::fromUtf8("<b>x</b> <y> ä"));
  }

  // Beyond any answer meant to be read: the text as it is, with all its characters.
  void whatWouldTakeTooManyPartsIsPlainText() {
    const QString table = QStringLiteral("|a").repeated(60) + QStringLiteral("|\n") +
                          QStringLiteral("|---").repeated(60) + QStringLiteral("|\n") +
                          QStringLiteral("|x|\n").repeated(200);
    for (const QString& source : {table, QStringLiteral("*a* ").repeated(5000),
                                  QStringLiteral("```\n```\n").repeated(3000)}) {
      const auto blocks = parseMarkdown(source).blocks;
      QCOMPARE(blocks.size(), std::size_t{1});
      QCOMPARE(blocks[0].kind, Kind::paragraph);
      QCOMPARE(blocks[0].text.text, source);
      QVERIFY(blocks[0].text.spans.empty());
    }
  }

  void shownTextKnowsItsSource() {
    const QString source = QStringLiteral(
        "# T\u00e9 \U0001F600 x\n\nq **b**&amp;c\nnext  "
        "\nhard\n\n```\na\n\nb\n```\n\n|h|i|\n|-|-|\n|j|k|\n");
    QString shown;
    int end = 0;
    for (const MarkdownBlock& block : parseMarkdown(source).blocks) {
      std::vector<const MarkdownText*> texts{&block.text};
      for (const auto& row : block.rows) {
        for (const MarkdownText& cell : row) texts.push_back(&cell);
      }
      for (const MarkdownText* text : texts) {
        int at = 0;
        for (const SourceRun& run : text->runs) {
          QCOMPARE(run.start, at);  // without gaps
          QVERIFY(run.source >= end);
          at = run.start + run.length;
          end = run.source + run.sourceLength;
          QString from = source.mid(run.source, run.sourceLength);
          if (run.length != run.sourceLength) {
            QCOMPARE(from, QStringLiteral("&amp;"));
            continue;
          }
          QString to = text->text.mid(run.start, run.length);
          to.replace(QChar::LineSeparator, QLatin1Char('\n'));
          QCOMPARE(to, from);
        }
        QCOMPARE(at, text->text.size());
      }
    }
  }

  // Parsing from where a part is settled gives what parsing the whole gives.
  void settledBlocksStayAsTheyAre_data() {
    QTest::addColumn<QString>("source");
    QTest::addColumn<bool>("settles");
    const auto row = [](const char* name, const char* source, bool settles) {
      QTest::newRow(name) << QString::fromUtf8(source) << settles;
    };
    row("paragraphs", "a\nb\n\nc *d*\n\ne\n\nf", true);
    row("lists", "p\n\n- a\n\n- b\n\n  c\n- d\n\n1. e\n2. f\n\ng\n\nh", true);
    row("an empty item", "p\n\n- a\n\n-\n\n- b\n\nq\n\nr", true);
    row("rules", "a\n\n---\n\nb\n\n---\n\n---\n\nc\n\nd", true);
    row("fences", "a\n\n```py\nx\n\n\ny\n```\n\nb\n```\n\n\nz\n```\n\nc\n\nd", true);
    row("blank code", "a\n\n```\n\n\n```\n\nb\n\n```\n```\n\nc\n\nd", true);
    row("a fence without a blank line", "a\n```\n\nb\n\nc\n```\n\nd", true);
    row("fences in lists", "- a\n  ```\n  b\n\n  c\n  ```\n\nd\n\ne", true);
    row("quotes", "> a\n\n> b\n> - c\n\nd\n> e\n\nf\n\ng", true);
    row("tables", "| a | b |\n|---|---|\n| 1 | |\n\nc\n\nd", true);
    row("headings", "# a\nb\n\n# c\n\nd\n\ne", true);
    row("definitions", "[x]: http://a.b\n\nc [x]\n\nd [x]", false);
    row("indented code", "a\n\n    b\n\n    c\n\nd\n\ne", true);
    row("html", "<b>\n\na\n\n</b>\n\nc", true);
  }

  void settledBlocksStayAsTheyAre() {
    QFETCH(QString, source);
    QFETCH(bool, settles);
    bool settled = false;
    for (int length = 0; length <= source.size(); ++length) {
      const QString start = source.left(length);
      const ParsedMarkdown whole = parseMarkdown(start);
      std::size_t kept = whole.settled;
      int from = whole.settledEnd;
      settled = settled || kept > 0;
      for (int longer = length; longer <= source.size(); ++longer) {
        const QString text = source.left(longer);
        const auto all = parseMarkdown(text).blocks;
        auto both = whole.blocks;
        both.resize(kept);
        for (auto& block : parseMarkdown(text, from).blocks) both.push_back(block);
        QVERIFY2(both == all, qPrintable(start + QLatin1Char('#') + text.mid(length)));
      }
    }
    QCOMPARE(settled, settles);
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

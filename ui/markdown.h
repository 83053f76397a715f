// SPDX-License-Identifier: Apache-2.0
// Markdown as a flat list of blocks, which message_layout.h lays out one by one. Of an answer that
// grows only the end is parsed again, from the last block that can still change. md4c (GitHub
// dialect, HTML shown as text) is known here and nowhere else. Pure; any thread.
#pragma once

#include <QString>
#include <vector>

namespace mneme {

// A stretch of text with one look. Stretches of one text follow each other without gaps or overlap
// where something is marked; unmarked text has none.
struct MarkdownSpan {
  int start = 0;  // UTF-16 units
  int length = 0;
  bool bold = false;
  bool italic = false;
  bool code = false;
  bool strike = false;
  QString link;  // empty = none
  friend bool operator==(const MarkdownSpan&, const MarkdownSpan&) = default;
};

// Where shown text comes from. Character by character where both lengths agree, else as a whole (an
// entity). Marks and other characters of the source that are not shown have no run.
struct SourceRun {
  int start = 0;  // in the shown text
  int length = 0;
  int source = 0;  // in the message
  int sourceLength = 0;
  friend bool operator==(const SourceRun&, const SourceRun&) = default;
};

struct MarkdownText {
  QString text;
  std::vector<MarkdownSpan> spans;
  std::vector<SourceRun> runs;  // ascending in both
  friend bool operator==(const MarkdownText&, const MarkdownText&) = default;
};

struct MarkdownBlock {
  enum class Kind : quint8 { paragraph, heading, code, table, rule };
  Kind kind = Kind::paragraph;
  int level = 0;       // heading: 1..6
  int quoteDepth = 0;  // of block quotes around it
  int listDepth = 0;   // of lists around it; 0 = none
  QString marker;      // "•", "3.", "☐", "☑" before the first block of a list item
  bool tight = false;  // follows its predecessor closely (items of a tight list)
  MarkdownText text;   // paragraph, heading; code (spans empty)
  QString language;    // code
  std::vector<std::vector<MarkdownText>> rows;  // table; the first row is its header
  std::vector<Qt::Alignment> alignments;        // table columns
  friend bool operator==(const MarkdownBlock&, const MarkdownBlock&) = default;
};

struct ParsedMarkdown {
  std::vector<MarkdownBlock> blocks;
  // Whatever is appended to the source, the first `settled` blocks stay as they are, and parsing
  // from `settledEnd` on gives the others.
  std::size_t settled = 0;
  int settledEnd = 0;
};

// Parses source[from, end); positions count from the start of the source. A source that would take
// too many blocks, cells or spans to lay out is one paragraph of plain text.
ParsedMarkdown parseMarkdown(const QString& source, int from = 0);

// The text as it is, line by line.
MarkdownBlock plainBlock(const QString& text, int from = 0);

}  // namespace mneme

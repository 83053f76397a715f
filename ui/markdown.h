// SPDX-License-Identifier: Apache-2.0
// Markdown as a flat list of blocks, which message_layout.h lays out one by one: an open answer is
// parsed again at every update, but only the blocks that changed are laid out again. md4c (GitHub
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

struct MarkdownText {
  QString text;
  std::vector<MarkdownSpan> spans;
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

std::vector<MarkdownBlock> parseMarkdown(const QString& source);

}  // namespace mneme

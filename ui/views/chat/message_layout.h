// SPDX-License-Identifier: Apache-2.0
// The body of one message, laid out for a width: Markdown blocks or plain text as QTextLayouts,
// code cards, tables. Not a widget: the chat view paints it, asks what is under the mouse and
// copies from it. Blocks that did not change keep their layout while an answer streams, and a long
// text is laid out in pieces, so that only its end is laid out again. UI thread.
#pragma once

#include <QCoreApplication>
#include <QPainter>
#include <QPointF>
#include <QRectF>
#include <QString>
#include <QTextLayout>
#include <QTextOption>
#include <functional>
#include <memory>
#include <vector>

#include "ui/highlight.h"
#include "ui/markdown.h"

namespace mneme {

class MessageLayout {
  Q_DECLARE_TR_FUNCTIONS(mneme::MessageLayout)

 public:
  // Characters [from, to) of text(), or of the message's source; empty when equal.
  struct Range {
    int from = 0;
    int to = 0;
  };
  struct Hit {
    int position = 0;    // nearest character of text()
    QString link;        // under the point; empty = none
    int copyBlock = -1;  // the code block whose Copy button is there
  };

  // `growing`: more will be appended, so what cannot change any more is not parsed again.
  void setMarkdown(const QString& source, bool growing);
  void setPlain(const QString& text);
  void setInked(bool on);  // one colour of text, nothing behind it: ink is painted there
  void forgetLayout();     // after a change of theme or zoom

  qreal layout(qreal width);                             // the height; cached
  qreal naturalWidth() const { return m_naturalWidth; }  // of the widest line, after layout()
  // The y below which something looks otherwise than when this was asked last.
  qreal takeChangedFrom();
  // Pieces of text laid out so far, and characters in them: what an update costs.
  static int piecesLaidOut();
  static int charactersLaidOut();

  // Frames first, then whatever lies behind the text, then the text.
  void paintFrames(QPainter& painter, QPointF origin, const QRectF& clip) const;
  void paintText(QPainter& painter, QPointF origin, const QRectF& clip, Range selection) const;
  Hit hitTest(QPointF point) const;
  QRectF cursorRect(int position) const;  // of one character, relative to the origin

  const QString& text() const { return m_text; }  // as read, without marks
  const QString& source() const { return m_source; }
  // Where characters of the source are shown, relative to the origin; a line break is a slim
  // rectangle behind its line. Empty for marks.
  std::vector<QRectF> rectsOfSource(Range source) const;
  // What of the source is shown on the lines that meet `area`, marks between included.
  Range sourceIn(const QRectF& area) const;
  qreal leading() const;  // between two lines of text

  QString code(int block) const;
  int lastCodeBlock() const;  // -1 = none
  QRectF copyRect(int block) const;
  void setCopied(int block) { m_copiedBlock = block; }  // its button says so; -1 = none

 private:
  // A stretch of one text that is laid out by itself, cut at the end of a line.
  struct Piece {
    std::unique_ptr<QTextLayout> layout;
    QPointF origin;  // relative to its block
    qreal height = 0;
    qreal naturalWidth = 0;
    int text = 0;       // which of the block's texts
    int start = 0;      // in that text
    int length = 0;     // of it; the layout's text may be longer, its lines are not
    bool bidi = false;  // holds text that runs right to left
  };
  struct Block {
    MarkdownBlock content;
    std::vector<const MarkdownText*> cells;  // table: row by row; they lie in `content`
    std::vector<int> cellOffsets;            // of their first characters behind textStart
    std::vector<int> cellSources;            // of their first characters in the source
    int textStart = 0;                       // of its first character in text()
    int sourceStart = 0;                     // of its first character in the source, or before it
    std::vector<Piece> pieces;
    std::size_t kept = 0;         // pieces that are still right though the text changed
    std::vector<CodeSpan> spans;  // code
    QRectF frame;              // code card, table: relative to the block
    QRectF copy;               // the Copy button
    std::vector<qreal> lines;  // table: y of the rules
    qreal y = 0;
    qreal height = -1;  // -1 = not laid out
    qreal x = 0;        // left edge of its text
    qreal indent = 0;
    qreal width = 0;  // of its text
    qreal naturalWidth = 0;
    bool rightToLeft = false;
  };
  // How a text is laid out.
  struct Look {
    QFont font;
    QTextOption::WrapMode wrap = QTextOption::WrapAtWordBoundaryOrAnywhere;
    Qt::Alignment alignment = Qt::AlignLeft;  // left: where its own direction starts
    bool leftToRight = false;                 // whatever it says
    bool linesAreParagraphs = false;          // each with a direction of its own
    std::function<QList<QTextLayout::FormatRange>(int from, int to)> formats;
  };

  void setBlocks(std::vector<MarkdownBlock> blocks, std::size_t settled);
  void buildText(std::size_t from);
  static std::size_t piecesToKeep(const Block& old, const MarkdownBlock& next);
  static const MarkdownText& textOf(const Block& block, const Piece& piece);
  static int offsetOf(const Block& block, const Piece& piece);
  QTextCharFormat formatOf(const MarkdownSpan& span, const QFont& base) const;
  Look lookOf(const MarkdownText& text, const QFont& font) const;
  void layoutBlock(Block& block, qreal width) const;
  static void highlight(Block& block);
  void layoutText(Block& block, qreal width) const;
  void layoutCode(Block& block, qreal width) const;
  void layoutTable(Block& block, qreal width) const;
  // Appends the pieces of a text behind those that are kept; the height of all of it.
  qreal layoutPieces(Block& block, int text, const Look& look, QPointF origin, qreal width) const;
  Piece makePiece(const MarkdownText& text, int start, int paragraphEnd, bool rightToLeft,
                  const Look& look, qreal width) const;
  void paintCode(QPainter& painter, const Block& block, int index) const;
  std::size_t blockAt(qreal y) const;
  void addTextRects(const Block& block, int text, Range source, std::vector<QRectF>& rects) const;
  void addRects(const Block& block, const Piece& piece, Range shown, int length,
                std::vector<QRectF>& rects) const;

  QString m_source;
  bool m_plain = false;
  bool m_growing = false;
  bool m_inked = false;
  std::vector<Block> m_blocks;
  std::size_t m_settled = 0;  // blocks that no appended text changes
  int m_settledEnd = 0;       // where the others begin
  QString m_text;
  qreal m_width = -1;      // -1 = something must be laid out
  qreal m_laidWidth = -1;  // what the blocks that are laid out were laid out for
  qreal m_height = 0;
  qreal m_naturalWidth = 0;
  qreal m_changedFrom = 0;
  int m_copiedBlock = -1;
};

}  // namespace mneme

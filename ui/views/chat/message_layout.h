// SPDX-License-Identifier: Apache-2.0
// The body of one message, laid out for a width: Markdown blocks or plain text as QTextLayouts,
// code cards, tables. Not a widget: the chat view paints it, asks what is under the mouse and
// copies from it. Blocks that did not change keep their layout while an answer streams, and a long
// text is laid out in pieces, so that only its end is laid out again. Of a long message a piece is
// laid out when it comes into view; until then its height is an estimate. UI thread.
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
#include <optional>
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

  // The height; cached. A long message has pieces whose heights are estimates until one of the
  // three below lays them out: these return whether anything moved by that, so layout() is to be
  // asked again.
  qreal layout(qreal width);
  bool layoutArea(qreal top, qreal bottom);
  bool layoutCharacters(Range shown);  // of text()
  bool layoutSource(Range source);
  bool isLong() const;                                   // so that layout() estimates
  qreal naturalWidth() const { return m_naturalWidth; }  // of the widest line that is laid out
  // The y below which something looks otherwise than when this was asked last.
  qreal takeChangedFrom();
  // Pieces of text laid out so far, and characters in them: what an update costs.
  static int piecesLaidOut();
  static int charactersLaidOut();

  // What is not laid out is not painted, hit or found: whoever asks has laid out the place before.
  // Frames first, then whatever lies behind the text, then the text.
  void paintFrames(QPainter& painter, QPointF origin, const QRectF& clip) const;
  void paintText(QPainter& painter, QPointF origin, const QRectF& clip, Range selection) const;
  Hit hitTest(QPointF point) const;
  QRectF cursorRect(int position) const;  // of one character, relative to the origin

  // The character with which the first line begins that is laid out and meets these heights.
  std::optional<int> firstPosition(qreal top, qreal bottom) const;
  // Of the pieces of text() that meet these heights.
  Range charactersIn(qreal top, qreal bottom) const;
  // Where characters of text() are, a rectangle a line.
  std::vector<QRectF> rectsOf(Range shown) const;

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
  // Part of one text that is laid out by itself, cut at the end of a line.
  struct Piece {
    std::unique_ptr<QTextLayout> layout;  // null: not yet, so the height is an estimate
    QPointF origin;                       // relative to its block
    qreal height = 0;
    qreal naturalWidth = 0;
    int text = 0;     // which of the block's texts
    int start = 0;    // in that text
    int length = 0;   // of it; the layout's text may be longer, its lines are not
    int stretch = 0;  // where the stretch begins in which it lies: see endOfStretch()
    bool rightToLeft = false;
    bool bidi = false;  // holds text that runs right to left
    int end() const { return start + length; }
  };
  struct Cell {
    const MarkdownText* text = nullptr;  // lies in the block's `content`
    std::size_t row = 0;
    std::size_t column = 0;
    int offset = 0;  // of its first character behind textStart
    int source = 0;  // of its first character in the source
  };
  struct Block {
    MarkdownBlock content;
    std::vector<Cell> cells;  // table: row by row
    int textStart = 0;        // of its first character in text()
    int sourceStart = 0;      // of its first character in the source, or before it
    std::vector<Piece> pieces;
    std::size_t kept = 0;         // pieces that are still right though the text changed
    std::vector<CodeSpan> spans;  // code
    QRectF frame;                 // code card, table: relative to the block
    QRectF copy;                  // the Copy button
    std::vector<qreal> columns;   // table: widths
    std::vector<qreal> lines;     // table: y of the rules
    qreal y = 0;
    qreal height = -1;  // -1 = not laid out
    qreal x = 0;        // left edge of its text
    qreal indent = 0;
    qreal width = 0;  // of its text
    qreal naturalWidth = 0;
    bool rightToLeft = false;
  };
  struct TextPart {
    std::size_t block = 0;
    int text = 0;  // of the block
    Range shown;   // in that text
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
  static const MarkdownText& textOf(const Block& block, int text);
  // Of the piece's first character in text().
  static int positionOf(const Block& block, const Piece& piece);
  static int work(const Block& block);
  QTextCharFormat formatOf(const MarkdownSpan& span, const QFont& base) const;
  Look lookOf(const Block& block, int text) const;
  static qreal widthOf(const Block& block, int text);
  void layoutBlock(Block& block, qreal width, bool estimate) const;
  static void highlight(Block& block);
  static void measureColumns(Block& block);
  // Cuts the texts behind the pieces that are kept into pieces that are not laid out.
  void cutTexts(Block& block, bool estimate) const;
  void cutText(Block& block, int text, bool estimate) const;
  void estimateHeight(const Block& block, Piece& piece, const Look& look) const;
  // Replaces a piece that is not laid out by ones that are, at least down to `bottom` in the block.
  // True: they are not as high as was thought.
  bool layoutPiece(Block& block, std::size_t index, qreal bottom) const;
  bool layoutPieces(Block& block, int text, Range shown) const;
  Piece makePiece(const MarkdownText& text, int start, int end, bool rightToLeft, const Look& look,
                  qreal width) const;
  static void placePieces(Block& block);
  static void placeCells(Block& block);
  void placeBlocks();
  void paintCode(QPainter& painter, const Block& block, int index) const;
  std::size_t blockAt(qreal y) const;
  std::size_t blockOf(int position) const;
  static Range shownOf(const MarkdownText& text, Range source);
  static std::size_t pieceAt(const Block& block, int text, int position);
  std::vector<TextPart> textsOf(Range source) const;
  std::vector<TextPart> textsAt(Range shown) const;
  bool layoutTexts(const std::vector<TextPart>& parts);
  void addTextRects(const Block& block, int text, Range shown, std::vector<QRectF>& rects) const;
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

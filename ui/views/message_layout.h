// SPDX-License-Identifier: Apache-2.0
// The body of one message, laid out for a width: Markdown blocks or plain text as QTextLayouts,
// code cards, tables. Not a widget: the chat view paints it, asks what is under the mouse and
// copies from it. Blocks that did not change keep their layout while an answer streams. UI thread.
#pragma once

#include <QPainter>
#include <QPointF>
#include <QRectF>
#include <QString>
#include <QTextLayout>
#include <memory>
#include <vector>

#include "ui/markdown.h"

namespace mneme {

class MessageLayout {
 public:
  // Characters [from, to) of text(); empty when equal.
  struct Range {
    int from = 0;
    int to = 0;
  };
  struct Hit {
    int position = 0;    // nearest character of text()
    QString link;        // under the point; empty = none
    int copyBlock = -1;  // the code block whose Copy button is there
  };

  void setMarkdown(const QString& source);
  void setPlain(const QString& text);
  void forgetLayout();  // after a change of theme or zoom

  qreal layout(qreal width);                             // the height; cached
  qreal naturalWidth() const { return m_naturalWidth; }  // of the widest line, after layout()
  void paint(QPainter& painter, QPointF origin, const QRectF& clip, Range selection) const;
  Hit hitTest(QPointF point) const;
  QRectF cursorRect(int position) const;  // of one character, relative to the origin

  const QString& text() const { return m_text; }  // as read, without marks
  QString code(int block) const;
  int lastCodeBlock() const;  // -1 = none
  QRectF copyRect(int block) const;
  void setCopied(int block) { m_copiedBlock = block; }  // its button says so; -1 = none

 private:
  struct Fragment {
    std::unique_ptr<QTextLayout> layout;
    QPointF origin;  // relative to its block
    int offset = 0;  // of its first character in text()
  };
  struct Block {
    MarkdownBlock content;
    std::vector<Fragment> fragments;
    QRectF frame;              // code card, table: relative to the block
    QRectF copy;               // the Copy button
    std::vector<qreal> lines;  // table: y of the rules
    qreal y = 0;
    qreal height = -1;  // -1 = not laid out
    qreal indent = 0;
    qreal naturalWidth = 0;
  };

  void setBlocks(std::vector<MarkdownBlock> blocks);
  void buildText();
  void layoutBlock(Block& block, qreal width) const;
  void layoutText(Block& block, qreal width) const;
  void layoutCode(Block& block, qreal width) const;
  void layoutTable(Block& block, qreal width) const;
  void paintCode(QPainter& painter, const Block& block, int index) const;

  QString m_source;
  bool m_plain = false;
  std::vector<Block> m_blocks;
  QString m_text;
  qreal m_width = -1;      // -1 = something must be laid out
  qreal m_laidWidth = -1;  // what the blocks that are laid out were laid out for
  qreal m_height = 0;
  qreal m_naturalWidth = 0;
  int m_copiedBlock = -1;
};

}  // namespace mneme

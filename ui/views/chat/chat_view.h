// SPDX-License-Identifier: Apache-2.0
// The open chat's messages in one scroll area: only what is on screen is laid out and painted, so a
// chat of ten thousand messages scrolls like one of ten. Follows a growing answer while the reader
// is within 40 pixels of the end, and lets go otherwise. UI thread.
#pragma once

#include <QAbstractScrollArea>
#include <QElapsedTimer>
#include <QTimer>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ui/models/transcript_model.h"
#include "ui/views/chat/message_item.h"

class QPushButton;

namespace mneme {

class ChatView : public QAbstractScrollArea {
  Q_OBJECT

 public:
  ChatView(TranscriptModel& model, Selection& selection, const MessageItem::Inspection& inspection,
           QWidget* parent = nullptr);
  ~ChatView() override;

  void setInk(bool on);
  bool ink() const { return m_ink; }
  void setMeasure(InkText::Measure measure);
  // Of the column of messages in a view of this width; the composer lines up with it.
  static qreal columnWidthIn(int viewWidth);
  void scrollToEnd();
  void scrollToMessage(MessageId message);
  // Marks this text in all messages, any case and accents; empty = none is marked.
  void setFound(const QString& text);
  void scrollToFound(MessageId message);  // to its first mark, else to the message
  bool following() const { return m_follow; }

  // The message that keyboard actions mean: the current one, else the last of that role. Null:
  // none.
  const TranscriptItem* target(std::optional<Role> role = std::nullopt) const;
  const TranscriptItem* chosen() const;  // with the keyboard; null: none
  void copyMessage(MessageId message);
  void copyLastCodeBlock();
  void copySelection();
  QString selectedText() const;
  void selectAll();
  void moveCurrent(int step);  // to the previous or next message

  // For tests and screen readers, in viewport coordinates.
  QRect messageRect(int row) const;
  QPoint actionPoint(int row, MessageAction action);
  QPoint codeCopyPoint(int row);
  int messageCount() const { return static_cast<int>(m_items.size()); }
  const std::vector<MessageLayout::Range>& foundIn(int row);  // of its shown text
  const MessageItem& messageItem(int row) const { return *m_items[static_cast<std::size_t>(row)]; }

 Q_SIGNALS:
  void actionRequested(qint64 message, mneme::MessageAction action);  // retry, edit, versions
  void linkRequested(const QUrl& url);
  void copied(const QString& what);
  // Why messages on screen carry no ink, as one sentence; empty when all do.
  void inkNoteChanged(const QString& note);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void scrollContentsBy(int dx, int dy) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  bool viewportEvent(QEvent* event) override;

 private:
  struct Place {  // in the flat text of a message
    int row = -1;
    int position = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  // What the reader looks at, to stay where it is while heights around it become known: the first
  // line on screen that is laid out, or a share of a message's height.
  struct Reading {
    int row = -1;
    int position = -1;  // in its text; -1: the share counts
    qreal share = 0;
    int scrolled = -1;  // where the view was when this was in place
    qreal offset = 0;   // from its upper edge
  };
  struct Under {  // what the mouse is on
    int row = -1;
    MessageItem::Hit hit;
    QPointF local;
  };

  void onReset();
  void onInserted(int first, int last);
  void onRemoved(int first, int last);
  void onChanged(int first, int last);
  void relayoutAll();
  void layoutVisible(int seen = 0);
  bool layoutRow(int row, qreal top, qreal bottom);
  Reading reading(int top) const;
  qreal placeOf(const Reading& reading) const;
  void updateTops();
  void updateScrollBar();
  void contentGrew();
  void follow();
  void placeButton();
  void tellInkNote();
  void setScroll(int value);
  template <typename Target>
  void settle(const Target& target);
  void scrollToFirst(int row, const std::function<std::vector<QRectF>()>& rects, int above);

  qreal columnWidth() const;
  qreal columnLeft() const;
  int rowAt(qreal y) const;  // content coordinates; -1 = none
  Under under(const QPoint& point);
  void updateHover(const QPoint& point);
  void runAction(int row, MessageAction action);
  void markCopied(int row, int codeBlock);
  void setCurrent(int row);
  bool walkToken(int step);
  void updateInkSelection();
  MessageLayout::Range selectionIn(int row) const;
  void paintFound(QPainter& painter, int row, QPointF origin, const QRectF& clip);
  void clearSelection();

  TranscriptModel& m_model;
  Selection& m_selection;
  MessageItem::Inspection m_inspection;
  std::vector<std::unique_ptr<MessageItem>> m_items;
  std::vector<qreal> m_heights;  // laid out or estimated
  std::vector<qreal> m_tops;     // one more than items: the last is the end
  QPushButton* m_below;
  bool m_ink = false;
  QString m_inkNote;
  InkText::Measure m_measure = InkText::Measure::gate;
  bool m_follow = true;
  bool m_settingScroll = false;
  bool m_layingOut = false;
  Reading m_reading;  // through several changes of the width

  int m_current = -1;       // has the focus ring
  bool m_keyboard = false;  // the ring is shown once keys were used
  int m_hotRow = -1;
  MessageAction m_hovered = MessageAction::none;
  int m_copiedRow = -1;
  int m_copiedBlock = -1;  // -1 = the whole message
  QTimer m_copiedTimer;
  struct Found {  // in a shown text of this length
    qsizetype length = -1;
    std::vector<MessageLayout::Range> ranges;
  };
  std::string m_found;  // folded
  std::unordered_map<MessageId, Found> m_foundIn;
  bool m_dragging = false;
  Place m_anchor;
  Place m_cursor;
};

}  // namespace mneme

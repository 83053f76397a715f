// SPDX-License-Identifier: Apache-2.0
// One message as the chat view draws it: a bubble or an answer, its notices, and the line below
// with figures and actions. Geometry and painting only; the chat view owns it and handles input. UI
// thread.
#pragma once

#include <QCoreApplication>
#include <QPainter>
#include <QRectF>
#include <QString>
#include <memory>
#include <optional>
#include <vector>

#include "ui/models/transcript_model.h"
#include "ui/views/chat/ink_text.h"
#include "ui/views/chat/message_layout.h"

namespace mneme {

enum class MessageAction : quint8 { none, copy, retry, edit, previous, next };

class MessageItem {
  Q_DECLARE_TR_FUNCTIONS(mneme::MessageItem)

 public:
  // What ink needs; all outlive the item.
  struct Inspection {
    const BranchTrace& branch;
    const Selection& selection;
    const InspectSource& source;
  };

  // How the view is at the moment; the same for all messages.
  struct Look {
    bool hot = false;      // under the mouse or the current one: user messages show their actions
    bool current = false;  // a focus ring is drawn
    MessageAction hovered = MessageAction::none;
    bool copied = false;  // the Copy action was just used
    MessageLayout::Range selection;
  };

  struct Hit {
    MessageAction action = MessageAction::none;
    bool inBody = false;
    MessageLayout::Hit body;
    std::optional<EventIndex> token;  // with ink
  };

  explicit MessageItem(const Inspection& inspection) : m_inspection(inspection) {}

  void set(const TranscriptItem& item);
  void setInk(bool on);
  void setMeasure(InkText::Measure measure);
  void forgetLayout();  // theme or zoom changed
  void traceChanged();  // the branch, or token texts came or went

  bool isLaidOut(qreal width) const { return m_laidWidth == width; }
  qreal estimateHeight(qreal width) const;
  qreal layout(qreal width);  // height, margins included
  // After layout(): lays out what is only estimated between two heights, of some characters of
  // shownText(), or of a token. True: layout() has another answer now.
  bool layoutArea(qreal top, qreal bottom);
  bool layoutCharacters(MessageLayout::Range shown);
  bool layoutToken(EventIndex event);
  void read();  // shownText() is up to date, laid out or not
  void paint(QPainter& painter, QPointF origin, const QRectF& clip, const Look& look) const;
  Hit hitTest(QPointF point) const;
  // The y below which something looks otherwise than when this was asked last.
  qreal takeChangedFrom();

  const QString& source() const { return m_item.text; }
  const QString& shownText() const { return m_body.text(); }  // what selections refer to
  QString whyNoInk() const;  // a sentence; empty where there is ink, or it is off
  std::vector<QRectF> rectsOf(EventIndex event) const;  // of an inked token
  std::vector<QRectF> rectsOf(MessageLayout::Range shown) const;  // of shownText()
  MessageId id() const { return m_item.row.id; }
  const TranscriptItem& item() const { return m_item; }
  MessageLayout& body() { return m_body; }
  const MessageLayout& body() const { return m_body; }
  InkText* ink() { return m_ink.get(); }
  QRectF actionRect(MessageAction action) const;  // empty = not there
  QRectF bodyRect() const { return m_bodyRect; }
  QString figuresText() const { return m_figures; }
  std::vector<MessageAction> actions() const;
  static QString actionText(MessageAction action);

 private:
  bool moved(bool moved);
  bool isUser() const { return m_item.row.role == Role::user; }
  void updateInk(bool grew);
  qreal actionsWidth() const;
  void buildFooter();
  void paintFooter(QPainter& painter, const Look& look) const;

  Inspection m_inspection;
  TranscriptItem m_item;
  MessageLayout m_body;
  std::unique_ptr<InkText> m_ink;  // null = ink is off
  InkText::Measure m_measure = InkText::Measure::gate;

  // Relative to the item's top left; valid for m_laidWidth.
  struct ActionBox {
    MessageAction action = MessageAction::none;
    QString text;
    QRectF rect;
    bool enabled = true;
  };
  qreal m_laidWidth = -1;
  qreal m_height = 0;
  QRectF m_bubble;
  QRectF m_bodyRect;
  QRectF m_noticeRect;
  QRectF m_footer;
  QString m_notice;
  bool m_noticeIsError = false;
  QString m_figures;
  std::vector<ActionBox> m_boxes;
};

}  // namespace mneme

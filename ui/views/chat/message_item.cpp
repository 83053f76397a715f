// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/message_item.h"

#include <QFontMetricsF>
#include <algorithm>
#include <cmath>
#include <limits>

#include "ui/theme.h"
#include "ui/views/chat/answer_text.h"
#include "ui/views/chat/message_fonts.h"

namespace mneme {
namespace {

constexpr qreal kBubblePadX = 13;
constexpr qreal kBubblePadY = 9;
constexpr qreal kBubbleRadius = 9;
constexpr qreal kMessageGap = 10;
constexpr qreal kActionGap = 14;

}  // namespace

QString MessageItem::actionText(MessageAction action) {
  switch (action) {
    case MessageAction::copy:
      return tr("Copy");
    case MessageAction::retry:
      return tr("Retry");
    case MessageAction::edit:
      return tr("Edit");
    case MessageAction::previous:
      return QString(QChar(0x2039));
    case MessageAction::next:
      return QString(QChar(0x203A));
    case MessageAction::none:
      break;
  }
  return {};
}

std::vector<MessageAction> MessageItem::actions() const {
  if (m_item.live) return {MessageAction::copy};
  std::vector<MessageAction> list{MessageAction::copy};
  if (!isUser()) list.push_back(MessageAction::retry);
  list.push_back(MessageAction::edit);
  if (m_item.siblings > 1) {
    list.push_back(MessageAction::previous);
    list.push_back(MessageAction::next);
  }
  return list;
}

void MessageItem::set(const TranscriptItem& item) {
  const bool sameMessage = m_item.row.id == item.row.id && m_laidWidth >= 0;
  const bool grew = sameMessage && item.row.first_event == m_item.row.first_event && item.live;
  const bool other = !sameMessage || item.text != m_item.text ||
                     item.row.first_event != m_item.row.first_event ||
                     item.row.end_event != m_item.row.end_event;
  m_item = item;
  if (m_ink && other) updateInk(grew);
  m_laidWidth = -1;
}

void MessageItem::updateInk(bool grew) {
  const TokenSource whose = isUser() ? TokenSource::user : TokenSource::assistant;
  if (grew) {
    m_ink->grow(m_item.text, m_item.row.end_event);
  } else {
    m_ink->setMessage(m_item.text, m_item.row.first_event, m_item.row.end_event, whose);
  }
}

void MessageItem::setMeasure(InkText::Measure measure) {
  m_measure = measure;
  if (m_ink) m_ink->setMeasure(measure);
  m_laidWidth = -1;
}

void MessageItem::setInk(bool on) {
  if (on == (m_ink != nullptr)) return;
  if (on) {
    m_ink =
        std::make_unique<InkText>(m_inspection.branch, m_inspection.selection, m_inspection.source);
    m_ink->setMeasure(m_measure);
    updateInk(false);
  } else {
    m_ink.reset();
  }
  m_laidWidth = -1;
}

void MessageItem::forgetLayout() {
  m_body.forgetLayout();
  m_laidWidth = -1;
}

void MessageItem::traceChanged() {
  if (m_ink) m_ink->traceChanged();
  m_laidWidth = -1;
}

// What the actions of a question with versions take, to the left of its bubble.
qreal MessageItem::actionsWidth() const {
  const QFontMetricsF metrics(smallFont());
  const QString all = actionText(MessageAction::copy) + actionText(MessageAction::edit) +
                      (m_item.siblings > 1 ? tr("%1 of %2").arg(88).arg(88) : QString());
  return metrics.horizontalAdvance(all) + kActionGap * (m_item.siblings > 1 ? 5 : 3);
}

QString MessageItem::whyNoInk() const {
  return m_ink && !m_item.text.isEmpty() ? m_ink->whyEmpty() : QString();
}

std::vector<QRectF> MessageItem::rectsOf(EventIndex event) const {
  std::vector<QRectF> rects;
  if (m_ink) rects = m_ink->rectsOf(m_body, event);
  for (QRectF& rect : rects) rect.translate(m_bodyRect.topLeft());
  return rects;
}

std::vector<QRectF> MessageItem::rectsOf(MessageLayout::Range shown) const {
  std::vector<QRectF> rects = m_body.rectsOf(shown);
  for (QRectF& rect : rects) rect.translate(m_bodyRect.topLeft());
  return rects;
}

// All that stands below the text changes with it: figures, notices.
qreal MessageItem::takeChangedFrom() {
  qreal from = m_body.takeChangedFrom();
  if (m_ink) {
    const int inkFrom = m_ink->changedFrom();
    for (const QRectF& rect : m_body.rectsOfSource({inkFrom, std::numeric_limits<int>::max()})) {
      from = std::min(from, rect.top());
    }
  }
  return m_bodyRect.top() + std::min(from, m_bodyRect.height());
}

qreal MessageItem::estimateHeight(qreal width) const {
  const QFontMetricsF metrics(Theme::current().uiFont(1.08));
  const qreal perLine = std::max<qreal>(width / metrics.averageCharWidth(), 10);
  const auto breaks = static_cast<qreal>(m_item.text.count(QLatin1Char('\n')));
  return std::ceil((static_cast<qreal>(m_item.text.size()) / perLine + breaks + 1) *
                       metrics.height() * 1.3 +
                   60);
}

void MessageItem::read() {
  m_body.setInked(m_ink != nullptr);
  if (isUser()) {
    m_body.setPlain(m_item.text);
  } else {
    m_body.setMarkdown(m_item.text, m_item.live.has_value());
  }
}

bool MessageItem::moved(bool moved) {
  if (moved) m_laidWidth = -1;
  return moved;
}

bool MessageItem::layoutArea(qreal top, qreal bottom) {
  return moved(m_body.layoutArea(top - m_bodyRect.top(), bottom - m_bodyRect.top()));
}

bool MessageItem::layoutCharacters(MessageLayout::Range shown) {
  return moved(m_body.layoutCharacters(shown));
}

bool MessageItem::layoutToken(EventIndex event) {
  return m_ink && moved(m_body.layoutSource(m_ink->sourceOf(event)));
}

qreal MessageItem::layout(qreal width) {
  if (width == m_laidWidth) return m_height;
  m_laidWidth = width;
  read();
  qreal y = 4;
  if (isUser()) {
    const qreal most = std::floor(std::min(width * 0.86, width - actionsWidth())) - 2 * kBubblePadX;
    qreal inner = most;  // of a long message the widest line is not known
    if (!m_body.isLong()) {
      m_body.layout(most);
      inner = std::min(most, std::ceil(m_body.naturalWidth()) + 1);
    }
    const qreal bodyHeight = m_body.layout(inner);
    m_bubble = QRectF(width - inner - 2 * kBubblePadX, y, inner + 2 * kBubblePadX,
                      bodyHeight + 2 * kBubblePadY);
    m_bodyRect = m_bubble.adjusted(kBubblePadX, kBubblePadY, -kBubblePadX, -kBubblePadY);
    y = m_bubble.bottom();
  } else {
    m_bubble = QRectF();
    const bool empty = m_item.text.isEmpty();
    const qreal bodyHeight = empty ? 0 : m_body.layout(width);
    m_bodyRect = QRectF(0, y, width, bodyHeight);
    y += bodyHeight;
  }

  m_notice = isUser() ? QString() : answerNotice(m_item);
  m_noticeIsError = m_item.row.state == MessageState::failed;
  m_noticeRect = QRectF();
  if (!m_notice.isEmpty()) {
    const QRectF bounds =
        QFontMetricsF(smallFont())
            .boundingRect(QRectF(0, 0, width, 4000),
                          Qt::TextWordWrap | (isUser() ? Qt::AlignRight : Qt::AlignLeft), m_notice);
    m_noticeRect = QRectF(0, y + 6, width, std::ceil(bounds.height()));
    y = m_noticeRect.bottom();
  }
  const qreal line = std::ceil(QFontMetricsF(smallFont()).height() + 8);
  if (isUser()) {
    // In the room that is always left of the bubble, so that showing actions moves nothing.
    m_footer = QRectF(0, m_bubble.bottom() - line - 4, m_bubble.left() - 14, line);
  } else {
    m_footer = QRectF(0, y + 6, width, line);
    y = m_footer.bottom();
  }
  buildFooter();
  // Whole pixels: what is below looks the same wherever it moves.
  m_height = std::ceil(y + kMessageGap);
  return m_height;
}

void MessageItem::buildFooter() {
  m_boxes.clear();
  const QFontMetricsF metrics(smallFont());
  const auto list = actions();
  qreal x = m_footer.right();
  const auto place = [&](MessageAction action, const QString& text, bool enabled) {
    const qreal w = metrics.horizontalAdvance(text);
    x -= w;
    m_boxes.push_back(
        {action, text, QRectF(x - 4, m_footer.top(), w + 8, m_footer.height()), enabled});
  };
  if (m_item.siblings > 1 && !m_item.live) {
    place(MessageAction::next, actionText(MessageAction::next), m_item.nextSibling != 0);
    x -= 5;
    const QString count = tr("%1 of %2").arg(m_item.sibling + 1).arg(m_item.siblings);
    place(MessageAction::none, count, false);
    x -= 5;
    place(MessageAction::previous, actionText(MessageAction::previous),
          m_item.previousSibling != 0);
    x -= kActionGap;
  }
  for (auto action = list.rbegin(); action != list.rend(); ++action) {
    if (*action == MessageAction::previous || *action == MessageAction::next) continue;
    place(*action, actionText(*action), true);
    x -= kActionGap;
  }
  const auto model = m_inspection.source.model();
  const bool untrained = model && model->layout.memory && !model->layout.memory->trained &&
                         m_item.row.answer &&
                         m_item.row.answer->pack_name == model->layout.memory->name;
  m_figures =
      isUser() ? QString() : answerFigures(m_item, untrained, m_inspection.source.tiers().storage);
}

void MessageItem::paint(QPainter& painter, QPointF origin, const QRectF& clip,
                        const Look& look) const {
  const Theme& t = Theme::current();
  painter.save();
  painter.translate(origin);
  const QRectF area = clip.translated(-origin);
  painter.setRenderHint(QPainter::Antialiasing);
  if (!m_bubble.isNull()) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(t.bubble);
    painter.drawRoundedRect(m_bubble, kBubbleRadius, kBubbleRadius);
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
  if (m_bodyRect.height() > 0) {
    const QPointF at = m_bodyRect.topLeft();
    m_body.paintFrames(painter, at, area);
    painter.translate(at);
    if (m_ink) m_ink->paintCells(&painter, m_body, area.translated(-at));
    painter.translate(-at);
    m_body.paintText(painter, at, area, look.selection);
    painter.translate(at);
    if (m_ink) m_ink->paintSelection(&painter, m_body);
    painter.translate(-at);
  }
  if (!m_notice.isEmpty()) {
    painter.setFont(smallFont());
    painter.setPen(m_noticeIsError ? t.error : t.warning);
    painter.drawText(m_noticeRect, Qt::TextWordWrap | (isUser() ? Qt::AlignRight : Qt::AlignLeft),
                     m_notice);
  }
  paintFooter(painter, look);
  if (look.current) {
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(t.accent, 1.5));
    painter.drawRoundedRect(QRectF(-9, 0, m_laidWidth + 18, m_height - 2), 8, 8);
  }
  painter.restore();
}

void MessageItem::paintFooter(QPainter& painter, const Look& look) const {
  const Theme& t = Theme::current();
  painter.setFont(smallFont());
  const QFontMetricsF metrics(smallFont());
  qreal left = m_footer.right();
  for (const ActionBox& box : m_boxes) left = std::min(left, box.rect.left());
  if (!m_figures.isEmpty()) {
    painter.setPen(t.textMuted);
    const QRectF room(m_footer.left(), m_footer.top(), std::max<qreal>(0, left - 16),
                      m_footer.height());
    painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(m_figures, Qt::ElideRight, room.width()));
  }
  if (m_item.live && m_item.live->progress.phase == GeneratePhase::prefill &&
      m_item.live->progress.prompt_total > 0) {
    const GenerateProgress& p = m_item.live->progress;
    const qreal from = m_footer.left() + metrics.horizontalAdvance(m_figures) + 12;
    const qreal width = std::min<qreal>(160, left - from - 16);
    if (width > 30) {
      const QRectF bar(from, m_footer.center().y() - 2, width, 4);
      painter.fillRect(bar, t.border);
      const qreal share = static_cast<qreal>(p.prompt_done) / static_cast<qreal>(p.prompt_total);
      painter.fillRect(QRectF(bar.topLeft(), QSizeF(bar.width() * std::min(share, 1.0), 4)),
                       t.accent);
    }
  }
  for (const ActionBox& box : m_boxes) {
    const bool version = box.action == MessageAction::none ||
                         box.action == MessageAction::previous || box.action == MessageAction::next;
    if (isUser() && !look.hot && !version) continue;
    QColor colour = t.textMuted;
    if (box.action != MessageAction::none && !box.enabled)
      colour = t.border.darker(t.dark ? 90 : 115);
    const bool hovered =
        box.enabled && box.action == look.hovered && box.action != MessageAction::none;
    if (hovered) colour = t.accent;
    painter.setPen(colour);
    const bool copied = look.copied && box.action == MessageAction::copy;
    painter.drawText(box.rect.adjusted(copied ? -12 : 0, 0, 0, 0), Qt::AlignCenter,
                     copied ? tr("Copied") : box.text);
  }
}

QRectF MessageItem::actionRect(MessageAction action) const {
  for (const ActionBox& box : m_boxes) {
    if (box.action == action) return box.rect;
  }
  return {};
}

MessageItem::Hit MessageItem::hitTest(QPointF point) const {
  Hit hit;
  for (const ActionBox& box : m_boxes) {
    if (box.enabled && box.rect.contains(point)) hit.action = box.action;
  }
  const QPointF local = point - m_bodyRect.topLeft();
  hit.inBody = m_bodyRect.contains(point);
  hit.body = m_body.hitTest(local);
  if (m_ink && hit.inBody && hit.body.copyBlock < 0) hit.token = m_ink->tokenAt(m_body, local);
  if (!hit.inBody) {
    hit.body.link.clear();
    hit.body.copyBlock = -1;
    if (local.y() < 0) hit.body.position = 0;
    if (local.y() > m_bodyRect.height()) {
      hit.body.position = static_cast<int>(m_body.text().size());
    }
  }
  return hit;
}

}  // namespace mneme

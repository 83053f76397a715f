// SPDX-License-Identifier: Apache-2.0
// What was searched for, marked in the chat view's messages.
#include <QPainter>
#include <QScrollBar>
#include <utility>

#include "inference/store/unicode_text.h"
#include "ui/theme.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/window/match_paint.h"

namespace mneme {

void ChatView::setFound(const QString& text) {
  const std::string folded = fold_for_search(text.toStdString());
  if (folded == m_found) return;
  m_found = folded;
  m_foundIn.clear();
  viewport()->update();
}

// Found once for each text: a message is painted far more often than it changes, and a streaming
// one only grows.
const std::vector<MessageLayout::Range>& ChatView::foundIn(int row) {
  const MessageItem& item = *m_items[static_cast<std::size_t>(row)];
  const QString shown = item.shownText();
  Found& found = m_foundIn[item.id()];
  if (found.length == shown.size()) return found.ranges;
  found.length = shown.size();
  found.ranges.clear();
  if (m_found.empty()) return found.ranges;
  const std::string bytes = shown.toStdString();
  std::size_t at = 0;   // a byte of it
  qsizetype place = 0;  // the character there
  const auto characterAt = [&](std::size_t byte) {
    place += QString::fromUtf8(bytes.data() + at, static_cast<qsizetype>(byte - at)).size();
    at = byte;
    return static_cast<int>(place);
  };
  for (const TextRange& range : find_folded(bytes, m_found)) {
    const int from = characterAt(range.begin);
    found.ranges.push_back({from, characterAt(range.end)});
  }
  return found.ranges;
}

// Relative to the message's body; several where a place goes over lines.
const std::vector<QRectF>& ChatView::foundRects(int row) {
  MessageItem& item = *m_items[static_cast<std::size_t>(row)];
  const auto& ranges = foundIn(row);
  Found& found = m_foundIn[item.id()];
  const std::pair<qreal, qreal> laidOutFor(columnWidth(), Theme::zoom());
  if (found.rectsOf == found.length && found.laidOutFor == laidOutFor) return found.rects;
  found.rectsOf = found.length;
  found.laidOutFor = laidOutFor;
  found.rects.clear();
  for (const MessageLayout::Range& range : ranges) {
    QRectF line;
    for (int i = range.from; i < range.to; ++i) {
      const QRectF here = item.body().cursorRect(i);
      QRectF next = item.body().cursorRect(i + 1);
      if (here.isEmpty()) continue;
      // The last one of its line reaches to the line's end, of which only a cursor's width is
      // known.
      if (next.isEmpty() || next.top() != here.top()) next = here.translated(here.height() / 3, 0);
      const QRectF cell = QRectF(here.topLeft(), QPointF(next.left(), here.bottom())).normalized();
      if (!line.isEmpty() && line.top() != cell.top()) {
        found.rects.push_back(line);
        line = {};
      }
      line = line.isEmpty() ? cell : line.united(cell);
    }
    if (!line.isEmpty()) found.rects.push_back(line);
  }
  return found.rects;
}

void ChatView::paintFound(QPainter& painter, int row, QPointF origin, const QRectF& clip) {
  if (m_found.empty()) return;
  const QPointF body = origin + m_items[static_cast<std::size_t>(row)]->bodyRect().topLeft();
  for (const QRectF& rect : foundRects(row)) {
    if (rect.translated(body).intersects(clip)) {
      markMatch(painter, rect.translated(body));
    }
  }
}

// The first place in the message, where there is one, comes into view.
void ChatView::scrollToFound(MessageId message) {
  scrollToMessage(message);
  const auto row = m_model.rowOf(message);
  if (!row || m_found.empty()) return;
  const auto& rects = foundRects(*row);
  if (rects.empty()) return;
  const auto i = static_cast<std::size_t>(*row);
  const QRectF first = rects.front().translated(0, m_tops[i] + m_items[i]->bodyRect().top());
  const int top = verticalScrollBar()->value();
  const int height = viewport()->height();
  if (first.top() >= top && first.bottom() <= top + height) return;
  setScroll(static_cast<int>(first.top()) - height / 3);
  layoutVisible();
  placeButton();
}

}  // namespace mneme

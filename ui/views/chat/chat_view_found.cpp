// SPDX-License-Identifier: Apache-2.0
// What was searched for, marked in the chat view's messages.
#include <QPainter>
#include <algorithm>

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

void ChatView::paintFound(QPainter& painter, int row, QPointF origin, const QRectF& clip) {
  if (m_found.empty()) return;
  const MessageItem& item = *m_items[static_cast<std::size_t>(row)];
  const qreal body = origin.y() + item.bodyRect().top();
  const MessageLayout::Range shown =
      item.body().charactersIn(clip.top() - body, clip.bottom() - body);
  const auto& ranges = foundIn(row);
  auto range =
      std::lower_bound(ranges.begin(), ranges.end(), shown.from,
                       [](const MessageLayout::Range& one, int place) { return one.to <= place; });
  for (; range != ranges.end() && range->from < shown.to; ++range) {
    for (const QRectF& rect : item.rectsOf(*range)) {
      if (rect.translated(origin).intersects(clip)) markMatch(painter, rect.translated(origin));
    }
  }
}

// The first place in the message, where there is one, comes into view.
void ChatView::scrollToFound(MessageId message) {
  scrollToMessage(message);
  const auto row = m_model.rowOf(message);
  if (!row || m_found.empty() || foundIn(*row).empty()) return;
  const MessageLayout::Range first = foundIn(*row).front();
  MessageItem& item = *m_items[static_cast<std::size_t>(*row)];
  item.layoutCharacters(first);
  scrollToFirst(
      *row, [&] { return item.rectsOf(first); }, viewport()->height() / 3);
}

}  // namespace mneme

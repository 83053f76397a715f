// SPDX-License-Identifier: Apache-2.0
// Mouse, keys and clipboard of the chat view.
#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QTextBoundaryFinder>
#include <QToolTip>
#include <QUrl>
#include <algorithm>

#include "ui/models/token_facts.h"
#include "ui/plain_text.h"
#include "ui/views/chat/answer_text.h"
#include "ui/views/chat/chat_view.h"

namespace mneme {

ChatView::Under ChatView::under(const QPoint& point) {
  Under u;
  const qreal y = point.y() + verticalScrollBar()->value();
  u.row = rowAt(y);
  if (u.row < 0) return u;
  u.local = QPointF(point.x() - columnLeft(), y - m_tops[static_cast<std::size_t>(u.row)]);
  MessageItem& item = *m_items[static_cast<std::size_t>(u.row)];
  if (!item.isLaidOut(columnWidth())) layoutVisible();
  u.hit = item.hitTest(u.local);
  return u;
}

void ChatView::updateHover(const QPoint& point) {
  const Under u = under(point);
  const bool inside =
      u.row >= 0 && u.local.y() >= 0 && u.local.y() < m_heights[static_cast<std::size_t>(u.row)];
  const int hot = inside ? u.row : -1;
  if (hot != m_hotRow || u.hit.action != m_hovered) viewport()->update();
  m_hotRow = hot;
  m_hovered = inside ? u.hit.action : MessageAction::none;
  if (m_ink) m_selection.hover(u.hit.token);
  const bool hand = m_hovered != MessageAction::none || u.hit.body.copyBlock >= 0 ||
                    (!m_ink && !u.hit.body.link.isEmpty());
  viewport()->setCursor(hand           ? Qt::PointingHandCursor
                        : u.hit.inBody ? Qt::IBeamCursor
                                       : Qt::ArrowCursor);
}

void ChatView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  m_keyboard = false;
  const Under u = under(event->pos());
  clearSelection();
  if (u.row < 0) return;
  m_current = u.row;
  if (u.hit.action != MessageAction::none || u.hit.body.copyBlock >= 0) return;
  m_anchor = m_cursor = {u.row, u.hit.body.position};
  m_dragging = true;
}

void ChatView::mouseMoveEvent(QMouseEvent* event) {
  if (!m_dragging) {
    updateHover(event->pos());
    return;
  }
  const Under u = under(event->pos());
  if (u.row < 0) return;
  m_cursor = {u.row, u.hit.body.position};
  // Dragging beyond an edge scrolls.
  if (event->pos().y() < 0) verticalScrollBar()->setValue(verticalScrollBar()->value() - 20);
  if (event->pos().y() > viewport()->height()) {
    verticalScrollBar()->setValue(verticalScrollBar()->value() + 20);
  }
  viewport()->update();
}

void ChatView::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  const bool dragged = m_dragging && m_anchor != m_cursor;
  m_dragging = false;
  if (dragged) {
    if (QClipboard* clipboard = QApplication::clipboard(); clipboard->supportsSelection()) {
      clipboard->setText(selectedText(), QClipboard::Selection);
    }
    return;
  }
  const Under u = under(event->pos());
  if (u.row < 0) return;
  if (u.hit.action != MessageAction::none) {
    runAction(u.row, u.hit.action);
  } else if (u.hit.body.copyBlock >= 0) {
    MessageItem& item = *m_items[static_cast<std::size_t>(u.row)];
    QApplication::clipboard()->setText(item.body().code(u.hit.body.copyBlock));
    markCopied(u.row, u.hit.body.copyBlock);
    Q_EMIT copied(tr("Code copied"));
  } else if (m_ink) {  // a click picks the token, dragging selects text
    m_selection.pin(u.hit.token);
  } else if (!u.hit.body.link.isEmpty()) {
    Q_EMIT linkRequested(QUrl(u.hit.body.link));
  }
}

void ChatView::mouseDoubleClickEvent(QMouseEvent* event) {
  const Under u = under(event->pos());
  if (event->button() != Qt::LeftButton || u.row < 0 || !u.hit.inBody) return;
  const QString text = m_items[static_cast<std::size_t>(u.row)]->shownText();
  QTextBoundaryFinder words(QTextBoundaryFinder::Word, text);
  words.setPosition(u.hit.body.position);
  if (!words.isAtBoundary()) words.toPreviousBoundary();
  const auto from = std::max<qsizetype>(0, words.position());
  words.setPosition(u.hit.body.position);
  auto to = words.toNextBoundary();
  if (to < 0) to = text.size();
  m_anchor = {u.row, static_cast<int>(from)};
  m_cursor = {u.row, static_cast<int>(to)};
  viewport()->update();
}

void ChatView::runAction(int row, MessageAction action) {
  const MessageItem& item = *m_items[static_cast<std::size_t>(row)];
  if (action == MessageAction::copy) {
    copyMessage(item.id());
  } else if (action != MessageAction::none) {
    Q_EMIT actionRequested(item.id(), action);
  }
}

void ChatView::markCopied(int row, int codeBlock) {
  for (const auto& item : m_items) item->body().setCopied(-1);
  m_copiedRow = row;
  m_copiedBlock = codeBlock;
  if (row >= 0) {
    if (codeBlock >= 0) m_items[static_cast<std::size_t>(row)]->body().setCopied(codeBlock);
    m_copiedTimer.start();
  }
  viewport()->update();
}

void ChatView::contextMenuEvent(QContextMenuEvent* event) {
  int row = m_current;
  QPoint at = event->globalPos();
  if (event->reason() == QContextMenuEvent::Mouse) {
    row = under(event->pos()).row;
  } else if (row >= 0) {
    at = viewport()->mapToGlobal(messageRect(row).topLeft() + QPoint(20, 20));
  }
  QMenu menu(this);
  if (!selectedText().isEmpty()) {
    menu.addAction(tr("Copy selection"), this, &ChatView::copySelection);
    menu.addSeparator();
  }
  if (row >= 0 && row < static_cast<int>(m_items.size())) {
    for (const MessageAction action : m_items[static_cast<std::size_t>(row)]->actions()) {
      QString text = MessageItem::actionText(action);
      if (action == MessageAction::copy) text = tr("Copy message");
      if (action == MessageAction::previous) text = tr("Previous version");
      if (action == MessageAction::next) text = tr("Next version");
      menu.addAction(text, this, [this, row, action] {
        if (row < static_cast<int>(m_items.size())) runAction(row, action);
      });
    }
    if (m_items[static_cast<std::size_t>(row)]->body().lastCodeBlock() >= 0) {
      menu.addAction(tr("Copy last code block"), this, &ChatView::copyLastCodeBlock);
    }
    menu.addSeparator();
  }
  menu.addAction(tr("Select all"), this, &ChatView::selectAll);
  menu.exec(at);
}

void ChatView::keyPressEvent(QKeyEvent* event) {
  QScrollBar* bar = verticalScrollBar();
  if (event->matches(QKeySequence::Copy)) return copySelection();
  if (event->matches(QKeySequence::SelectAll)) return selectAll();
  switch (event->key()) {
    case Qt::Key_Up:
    case Qt::Key_Down: {
      const int step = event->key() == Qt::Key_Up ? -1 : 1;
      if ((event->modifiers() & Qt::AltModifier) != 0) return moveCurrent(step);
      return bar->setValue(bar->value() + step * bar->singleStep());
    }
    case Qt::Key_PageUp:
      return bar->setValue(bar->value() - bar->pageStep() * 9 / 10);
    case Qt::Key_PageDown:
    case Qt::Key_Space:
      return bar->setValue(bar->value() + bar->pageStep() * 9 / 10);
    case Qt::Key_Home:
      return bar->setValue(0);
    case Qt::Key_End:
      return scrollToEnd();
    case Qt::Key_Escape:
      if (!m_selection.pinned()) break;
      return m_selection.pin(std::nullopt);
    case Qt::Key_Left:
    case Qt::Key_Right:
      if (walkToken(event->key() == Qt::Key_Left ? -1 : 1)) return;
      break;
    default:
      break;
  }
  QAbstractScrollArea::keyPressEvent(event);
}

bool ChatView::walkToken(int step) {
  if (!m_ink || m_items.empty()) return false;
  const auto pinned = m_selection.pinned();
  for (std::size_t row = 0; row < m_items.size(); ++row) {
    InkText* ink = m_items[row]->ink();
    if (ink == nullptr || !pinned || !ink->contains(*pinned)) continue;
    if (const auto next = ink->neighbour(*pinned, step)) m_selection.pin(*next);
    return true;
  }
  // Nothing is pinned: start with the first token on screen.
  for (int row = std::max(0, rowAt(verticalScrollBar()->value()));
       row < static_cast<int>(m_items.size()); ++row) {
    const MessageItem& item = *m_items[static_cast<std::size_t>(row)];
    const auto& parts = m_inspection.branch.parts();
    const auto part = std::find_if(parts.begin(), parts.end(),
                                   [&](const auto& p) { return p.message == item.id(); });
    if (part == parts.end()) continue;
    for (EventIndex event = part->first; event < part->end; ++event) {
      if (m_items[static_cast<std::size_t>(row)]->ink()->contains(event)) {
        m_selection.pin(event);
        return true;
      }
    }
  }
  return false;
}

void ChatView::moveCurrent(int step) {
  if (m_items.empty()) return;
  m_keyboard = true;
  const int last = static_cast<int>(m_items.size()) - 1;
  setCurrent(m_current < 0 ? last : std::clamp(m_current + step, 0, last));
  setFocus(Qt::ShortcutFocusReason);
}

void ChatView::setCurrent(int row) {
  m_current = row;
  if (row < 0) return;
  layoutVisible();
  const auto i = static_cast<std::size_t>(row);
  QScrollBar* bar = verticalScrollBar();
  if (m_tops[i] < bar->value()) bar->setValue(static_cast<int>(m_tops[i]) - 8);
  const qreal bottom = m_tops[i] + m_heights[i];
  if (bottom > bar->value() + viewport()->height()) {
    bar->setValue(std::min(static_cast<int>(m_tops[i]) - 8,
                           static_cast<int>(bottom) - viewport()->height() + 8));
  }
  viewport()->update();
}

void ChatView::focusInEvent(QFocusEvent* event) {
  if (event->reason() != Qt::MouseFocusReason) {
    m_keyboard = true;
    if (m_current < 0 && !m_items.empty()) m_current = static_cast<int>(m_items.size()) - 1;
  }
  viewport()->update();
  QAbstractScrollArea::focusInEvent(event);
}

void ChatView::focusOutEvent(QFocusEvent* event) {
  viewport()->update();
  QAbstractScrollArea::focusOutEvent(event);
}

bool ChatView::viewportEvent(QEvent* event) {
  if (event->type() == QEvent::Leave) {
    m_hotRow = -1;
    m_hovered = MessageAction::none;
    m_selection.hover(std::nullopt);
    viewport()->update();
  }
  if (event->type() == QEvent::ToolTip) {
    auto* help = static_cast<QHelpEvent*>(event);
    const Under u = under(help->pos());
    QString text;
    if (u.row >= 0) {
      const MessageItem& item = *m_items[static_cast<std::size_t>(u.row)];
      if (!u.hit.body.link.isEmpty()) {
        text = u.hit.body.link;
      } else if (!u.hit.inBody && item.item().row.answer &&
                 u.local.y() > item.bodyRect().bottom()) {
        text = item.figuresText() + QLatin1Char('\n') + answerOrigin(*item.item().row.answer);
      }
    }
    QToolTip::showText(help->globalPos(), boundedText(text), viewport());
    return true;
  }
  return QAbstractScrollArea::viewportEvent(event);
}

// --- selection and clipboard
// -----------------------------------------------------------------------

void ChatView::clearSelection() {
  m_anchor = m_cursor = {};
  m_dragging = false;
  viewport()->update();
}

MessageLayout::Range ChatView::selectionIn(int row) const {
  const Place from = std::min(m_anchor, m_cursor);
  const Place to = std::max(m_anchor, m_cursor);
  if (from.row < 0 || row < from.row || row > to.row) return {};
  const auto length = static_cast<int>(m_items[static_cast<std::size_t>(row)]->shownText().size());
  return {row == from.row ? from.position : 0, row == to.row ? to.position : length};
}

QString ChatView::selectedText() const {
  const Place from = std::min(m_anchor, m_cursor);
  const Place to = std::max(m_anchor, m_cursor);
  if (from.row < 0 || from == to) return {};
  QStringList parts;
  for (int row = from.row; row <= std::min(to.row, static_cast<int>(m_items.size()) - 1); ++row) {
    const MessageLayout::Range range = selectionIn(row);
    parts << m_items[static_cast<std::size_t>(row)]->shownText().mid(range.from,
                                                                     range.to - range.from);
  }
  return parts.join(QStringLiteral("\n\n"));
}

void ChatView::selectAll() {
  if (m_items.empty()) return;
  for (const auto& item : m_items) item->read();
  m_anchor = {0, 0};
  const int last = static_cast<int>(m_items.size()) - 1;
  m_cursor = {last, static_cast<int>(m_items.back()->shownText().size())};
  viewport()->update();
}

void ChatView::copySelection() {
  const QString text = selectedText();
  if (text.isEmpty()) {
    const auto pinned = m_ink ? m_selection.pinned() : std::nullopt;
    if (const auto token = pinned ? m_inspection.branch.indexOf(*pinned) : std::nullopt) {
      QApplication::clipboard()->setText(
          cardText(factsOf(m_inspection.branch, m_inspection.source, *token), m_inspection.source));
      Q_EMIT copied(tr("Token card copied"));
    } else if (const TranscriptItem* item = target()) {
      copyMessage(item->row.id);
    }
    return;
  }
  QApplication::clipboard()->setText(text);
  Q_EMIT copied(tr("Selection copied"));
}

const TranscriptItem* ChatView::chosen() const {
  const bool any = m_current >= 0 && m_current < m_model.rowCount() && m_keyboard && hasFocus();
  return any ? &m_model.at(m_current) : nullptr;
}

const TranscriptItem* ChatView::target(std::optional<Role> role) const {
  const auto fits = [&](int row) { return !role || m_model.at(row).row.role == *role; };
  if (chosen() != nullptr && fits(m_current)) return chosen();
  for (int row = m_model.rowCount() - 1; row >= 0; --row) {
    if (fits(row)) return &m_model.at(row);
  }
  return nullptr;
}

void ChatView::copyMessage(MessageId message) {
  const auto row = m_model.rowOf(message);
  if (!row) return;
  QApplication::clipboard()->setText(m_model.at(*row).text);
  markCopied(*row, -1);
  Q_EMIT copied(tr("Message copied"));
}

void ChatView::copyLastCodeBlock() {
  for (int row = static_cast<int>(m_items.size()) - 1; row >= 0; --row) {
    MessageItem& item = *m_items[static_cast<std::size_t>(row)];
    item.read();
    const int block = item.body().lastCodeBlock();
    if (block < 0) continue;
    QApplication::clipboard()->setText(item.body().code(block));
    markCopied(row, block);
    Q_EMIT copied(tr("Code copied"));
    return;
  }
  Q_EMIT copied(tr("There is no code block in this chat"));
}

QPoint ChatView::actionPoint(int row, MessageAction action) {
  layoutVisible();
  return (m_items[static_cast<std::size_t>(row)]->actionRect(action).center() +
          QPointF(columnLeft(),
                  m_tops[static_cast<std::size_t>(row)] - verticalScrollBar()->value()))
      .toPoint();
}

QPoint ChatView::codeCopyPoint(int row) {
  layoutVisible();
  MessageItem& item = *m_items[static_cast<std::size_t>(row)];
  const QRectF rect = item.body().copyRect(item.body().lastCodeBlock());
  return (rect.center() + item.bodyRect().topLeft() +
          QPointF(columnLeft(),
                  m_tops[static_cast<std::size_t>(row)] - verticalScrollBar()->value()))
      .toPoint();
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "ui/models/transcript_model.h"

#include <algorithm>

namespace mneme {

int TranscriptModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_items.size());
}

QVariant TranscriptModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const TranscriptItem& item = at(index.row());
  switch (role) {
    case Qt::DisplayRole:
      return item.text;
    case Qt::AccessibleTextRole:
      return (item.row.role == mneme::Role::user ? tr("You: %1") : tr("Answer: %1")).arg(item.text);
    case RoleRole:
      return static_cast<int>(item.row.role);
    case StateRole:
      return static_cast<int>(item.row.state);
    case IdRole:
      return static_cast<qlonglong>(item.row.id);
    default:
      return {};
  }
}

MessageRow* TranscriptModel::find(MessageId id) {
  const auto it = std::find_if(m_messages.begin(), m_messages.end(),
                               [&](const MessageRow& m) { return m.id == id; });
  return it == m_messages.end() ? nullptr : &*it;
}

const MessageRow* TranscriptModel::message(MessageId id) const {
  return const_cast<TranscriptModel*>(this)->find(id);
}

bool TranscriptModel::wasAnswered(MessageId question) const {
  return std::any_of(m_messages.begin(), m_messages.end(), [&](const MessageRow& m) {
    return m.parent == question && m.role == mneme::Role::assistant && m.end_event > m.first_event;
  });
}

std::optional<int> TranscriptModel::rowOf(MessageId id) const {
  for (std::size_t i = 0; i < m_items.size(); ++i) {
    if (m_items[i].row.id == id) return static_cast<int>(i);
  }
  return std::nullopt;
}

void TranscriptModel::setTree(std::vector<MessageRow> messages, MessageId leaf) {
  beginResetModel();
  m_messages = std::move(messages);
  m_leaf = leaf;
  m_items = branch();
  endResetModel();
}

std::vector<TranscriptItem> TranscriptModel::branch() const {
  std::vector<TranscriptItem> items;
  MessageId id = m_leaf;
  // Bounded by the number of messages: a tree from a damaged file may hold a circle.
  while (id != 0 && items.size() < m_messages.size()) {
    const MessageRow* row = message(id);
    if (row == nullptr) break;
    TranscriptItem item;
    item.row = *row;
    item.text = QString::fromStdString(row->text);
    fillSiblings(item);
    id = row->parent;
    items.push_back(std::move(item));
  }
  std::reverse(items.begin(), items.end());
  return items;
}

void TranscriptModel::fillSiblings(TranscriptItem& item) const {
  item.siblings = 0;
  item.previousSibling = 0;
  item.nextSibling = 0;
  bool passed = false;
  for (const MessageRow& other : m_messages) {
    if (other.parent != item.row.parent || other.role != item.row.role) continue;
    if (other.id == item.row.id) {
      item.sibling = item.siblings;
      passed = true;
    } else if (!passed) {
      item.previousSibling = other.id;
    } else if (item.nextSibling == 0) {
      item.nextSibling = other.id;
    }
    ++item.siblings;
  }
}

void TranscriptModel::add(const MessageRow& message) {
  m_messages.push_back(message);
  if (message.parent == m_leaf) {
    m_leaf = message.id;
    TranscriptItem item;
    item.row = message;
    item.text = QString::fromStdString(message.text);
    fillSiblings(item);
    const int row = rowCount();
    beginInsertRows({}, row, row);
    m_items.push_back(std::move(item));
    endInsertRows();
  } else {
    showLeaf(message.id);
  }
}

MessageId TranscriptModel::leafBelow(MessageId id) const {
  // Ids grow from parents to children, so this ends.
  MessageId leaf = id;
  for (bool deeper = true; deeper;) {
    deeper = false;
    MessageId newest = 0;
    for (const MessageRow& message : m_messages) {
      if (message.parent == leaf && message.id > leaf) newest = std::max(newest, message.id);
    }
    if (newest != 0) {
      leaf = newest;
      deeper = true;
    }
  }
  return leaf;
}

// Rows that both branches share stay as they are, so that the view keeps its place.
void TranscriptModel::showLeaf(MessageId leaf) {
  m_leaf = leaf;
  std::vector<TranscriptItem> next = branch();
  std::size_t same = 0;
  while (same < next.size() && same < m_items.size() && next[same].row.id == m_items[same].row.id) {
    next[same].live = m_items[same].live;
    if (next[same].live) next[same].text = m_items[same].text;
    ++same;
  }
  if (same < m_items.size()) {
    beginRemoveRows({}, static_cast<int>(same), static_cast<int>(m_items.size()) - 1);
    m_items.resize(same);
    endRemoveRows();
  }
  for (std::size_t i = 0; i < same; ++i) m_items[i] = next[i];
  if (same > 0) Q_EMIT dataChanged(index(0), index(static_cast<int>(same) - 1));
  if (same < next.size()) {
    beginInsertRows({}, static_cast<int>(same), static_cast<int>(next.size()) - 1);
    m_items.insert(m_items.end(), next.begin() + static_cast<std::ptrdiff_t>(same), next.end());
    endInsertRows();
  }
}

void TranscriptModel::changed(MessageId id) {
  if (const auto row = rowOf(id)) Q_EMIT dataChanged(index(*row), index(*row));
}

void TranscriptModel::setStreaming(MessageId id, const QString& text, const AnswerLive& live) {
  const auto row = rowOf(id);
  if (!row) return;
  TranscriptItem& item = m_items[static_cast<std::size_t>(*row)];
  item.text = text;
  item.live = live;
  Q_EMIT dataChanged(index(*row), index(*row));
}

void TranscriptModel::setEvents(MessageId id, EventIndex first, EventIndex end) {
  MessageRow* message = find(id);
  if (message == nullptr || (message->first_event == first && message->end_event == end)) return;
  message->first_event = first;
  message->end_event = end;
  if (const auto row = rowOf(id)) {
    MessageRow& shown = m_items[static_cast<std::size_t>(*row)].row;
    shown.first_event = first;
    shown.end_event = end;
    // While it streams its text follows at once, and tells of both.
    if (m_items[static_cast<std::size_t>(*row)].live) return;
  }
  changed(id);
}

void TranscriptModel::finish(MessageId id, const QString& text, MessageState state,
                             const QString& error, const std::optional<AnswerRecord>& answer) {
  MessageRow* message = find(id);
  if (message == nullptr) return;
  message->text = text.toStdString();
  message->state = state;
  message->error = error.toStdString();
  message->answer = answer;
  if (const auto row = rowOf(id)) {
    TranscriptItem& item = m_items[static_cast<std::size_t>(*row)];
    item.row = *message;
    item.text = text;
    item.live.reset();
  }
  changed(id);
}

}  // namespace mneme

#include "moc_transcript_model.cpp"

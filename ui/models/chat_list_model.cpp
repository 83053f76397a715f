// SPDX-License-Identifier: Apache-2.0
#include "ui/models/chat_list_model.h"

#include <QDateTime>
#include <algorithm>

#include "ui/format.h"

namespace mneme {

int ChatListModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant ChatListModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const Row& row = m_rows[static_cast<std::size_t>(index.row())];
  const bool heading = !row.heading.isEmpty();
  switch (role) {
    case Qt::DisplayRole:
      return heading ? row.heading : row.title;
    case Qt::EditRole:
      return row.title;
    case Qt::ToolTipRole: {
      const ChatRow* one = chat(row.chat);
      if (one == nullptr) return {};
      return tr("%1\nchanged %2").arg(row.title, format::dateTime(one->updated_ms));
    }
    case Qt::AccessibleTextRole:
      if (heading) return tr("%1, heading").arg(row.heading);
      return row.snippet.isEmpty() ? row.title : tr("%1: %2").arg(row.title, row.snippet);
    case IdRole:
      return static_cast<qlonglong>(row.chat);
    case HeadingRole:
      return heading;
    case SnippetRole:
      return row.snippet;
    case MessageRole:
      return static_cast<qlonglong>(row.message);
    default:
      return {};
  }
}

Qt::ItemFlags ChatListModel::flags(const QModelIndex& index) const {
  if (!index.isValid()) return Qt::NoItemFlags;
  const Row& row = m_rows[static_cast<std::size_t>(index.row())];
  if (!row.heading.isEmpty()) return Qt::ItemNeverHasChildren;
  return Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsEditable | Qt::ItemNeverHasChildren;
}

bool ChatListModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (role != Qt::EditRole || !checkIndex(index, CheckIndexOption::IndexIsValid)) return false;
  const Row& row = m_rows[static_cast<std::size_t>(index.row())];
  const QString title = value.toString().simplified().left(200);
  if (row.chat == 0 || title == row.title) return false;
  Q_EMIT renameRequested(row.chat, title);
  return true;
}

QString ChatListModel::titleOf(const ChatRow& chat) {
  return chat.title.empty() ? tr("New chat") : QString::fromStdString(chat.title);
}

const ChatRow* ChatListModel::chat(ChatId id) const {
  const auto it =
      std::find_if(m_chats.begin(), m_chats.end(), [&](const ChatRow& c) { return c.id == id; });
  return it == m_chats.end() ? nullptr : &*it;
}

QModelIndex ChatListModel::indexOf(ChatId id) const {
  if (id == 0) return {};
  for (std::size_t i = 0; i < m_rows.size(); ++i) {
    if (m_rows[i].chat == id) return index(static_cast<int>(i));
  }
  return {};
}

std::vector<ChatListModel::Row> ChatListModel::rowsOfChats() const {
  std::vector<Row> rows;
  QString last;
  for (const ChatRow& one : m_chats) {
    const QDate day = QDateTime::fromMSecsSinceEpoch(one.updated_ms).date();
    const QString heading = day >= m_today               ? tr("Today")
                            : day == m_today.addDays(-1) ? tr("Yesterday")
                                                         : tr("Earlier");
    if (heading != last) {
      Row head;
      head.heading = heading;
      rows.push_back(head);
      last = heading;
    }
    Row row;
    row.chat = one.id;
    row.title = titleOf(one);
    rows.push_back(row);
  }
  return rows;
}

void ChatListModel::setChats(std::vector<ChatRow> chats, const QDate& today) {
  m_chats = std::move(chats);
  m_today = today;
  if (!m_searching) show(rowsOfChats());
}

void ChatListModel::setHits(const std::vector<Library::SearchHit>& hits) {
  m_searching = true;
  std::vector<Row> rows;
  Row head;
  head.heading = hits.empty() ? tr("Nothing found")
                              : format::counted(static_cast<std::int64_t>(hits.size()),
                                                tr("Found in %1 chat"), tr("Found in %1 chats"));
  rows.push_back(head);
  for (const Library::SearchHit& hit : hits) {
    const ChatRow* one = chat(hit.chat);
    if (one == nullptr) continue;
    Row row;
    row.chat = hit.chat;
    row.message = hit.message;
    row.title = titleOf(*one);
    if (hit.message != 0) row.snippet = QString::fromStdString(hit.snippet).simplified();
    rows.push_back(row);
  }
  show(std::move(rows));
}

void ChatListModel::clearHits() {
  if (!m_searching) return;
  m_searching = false;
  show(rowsOfChats());
}

void ChatListModel::show(std::vector<Row> rows) {
  if (rows == m_rows) return;
  beginResetModel();
  m_rows = std::move(rows);
  endResetModel();
}

}  // namespace mneme

#include "moc_chat_list_model.cpp"

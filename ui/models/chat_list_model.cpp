// SPDX-License-Identifier: Apache-2.0
#include "ui/models/chat_list_model.h"

#include <QDateTime>
#include <algorithm>

#include "ui/format.h"
#include "ui/plain_text.h"

namespace mneme {
namespace {

constexpr int kPlacesShown = 3;  // of a chat, before it is expanded

}  // namespace

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
      return tr("%1\nchanged %2").arg(boundedText(row.title), format::dateTime(one->updated_ms));
    }
    case Qt::AccessibleTextRole:
      if (heading) return tr("%1, heading").arg(row.heading);
      if (row.count > 0) {
        return tr("%1, %2").arg(
            row.title, format::counted(row.count, tr("found %1 time"), tr("found %1 times")));
      }
      return row.snippet.isEmpty() ? row.title : tr("%1: %2").arg(row.title, row.snippet);
    case IdRole:
      return static_cast<qlonglong>(row.chat);
    case HeadingRole:
      return heading;
    case SnippetRole:
      return row.snippet;
    case MessageRole:
      return static_cast<qlonglong>(row.message);
    case MatchRole:
      return row.match;
    case CountRole:
      return row.count;
    case MoreRole:
      return row.more;
    default:
      return {};
  }
}

Qt::ItemFlags ChatListModel::flags(const QModelIndex& index) const {
  if (!index.isValid()) return Qt::NoItemFlags;
  const Row& row = m_rows[static_cast<std::size_t>(index.row())];
  if (!row.heading.isEmpty()) return Qt::ItemNeverHasChildren;
  const Qt::ItemFlags flags = Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemNeverHasChildren;
  return row.message == 0 && row.more == 0 ? flags | Qt::ItemIsEditable : flags;
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

QModelIndex ChatListModel::indexOf(ChatId id, MessageId message) const {
  if (id == 0) return {};
  for (std::size_t i = 0; i < m_rows.size(); ++i) {
    if (m_rows[i].chat == id && m_rows[i].message == message) return index(static_cast<int>(i));
  }
  return {};
}

// The first place in a message, else the first chat.
QModelIndex ChatListModel::firstHit() const {
  if (!m_searching) return {};
  for (const bool place : {true, false}) {
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
      if (m_rows[i].chat != 0 && (m_rows[i].message != 0) == place) {
        return index(static_cast<int>(i));
      }
    }
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
  show(m_searching ? rowsOfHits() : rowsOfChats());
}

void ChatListModel::setHits(std::vector<Library::ChatHits> hits) {
  m_searching = true;
  m_hits = std::move(hits);
  m_expanded.clear();
  show(rowsOfHits());
}

bool ChatListModel::expand(ChatId chat) {
  if (!m_searching || !m_expanded.insert(chat).second) return false;
  show(rowsOfHits());
  return true;
}

std::vector<ChatListModel::Row> ChatListModel::rowsOfHits() const {
  std::vector<Row> rows(1);
  int chats = 0;
  for (const Library::ChatHits& found : m_hits) {
    const ChatRow* one = chat(found.chat);
    if (one == nullptr) continue;
    ++chats;
    Row title;
    title.chat = found.chat;
    title.title = titleOf(*one);
    title.count = found.count;
    rows.push_back(title);
    const std::size_t place = rows.size() - 1;
    int shown = 0;
    for (const Library::SearchHit& hit : found.hits) {
      const auto before = QString::fromUtf8(hit.snippet.data(), qsizetype(hit.match_begin)).size();
      const auto until = QString::fromUtf8(hit.snippet.data(), qsizetype(hit.match_end)).size();
      const QPoint match(static_cast<int>(before), static_cast<int>(until - before));
      if (hit.message == 0) {
        if (QString::fromStdString(hit.snippet) == title.title) rows[place].match = match;
        ++shown;
        continue;
      }
      Row row;
      row.chat = found.chat;
      row.message = hit.message;
      row.title = title.title;
      row.snippet = QString::fromStdString(hit.snippet);
      row.match = match;
      rows.push_back(std::move(row));
      ++shown;
      if (shown < kPlacesShown || m_expanded.contains(found.chat)) continue;
      break;
    }
    const int left = found.count - shown;
    if (left <= 0) continue;
    Row more;
    more.chat = found.chat;
    more.title = title.title;
    more.snippet =
        format::counted(left, tr("%1 more place in this chat"), tr("%1 more places in this chat"));
    more.message = -1;
    more.more = left;
    rows.push_back(std::move(more));
  }
  rows[0].heading = chats == 0
                        ? tr("Nothing found")
                        : format::counted(chats, tr("Found in %1 chat"), tr("Found in %1 chats"));
  return rows;
}

void ChatListModel::clearHits() {
  if (!m_searching) return;
  m_searching = false;
  m_hits.clear();
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

// SPDX-License-Identifier: Apache-2.0
// Chats on disk, last changed first, under the headings Today, Yesterday and Earlier; or, while the
// search box holds text, the chats that hold it, best first, each with the places below it.
// Headings are rows of their own. UI thread.
#pragma once

#include <QAbstractListModel>
#include <QDate>
#include <QPoint>
#include <QString>
#include <set>
#include <vector>

#include "inference/store/library.h"

namespace mneme {

class ChatListModel : public QAbstractListModel {
  Q_OBJECT

 public:
  // SnippetRole: a place that was found. MatchRole: what was found there, or in the title, as
  // QPoint (first character, how many). CountRole: places in this chat. MoreRole: stands for so
  // many of them that expand() shows.
  enum Role {
    IdRole = Qt::UserRole + 1,
    HeadingRole,
    SnippetRole,
    MessageRole,
    MatchRole,
    CountRole,
    MoreRole
  };

  using QAbstractListModel::QAbstractListModel;

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;

  void setChats(std::vector<ChatRow> chats, const QDate& today = QDate::currentDate());
  void setHits(std::vector<Library::ChatHits> hits);
  void clearHits();
  bool expand(ChatId chat);  // shows all of its places; false = it does
  bool searching() const { return m_searching; }

  // The row of the chat, or of a place in it; invalid = not shown.
  QModelIndex indexOf(ChatId id, MessageId message = 0) const;
  QModelIndex firstHit() const;          // what Enter opens
  const ChatRow* chat(ChatId id) const;  // null = unknown
  static QString titleOf(const ChatRow& chat);

 Q_SIGNALS:
  void renameRequested(qint64 chat, const QString& title);

 private:
  struct Row {
    QString heading;  // not empty: a heading
    ChatId chat = 0;
    MessageId message = 0;
    QString title;
    QString snippet;
    QPoint match;
    int count = 0;
    int more = 0;
    friend bool operator==(const Row&, const Row&) = default;
  };
  std::vector<Row> rowsOfChats() const;
  std::vector<Row> rowsOfHits() const;
  void show(std::vector<Row> rows);

  std::vector<ChatRow> m_chats;
  std::vector<Row> m_rows;
  std::vector<Library::ChatHits> m_hits;
  std::set<ChatId> m_expanded;
  QDate m_today;
  bool m_searching = false;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Chats on disk, last changed first, under the headings Today, Yesterday and Earlier; or, while the
// search box holds text, the hits, best first. Headings are rows of their own. UI thread.
#pragma once

#include <QAbstractListModel>
#include <QDate>
#include <QString>
#include <vector>

#include "inference/store/library.h"

namespace mneme {

class ChatListModel : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role { IdRole = Qt::UserRole + 1, HeadingRole, SnippetRole, MessageRole };

  using QAbstractListModel::QAbstractListModel;

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;

  void setChats(std::vector<ChatRow> chats, const QDate& today = QDate::currentDate());
  void setHits(const std::vector<Library::SearchHit>& hits);
  void clearHits();
  bool searching() const { return m_searching; }

  QModelIndex indexOf(ChatId id) const;  // invalid = not shown
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
    friend bool operator==(const Row&, const Row&) = default;
  };
  std::vector<Row> rowsOfChats() const;
  void show(std::vector<Row> rows);

  std::vector<ChatRow> m_chats;
  std::vector<Row> m_rows;
  QDate m_today;
  bool m_searching = false;
};

}  // namespace mneme

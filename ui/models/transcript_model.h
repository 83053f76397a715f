// SPDX-License-Identifier: Apache-2.0
// The open chat's tree of messages, and the branch of it that is in view as a list: one row a
// message. The last row grows while an answer streams. UI thread.
#pragma once

#include <QAbstractListModel>
#include <QString>
#include <optional>
#include <vector>

#include "inference/store/library.h"

namespace mneme {

// How far a running answer is.
struct AnswerLive {
  GenerateProgress progress;
  double tokensPerSecond = 0;  // while decoding
  // A layer waits for rows since this many whole seconds, of that many reads; 0 = it does not.
  std::uint64_t stalledSeconds = 0;
  std::uint64_t stalledReads = 0;
};

struct TranscriptItem {
  MessageRow row;  // `row.text` as stored; while streaming see `text`
  QString text;
  int sibling = 0;  // which of its parent's answers (or edited versions) this is, from 0
  int siblings = 1;
  MessageId previousSibling = 0;  // 0 = none
  MessageId nextSibling = 0;
  std::optional<AnswerLive> live;  // while it streams
};

class TranscriptModel : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role { RoleRole = Qt::UserRole + 1, StateRole, IdRole };

  using QAbstractListModel::QAbstractListModel;

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;

  const std::vector<TranscriptItem>& items() const { return m_items; }
  const TranscriptItem& at(int row) const { return m_items[static_cast<std::size_t>(row)]; }
  std::optional<int> rowOf(MessageId id) const;
  const MessageRow* message(MessageId id) const;  // also off the branch; null = not of this chat

  // An answer to it has records, so its own are whole.
  bool wasAnswered(MessageId question) const;

  void setTree(std::vector<MessageRow> messages, MessageId leaf);
  void clear() { setTree({}, 0); }
  // A new message below its parent, which becomes the leaf.
  void add(const MessageRow& message);
  MessageId leaf() const { return m_leaf; }
  // The newest leaf below `id`: where showing a sibling leads.
  MessageId leafBelow(MessageId id) const;
  void showLeaf(MessageId leaf);

  void setStreaming(MessageId id, const QString& text, const AnswerLive& live);
  void setEvents(MessageId id, EventIndex first, EventIndex end);
  void finish(MessageId id, const QString& text, MessageState state, const QString& error,
              const std::optional<AnswerRecord>& answer);

 private:
  MessageRow* find(MessageId id);
  std::vector<TranscriptItem> branch() const;
  void fillSiblings(TranscriptItem& item) const;
  void changed(MessageId id);

  std::vector<MessageRow> m_messages;  // the whole tree; parents stand before their children
  MessageId m_leaf = 0;
  std::vector<TranscriptItem> m_items;
};

}  // namespace mneme

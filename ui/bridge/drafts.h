// SPDX-License-Identifier: Apache-2.0
// What was typed and not sent, one draft for each chat: remembered at once, on disk a moment later
// and at the end. UI thread.
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>
#include <map>
#include <set>
#include <vector>

#include "inference/store/chat_store.h"

namespace mneme {

struct Draft {
  QString text;
  MessageId editing = 0;  // a message that is being written anew, as `edited`; 0 = none
  QString edited;
  bool empty() const { return text.isEmpty() && editing == 0; }
  friend bool operator==(const Draft&, const Draft&) = default;
};

class Drafts : public QObject {
  Q_OBJECT

 public:
  explicit Drafts(ChatStore& store, QObject* parent = nullptr);
  ~Drafts() override;

  // What was on disk at the start. What was typed since follows it.
  void load(const std::vector<DraftRow>& rows);
  Draft of(ChatId chat) const;  // 0 = of the chat that is not there yet
  void set(ChatId chat, const Draft& draft);
  void flush();  // what waits goes to the store thread now
  bool waiting() const { return !m_changed.empty(); }

  static DraftRow rowOf(ChatId chat, const Draft& draft);

 private:
  ChatStore& m_store;
  std::map<ChatId, Draft> m_drafts;
  std::set<ChatId> m_changed;  // since the last flush
  QTimer m_timer;
};

}  // namespace mneme

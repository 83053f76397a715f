// SPDX-License-Identifier: Apache-2.0
// Chats that were deleted and are kept for a while: search among them, bring one back, delete it
// for good. UI thread; asks the store and never waits.
#pragma once

#include <QDialog>
#include <QTimer>
#include <vector>

#include "inference/store/chat_store.h"

class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;

namespace mneme {

class DeletedChatsDialog : public QDialog {
  Q_OBJECT

 public:
  explicit DeletedChatsDialog(ChatStore& store, QWidget* parent = nullptr);

  QListWidget* list() const { return m_list; }
  QLineEdit* searchBox() const { return m_search; }
  QPushButton* restoreButton() const { return m_restore; }
  // Without asking: the button asks first.
  void deleteForGood(ChatId chat);

 Q_SIGNALS:
  void restoreRequested(qint64 chat);

 private:
  struct Row {
    ChatRow chat;
    QString snippet;  // of what was searched for
  };
  static Result<std::vector<Row>> find(Library& library, const std::string& text);
  void reload();
  void fill(const std::vector<Row>& rows);
  void restore();
  void askToDelete();
  ChatId current() const;

  ChatStore& m_store;
  QLineEdit* m_search;
  QListWidget* m_list;
  QLabel* m_note;
  QPushButton* m_restore;
  QPushButton* m_delete;
  QTimer m_pause;
};

}  // namespace mneme

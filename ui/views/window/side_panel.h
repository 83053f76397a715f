// SPDX-License-Identifier: Apache-2.0
// The left panel: search, New chat, the chats, the model card. UI thread.
#pragma once

#include <QTimer>
#include <QWidget>

#include "ui/models/chat_list_model.h"

class QLineEdit;
class QListView;
class QPushButton;

namespace mneme {

class EngineHost;
class ModelCard;

class SidePanel : public QWidget {
  Q_OBJECT

 public:
  SidePanel(ChatListModel& chats, EngineHost& engine, QWidget* parent = nullptr);

  void showCurrent(ChatId chat);  // marks it; 0 = none
  ChatId current() const;
  void renameCurrent();
  void focusSearch();
  QString searchText() const;
  QLineEdit* search() const { return m_search; }
  QListView* list() const { return m_list; }
  ModelCard* modelCard() const { return m_card; }

  QSize sizeHint() const override { return {224, 600}; }

 Q_SIGNALS:
  void newChatRequested();
  void chatChosen(qint64 chat, qint64 message);
  void searchChanged(const QString& text);           // when typing pauses
  void menuRequested(const QPoint& globalPosition);  // for the current chat

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void choose(const QModelIndex& index);
  void chooseFirstHit();
  bool searchKey(int key);
  bool listKey(int key);

  ChatListModel& m_chats;
  QLineEdit* m_search;
  QPushButton* m_new;
  QListView* m_list;
  ModelCard* m_card;
  QTimer m_searchTimer;
  ChatId m_current = 0;
  MessageId m_currentMessage = 0;  // the place in it that was chosen
  bool m_chooseFirst = false;      // once the hits are there
};

}  // namespace mneme

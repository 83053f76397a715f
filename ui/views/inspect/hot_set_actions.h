// SPDX-License-Identifier: Apache-2.0
// Warm, pin, clear: buttons that first say what they will do, how much it is and about how long it
// takes. UI thread.
#pragma once

#include <QWidget>

#include "ui/bridge/hot_set_work.h"
#include "ui/models/chat_list_model.h"
#include "ui/models/inspect_source.h"

class QDialog;
class QLabel;
class QProgressBar;
class QPushButton;

namespace mneme {

class HotSetActions : public QWidget {
  Q_OBJECT

 public:
  HotSetActions(HotSetWork& work, BranchTrace& branch, InspectSource& source,
                const ChatListModel& chats, QWidget* parent = nullptr);

  // What the dialogs say; sentences.
  static QString warmText(const HotSetWork::Plan& plan, const TierStats& stats, int readsPerNgram);
  static QString pinText(const TierStats& stats, double share);
  static QString clearText(const TierStats& stats);

 private:
  void refresh();
  void askWarm();
  void askPin();
  void askClear();
  int readsPerNgram() const;

  HotSetWork& m_work;
  BranchTrace& m_branch;
  InspectSource& m_source;
  const ChatListModel& m_chats;
  QLabel* m_said = nullptr;
  QProgressBar* m_progress = nullptr;
  QPushButton* m_cancel = nullptr;
  QPushButton* m_warm = nullptr;
  QPushButton* m_pin = nullptr;
  QPushButton* m_clear = nullptr;
};

}  // namespace mneme

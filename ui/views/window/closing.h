// SPDX-License-Identifier: Apache-2.0
// The end of the window: what is typed or answered and not on disk is saved first. Where the disk
// refuses it or does not answer, the person chooses: wait, copy the text, close all the same, or
// stay. UI thread.
#pragma once

#include <QObject>
#include <QPointer>
#include <QTimer>
#include <vector>

#include "ui/bridge/save_watch.h"

class QMessageBox;
class QWidget;

namespace mneme {

class Conversation;
class Drafts;

class Closing : public QObject {
  Q_OBJECT

 public:
  // All outlive it. `window` is closed again once it may.
  Closing(QWidget& window, Conversation& conversation, Drafts& drafts, SaveWatch& watch);
  ~Closing() override;

  // Nothing is left to save, or what is left was given up. Else it is being saved, and closes the
  // window when that is done.
  bool mayClose();
  QMessageBox* question() const;  // null = none is asked

 private:
  void save();
  void ask(const std::vector<SaveWatch::Unsaved>& unsaved);
  void close();
  void stay();

  QWidget& m_window;
  Conversation& m_conversation;
  Drafts& m_drafts;
  SaveWatch& m_watch;
  bool m_closing = false;
  bool m_sure = false;
  QTimer m_patience;  // with an answer that does not end, then with a disk that does not answer
  bool m_answerEnds = true;
  QPointer<QMessageBox> m_question;
  std::vector<SaveWatch::Unsaved> m_unsaved;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Where messages are written: Enter sends, Shift+Enter breaks the line, the box grows with its
// text. Below it what the draft would cost, the context meter, and Send or Stop. UI thread.
#pragma once

#include <QFrame>

#include "ui/bridge/drafts.h"

class QLabel;
class QPlainTextEdit;
class QPushButton;

namespace mneme {

class ContextMeter;
class ElidedLabel;

class Composer : public QFrame {
  Q_OBJECT

 public:
  explicit Composer(QWidget* parent = nullptr);

  QString text() const;
  void setText(const QString& text);
  QPlainTextEdit* edit() const { return m_edit; }
  ContextMeter* meter() const { return m_meter; }

  // `reason` why Send is off; empty = it is on. `answering`: the button stops.
  void setState(const QString& blockedReason, bool answering);
  void setDraftLine(const QString& text);
  // Writing a new version of an earlier message; 0 = a new message.
  void setEditing(qint64 message, const QString& text);
  qint64 editing() const { return m_editing; }
  Draft draft() const;
  void setDraft(const Draft& draft);
  // While what was sent is on its way to the disk it stays, and cannot be changed.
  void setSending(bool sending);
  void setEditsAnswer(bool answer);  // what is edited is an answer: its text is kept, not sent
  void send();

 Q_SIGNALS:
  void sendRequested(const QString& text);
  void stopRequested();
  void draftChanged();
  void editCancelled();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void cancelEditing();
  void grow();
  void updateButton();
  void fitLine();

  QPlainTextEdit* m_edit;
  ElidedLabel* m_draft;
  ContextMeter* m_meter;
  QPushButton* m_button;
  QFrame* m_editBar;
  QLabel* m_editLabel;
  QString m_blocked;
  bool m_answering = false;
  bool m_sending = false;
  bool m_growing = false;
  bool m_editsAnswer = false;
  qint64 m_editing = 0;
  QString m_kept;  // the draft that editing replaced
};

}  // namespace mneme

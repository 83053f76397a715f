// SPDX-License-Identifier: Apache-2.0
// A chat on screen, for tests of how it is shown.
#pragma once

#include <QtTest>
#include <memory>

#include "ui/theme.h"
#include "ui/views/chat/chat_view.h"

namespace mneme {

inline MessageRow message(MessageId id, MessageId parent, Role role, const QString& text) {
  MessageRow row;
  row.id = id;
  row.parent = parent;
  row.role = role;
  row.text = text.toStdString();
  return row;
}

class ShownChat : public QObject {
 protected:
  void showChat() {
    Theme::choose(Theme::Choice::light);
    m_view = std::make_unique<ChatView>(m_model, m_selection,
                                        MessageItem::Inspection{m_branch, m_selection, m_source});
    m_view->resize(700, 500);
    m_view->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
  }
  void closeChat() {
    m_view.reset();
    m_model.clear();
    m_branch.reset(nullptr, {});
    m_source.setModel(nullptr);
    m_selection.clear();
    Theme::setZoom(1);
  }

  TranscriptModel m_model;
  BranchTrace m_branch;
  Selection m_selection;
  InspectSource m_source;
  std::unique_ptr<ChatView> m_view;
};

}  // namespace mneme

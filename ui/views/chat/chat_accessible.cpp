// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/chat_accessible.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <QHash>
#include <QPointer>

#include "ui/views/chat/chat_view.h"

namespace mneme {
namespace {

class MessageAccessible : public QAccessibleInterface {
 public:
  MessageAccessible(ChatView* view, int row) : m_view(view), m_row(row) {}

  bool isValid() const override { return m_view && m_row < m_view->messageCount(); }
  QObject* object() const override { return nullptr; }
  QAccessibleInterface* childAt(int, int) const override { return nullptr; }
  QAccessibleInterface* parent() const override {
    return m_view ? QAccessible::queryAccessibleInterface(m_view) : nullptr;
  }
  QAccessibleInterface* child(int) const override { return nullptr; }
  int childCount() const override { return 0; }
  int indexOfChild(const QAccessibleInterface*) const override { return -1; }
  void setText(QAccessible::Text, const QString&) override {}
  QAccessible::Role role() const override { return QAccessible::ListItem; }

  QString text(QAccessible::Text which) const override {
    if (!isValid()) return {};
    const MessageItem& item = m_view->messageItem(m_row);
    if (which == QAccessible::Description) return item.figuresText();
    if (which != QAccessible::Name) return {};
    const bool user = item.item().row.role == Role::user;
    return (user ? ChatView::tr("You: %1") : ChatView::tr("Answer: %1")).arg(item.source());
  }

  QRect rect() const override {
    if (!isValid()) return {};
    const QRect inside = m_view->messageRect(m_row);
    return {m_view->viewport()->mapToGlobal(inside.topLeft()), inside.size()};
  }

  QAccessible::State state() const override {
    QAccessible::State state;
    state.readOnly = true;
    state.multiLine = true;
    state.selectable = true;
    if (isValid()) {
      state.offscreen = !m_view->viewport()->rect().intersects(m_view->messageRect(m_row));
      state.busy = m_view->messageItem(m_row).item().live.has_value();
    }
    return state;
  }

 private:
  QPointer<ChatView> m_view;
  int m_row;
};

class ChatAccessible : public QAccessibleWidget {
 public:
  explicit ChatAccessible(ChatView* view) : QAccessibleWidget(view, QAccessible::List) {}
  ~ChatAccessible() override {
    for (const QAccessible::Id id : std::as_const(m_children))
      QAccessible::deleteAccessibleInterface(id);
  }

  int childCount() const override { return view()->messageCount(); }

  QAccessibleInterface* child(int row) const override {
    if (row < 0 || row >= childCount()) return nullptr;
    if (const auto known = m_children.constFind(row); known != m_children.constEnd()) {
      return QAccessible::accessibleInterface(*known);
    }
    auto* one = new MessageAccessible(view(), row);
    m_children.insert(row, QAccessible::registerAccessibleInterface(one));
    return one;
  }

  int indexOfChild(const QAccessibleInterface* one) const override {
    for (auto it = m_children.constBegin(); it != m_children.constEnd(); ++it) {
      if (QAccessible::accessibleInterface(*it) == one) return it.key();
    }
    return -1;
  }

  QAccessibleInterface* childAt(int x, int y) const override {
    for (int row = 0; row < childCount(); ++row) {
      QAccessibleInterface* one = child(row);
      if (one->rect().contains(x, y)) return one;
    }
    return nullptr;
  }

 private:
  ChatView* view() const { return static_cast<ChatView*>(widget()); }
  mutable QHash<int, QAccessible::Id> m_children;
};

QAccessibleInterface* makeAccessible(const QString&, QObject* object) {
  auto* view = qobject_cast<ChatView*>(object);
  return view != nullptr ? new ChatAccessible(view) : nullptr;
}

}  // namespace

void installChatAccessible() {
  QAccessible::removeFactory(makeAccessible);
  QAccessible::installFactory(makeAccessible);
}

}  // namespace mneme

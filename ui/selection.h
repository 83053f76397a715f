// SPDX-License-Identifier: Apache-2.0
// The token being looked at. Every inspection view follows it: hover is a peek, a click pins, Esc
// unpins. Tokens are named by their record in the chat's trace, which never changes. UI thread.
#pragma once

#include <QObject>
#include <optional>

#include "base/ids.h"

namespace mneme {

class Selection : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  std::optional<EventIndex> pinned() const { return m_pinned; }
  std::optional<EventIndex> hovered() const { return m_hovered; }
  // What the token card shows: the hovered token, else the pinned one.
  std::optional<EventIndex> shown() const { return m_hovered ? m_hovered : m_pinned; }

  void pin(std::optional<EventIndex> event);
  void hover(std::optional<EventIndex> event);
  void clear();

 Q_SIGNALS:
  void pinnedChanged();
  void shownChanged();

 private:
  std::optional<EventIndex> m_pinned;
  std::optional<EventIndex> m_hovered;
};

}  // namespace mneme

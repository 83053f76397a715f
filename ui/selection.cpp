// SPDX-License-Identifier: Apache-2.0
#include "ui/selection.h"

namespace mneme {

void Selection::pin(std::optional<EventIndex> event) {
  const std::optional<EventIndex> before = shown();
  const bool other = m_pinned != event;
  m_pinned = event;
  m_hovered.reset();  // a mouse at rest does not hide what was picked
  if (other) Q_EMIT pinnedChanged();
  if (shown() != before) Q_EMIT shownChanged();
}

void Selection::hover(std::optional<EventIndex> event) {
  if (m_hovered == event) return;
  const std::optional<EventIndex> before = shown();
  m_hovered = event;
  if (shown() != before) Q_EMIT shownChanged();
}

void Selection::clear() {
  const std::optional<EventIndex> before = shown();
  const bool wasPinned = m_pinned.has_value();
  m_pinned.reset();
  m_hovered.reset();
  if (wasPinned) Q_EMIT pinnedChanged();
  if (before) Q_EMIT shownChanged();
}

}  // namespace mneme

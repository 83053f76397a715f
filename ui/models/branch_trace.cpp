// SPDX-License-Identifier: Apache-2.0
#include "ui/models/branch_trace.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace mneme {

void BranchTrace::reset(std::shared_ptr<const TraceLog> log, std::vector<MessageRange> parts) {
  if (log != m_log) {
    m_added.reset();
    m_addedAt.clear();
  }
  m_log = std::move(log);
  m_parts = std::move(parts);
  const EventIndex limit = m_log ? m_log->size() : 0;
  for (MessageRange& part : m_parts) {
    part.end = std::min(part.end, limit);
    part.first = std::min(part.first, part.end);
  }
  recount();
  Q_EMIT wasReset();
}

void BranchTrace::extendLast(EventIndex end) {
  if (m_parts.empty() || !m_log) return;
  MessageRange& last = m_parts.back();
  end = std::min(end, m_log->size());
  if (end <= last.end) return;
  const int oldSize = m_size;
  m_size += static_cast<int>(end - last.end);
  last.end = end;
  Q_EMIT grew(oldSize);
}

void BranchTrace::append(MessageRange part) {
  const int oldSize = m_size;
  part.end = std::min(part.end, m_log ? m_log->size() : 0);
  part.first = std::min(part.first, part.end);
  m_parts.push_back(part);
  recount();
  Q_EMIT grew(oldSize);
}

void BranchTrace::recount() {
  m_starts.clear();
  m_size = 0;
  for (const MessageRange& part : m_parts) {
    m_starts.push_back(m_size);
    m_size += static_cast<int>(part.end - part.first);
  }
}

std::size_t BranchTrace::partIndexAt(int index) const {
  CHECK(index >= 0 && index < m_size);
  // The last part that starts at or before `index`; empty parts before it start at the same place.
  const auto after = std::upper_bound(m_starts.begin(), m_starts.end(), index);
  return static_cast<std::size_t>(after - m_starts.begin()) - 1;
}

const BranchTrace::MessageRange& BranchTrace::messageAt(int index) const {
  return m_parts[partIndexAt(index)];
}

EventIndex BranchTrace::eventAt(int index) const {
  const std::size_t part = partIndexAt(index);
  return m_parts[part].first + static_cast<EventIndex>(index - m_starts[part]);
}

std::optional<int> BranchTrace::indexOf(EventIndex event) const {
  for (std::size_t i = 0; i < m_parts.size(); ++i) {
    if (event >= m_parts[i].first && event < m_parts[i].end) {
      return m_starts[i] + static_cast<int>(event - m_parts[i].first);
    }
  }
  return std::nullopt;
}

TraceRecord BranchTrace::recordAt(int index) const {
  return record(eventAt(index));
}

TraceRecord BranchTrace::record(EventIndex event) const {
  if (!m_addedAt.empty()) {
    const auto added = m_addedAt.find(event);
    if (added != m_addedAt.end()) return m_added->record(added->second);
  }
  return m_log->record(event);
}

bool BranchTrace::addProbabilities(const TraceLog& evaluated) {
  const int count = static_cast<int>(std::min<EventIndex>(evaluated.size(), EventIndex(m_size)));
  for (int i = 0; i < count; ++i) {
    if (recordAt(i).token() != evaluated.record(static_cast<EventIndex>(i)).token()) return false;
  }
  if (!m_added) m_added = std::make_shared<TraceLog>();
  for (int i = 0; i < count; ++i) {
    const TraceRecord known = recordAt(i);
    const TraceHeader found = evaluated.record(static_cast<EventIndex>(i)).header();
    if (known.header().top_count > 0 || found.top_count == 0) continue;
    TraceHeader header = known.header();
    header.top_count = found.top_count;
    header.log_prob = found.log_prob;
    header.top_tokens = found.top_tokens;
    header.top_log_probs = found.top_log_probs;
    std::vector<std::byte> bytes(known.bytes().begin(), known.bytes().end());
    std::memcpy(bytes.data(), &header, sizeof header);
    if (!m_added->append(bytes)) break;
    m_addedAt[eventAt(i)] = m_added->size() - 1;
  }
  Q_EMIT recordsChanged();
  return true;
}

std::optional<MessageId> BranchTrace::messageOf(EventIndex event) const {
  for (const MessageRange& part : m_parts) {
    if (event >= part.first && event < part.end) return part.message;
  }
  return std::nullopt;
}

BranchTrace::Context BranchTrace::context(int index, int max) const {
  CHECK(max > 0);
  Context context;
  std::uint32_t expected = recordAt(index).header().position;
  const bool otherModel = messageAt(index).otherModel;
  for (int i = index; i >= 0 && static_cast<int>(context.tokens.size()) < max; --i) {
    const TraceHeader header = recordAt(i).header();
    if (header.position != expected || messageAt(i).otherModel != otherModel) break;
    context.tokens.push_back(header.token);
    if (header.position == 0) break;
    expected = header.position - 1;
  }
  const std::uint32_t position = recordAt(index).header().position;
  const auto found = static_cast<std::uint32_t>(context.tokens.size());
  context.complete = static_cast<int>(found) == max || found == position + 1;
  std::reverse(context.tokens.begin(), context.tokens.end());
  return context;
}

}  // namespace mneme

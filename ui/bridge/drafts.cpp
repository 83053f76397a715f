// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/drafts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mneme {
namespace {

constexpr int kPauseMs = 300;
constexpr qsizetype kLettersPerMs = 1000;  // a long draft is written less often

}  // namespace

Drafts::Drafts(ChatStore& store, QObject* parent) : QObject(parent), m_store(store) {
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &Drafts::flush);
}

Drafts::~Drafts() {
  flush();
}

DraftRow Drafts::rowOf(ChatId chat, const Draft& draft) {
  return {chat, draft.text.toStdString(), draft.editing, draft.edited.toStdString()};
}

void Drafts::load(const std::vector<DraftRow>& rows) {
  for (const DraftRow& row : rows) {
    Draft draft{QString::fromStdString(row.text), row.editing, QString::fromStdString(row.edited)};
    if (const Draft typed = of(row.chat); !typed.empty()) {
      draft.text += (draft.text.isEmpty() ? QString() : QStringLiteral("\n")) + typed.text;
    }
    m_drafts[row.chat] = std::move(draft);
  }
}

Draft Drafts::of(ChatId chat) const {
  const auto found = m_drafts.find(chat);
  return found == m_drafts.end() ? Draft{} : found->second;
}

void Drafts::set(ChatId chat, const Draft& draft) {
  if (of(chat) == draft) return;
  if (draft.empty()) {
    m_drafts.erase(chat);
  } else {
    m_drafts[chat] = draft;
  }
  m_changed.insert(chat);
  // Not started again by each key: who types without a pause is written down too.
  if (m_timer.isActive()) return;
  const qsizetype letters = draft.text.size() + draft.edited.size();
  m_timer.start(kPauseMs + static_cast<int>(letters / kLettersPerMs));
}

void Drafts::flush() {
  m_timer.stop();
  for (const ChatId chat : std::exchange(m_changed, {})) {
    DraftRow row = rowOf(chat, of(chat));
    std::string text = row.edited.empty() ? row.text : row.text + "\n" + row.edited;
    m_store.write({fmt::format("draft {}", chat), "a draft", std::move(text),
                   [row = std::move(row)](Library& library) { return library.set_draft(row); }});
  }
}

}  // namespace mneme

#include "moc_drafts.cpp"

// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/check.h"
#include "inference/store/chat_json.h"
#include "inference/store/library_impl.h"

namespace mneme {
namespace {

// The log of writes may grow to 64 MiB until the answer ends: moving it into the file waits for the
// drive, and text that is shown waits behind that.
constexpr int kLogPagesOfAnswer = 16 * Database::kLogPages;

Error damaged_chat(ChatId chat, MessageId message, std::string_view what) {
  return Error{ErrorCode::corrupt,
               fmt::format("chat {} is damaged: message {} {}; other chats are not "
                           "concerned",
                           chat, message, what)};
}

}  // namespace

Result<ChatId> Library::Impl::chat_of(MessageId message) {
  Statement rows = db->query("SELECT chat_id FROM message WHERE id = ?", message);
  if (rows.next()) return rows.integer(0);
  RETURN_IF_ERROR(rows.status());
  return no_such_message(message);
}

Result<bool> Library::has_message(MessageId id) {
  Statement rows = impl_->db->query("SELECT 1 FROM message WHERE id = ?", id);
  const bool there = rows.next();
  RETURN_IF_ERROR(rows.status());
  return there;
}

Result<std::vector<DraftRow>> Library::drafts() {
  std::vector<DraftRow> drafts;
  Statement rows = impl_->db->query(
      "SELECT d.chat_id, d.text, d.editing_id, d.edited FROM draft d LEFT JOIN chat c ON c.id = "
      "d.chat_id WHERE d.chat_id = 0 OR (c.id IS NOT NULL AND c.deleted_ms IS NULL)");
  while (rows.next()) {
    drafts.push_back({rows.integer(0), rows.text(1), rows.integer(2), rows.text(3)});
  }
  RETURN_IF_ERROR(rows.status());
  return drafts;
}

Status Library::set_draft(const DraftRow& draft) {
  if (draft.text.empty() && draft.editing == 0) {
    return impl_->db->run("DELETE FROM draft WHERE chat_id = ?", draft.chat);
  }
  return impl_->db->run(
      "INSERT OR REPLACE INTO draft (chat_id, text, editing_id, edited) SELECT ?1, ?2, ?3, ?4 "
      "WHERE ?1 = 0 OR EXISTS (SELECT 1 FROM chat WHERE id = ?1)",
      draft.chat, draft.text, draft.editing, draft.edited);
}

Result<MessageId> Library::Impl::insert_message(ChatId chat, MessageId parent, Role role,
                                                std::string_view text, MessageState state) {
  if (parent != 0) {
    const auto home = chat_of(parent);
    if (!home) return home.error();
    if (*home != chat) return no_such_message(parent);
  }
  const auto role_number = static_cast<std::int64_t>(role);
  const auto state_number = static_cast<std::int64_t>(state);
  constexpr std::string_view kInsert =
      "INSERT INTO message (chat_id, parent_id, role, text, state, created_ms) "
      "SELECT id, nullif(?, 0), ?, ?, ?, ? FROM chat WHERE id = ?";
  RETURN_IF_ERROR(db->run(kInsert, parent, role_number, text, state_number, now_ms(), chat));
  if (db->changes() == 0) return no_such_chat(chat);
  const MessageId id = db->last_insert_id();
  RETURN_IF_ERROR(touch(chat, id));
  return id;
}

Result<std::vector<MessageRow>> Library::messages(ChatId chat) {
  const auto events = impl_->event_count(chat);
  if (!events) return events.error();
  std::vector<MessageRow> messages;
  std::unordered_set<MessageId> seen;
  Statement rows = impl_->db->query(
      "SELECT id, coalesce(parent_id, 0), role, text, state, error, created_ms, first_event, "
      "end_event, "
      "answer FROM message WHERE chat_id = ? ORDER BY id",
      chat);
  while (rows.next()) {
    MessageRow message;
    message.id = rows.integer(0);
    message.chat = chat;
    message.parent = rows.integer(1);
    if (message.parent != 0 && !seen.contains(message.parent)) {
      return damaged_chat(chat, message.id, "follows one that does not stand before it");
    }
    const std::int64_t role = rows.integer(2);
    const std::int64_t state = rows.integer(4);
    if (role < 0 || role > 2 || state < 0 || state > 4) {
      return damaged_chat(chat, message.id, "has an unknown role or state");
    }
    message.role = static_cast<Role>(role);
    message.text = rows.text(3);
    message.state = static_cast<MessageState>(state);
    message.error = rows.text(5);
    message.created_ms = rows.integer(6);
    // Never past what is stored: views index the trace with these.
    message.end_event =
        std::min(static_cast<EventIndex>(std::max<std::int64_t>(rows.integer(8), 0)), *events);
    message.first_event = std::min(
        static_cast<EventIndex>(std::max<std::int64_t>(rows.integer(7), 0)), message.end_event);
    if (!rows.is_null(9)) message.answer = answer_from_json(rows.text(9));
    seen.insert(message.id);
    messages.push_back(std::move(message));
  }
  RETURN_IF_ERROR(rows.status());
  return messages;
}

Result<MessageId> Library::add_message(ChatId chat, MessageId parent, Role role,
                                       const std::string& text) {
  Transaction transaction(*impl_->db);
  RETURN_IF_ERROR(transaction.begin());
  const auto id = impl_->insert_message(chat, parent, role, text, MessageState::complete);
  if (!id) return id.error();
  RETURN_IF_ERROR(impl_->index(*id, text));
  if (role == Role::user) RETURN_IF_ERROR(impl_->name_by_first_message(chat));
  RETURN_IF_ERROR(transaction.commit());
  return *id;
}

Result<MessageId> Library::begin_answer(ChatId chat, MessageId parent) {
  Transaction transaction(*impl_->db);
  RETURN_IF_ERROR(transaction.begin());
  const auto id = impl_->insert_message(chat, parent, Role::assistant, "", MessageState::streaming);
  if (!id) return id.error();
  RETURN_IF_ERROR(transaction.commit());
  return *id;
}

Status Library::write_answer(MessageId answer, const std::string& text, EventIndex first_event,
                             std::span<const std::byte> trace_records) {
  impl_->db->set_log_pages_max(kLogPagesOfAnswer);
  Transaction transaction(*impl_->db);
  RETURN_IF_ERROR(transaction.begin());
  const auto chat = impl_->chat_of(answer);
  if (!chat) return chat.error();
  RETURN_IF_ERROR(
      impl_->db->run("UPDATE message SET text = ? WHERE id = ? AND state = 1", text, answer));
  if (impl_->db->changes() == 0) {
    return Error{ErrorCode::invalid,
                 fmt::format("answer {} has ended; nothing can be added", answer)};
  }
  RETURN_IF_ERROR(impl_->append_trace(*chat, first_event, trace_records));
  return transaction.commit();
}

Status Library::finish_answer(MessageId answer, const std::string& text, MessageState state,
                              const std::string& error, const std::optional<AnswerRecord>& record) {
  CHECK(state != MessageState::streaming);
  impl_->db->set_log_pages_max(Database::kLogPages);
  Transaction transaction(*impl_->db);
  RETURN_IF_ERROR(transaction.begin());
  const auto chat = impl_->chat_of(answer);
  if (!chat) return chat.error();
  RETURN_IF_ERROR(
      impl_->db->run("UPDATE message SET text = ?, state = ?, error = ? WHERE id = ? AND state = 1",
                     text, static_cast<std::int64_t>(state), error, answer));
  if (impl_->db->changes() == 0) {
    return Error{ErrorCode::invalid, fmt::format("answer {} has ended already", answer)};
  }
  if (record) {
    RETURN_IF_ERROR(impl_->db->run("UPDATE message SET answer = ? WHERE id = ?",
                                   answer_to_json(*record), answer));
  }
  RETURN_IF_ERROR(impl_->index(answer, text));
  RETURN_IF_ERROR(impl_->db->run("UPDATE chat SET updated_ms = ? WHERE id = ?", now_ms(), *chat));
  return transaction.commit();
}

Status Library::set_events(MessageId message, EventIndex first, EventIndex end) {
  CHECK(first <= end);
  RETURN_IF_ERROR(impl_->db->run("UPDATE message SET first_event = ?, end_event = ? WHERE id = ?",
                                 static_cast<std::int64_t>(first), static_cast<std::int64_t>(end),
                                 message));
  return impl_->db->changes() == 1 ? Status() : Status(no_such_message(message));
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/store/library.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "base/log.h"
#include "base/private_file.h"
#include "inference/store/chat_json.h"
#include "inference/store/library_impl.h"
#include "inference/store/schema.h"
#include "inference/store/unicode_text.h"

namespace mneme {
namespace {

constexpr std::string_view kChatColumns =
    "SELECT c.id, c.title, c.title_is_auto, c.created_ms, c.updated_ms, coalesce(m.id, 0), "
    "c.system_prompt, c.settings, coalesce(c.deleted_ms, 0) FROM chat c "
    "LEFT JOIN message m ON m.id = c.leaf_id AND m.chat_id = c.id ";

ChatRow read_chat(const Statement& row) {
  ChatRow chat;
  chat.id = row.integer(0);
  chat.title = row.text(1);
  chat.title_is_auto = row.integer(2) != 0;
  chat.created_ms = row.integer(3);
  chat.updated_ms = row.integer(4);
  chat.leaf = row.integer(5);
  chat.system_prompt = row.text(6);
  chat.settings = settings_from_json(row.text(7));
  chat.deleted_ms = row.integer(8);
  return chat;
}

}  // namespace

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Error no_such_chat(ChatId chat) {
  return Error{ErrorCode::invalid, fmt::format("chat {} is no longer there", chat)};
}

Error no_such_message(MessageId message) {
  return Error{ErrorCode::invalid, fmt::format("message {} is no longer there", message)};
}

Library::Library(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Library::~Library() = default;

Result<std::unique_ptr<Library>> Library::open(const std::string& path) {
  if (path.empty()) return Error{ErrorCode::invalid, "the database of chats has no file name"};
  // SQLite fills the file and gives its companions the same permissions.
  if (path != ":memory:") {
    const std::string folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) RETURN_IF_ERROR(make_private_folder(folder));
    RETURN_IF_ERROR(make_private_file(path));
  }
  auto database = Database::open(path);
  if (!database) return database.error();
  RETURN_IF_ERROR(migrate(**database, schema_steps()));
  auto impl = std::make_unique<Impl>(std::move(*database));
  if (Status recovered = impl->recover(); !recovered) {
    // Damage at one half-written answer must not keep the other chats from opening.
    if (recovered.error().code != ErrorCode::corrupt) return recovered.error();
    log_error("inference", "{}", recovered.error().message);
  }
  return std::unique_ptr<Library>(new Library(std::move(impl)));
}

Status Library::Impl::recover() {
  std::vector<std::pair<MessageId, std::string>> halves;
  Statement rows = db->query("SELECT id, text FROM message WHERE state = 1 ORDER BY id");
  while (rows.next()) halves.emplace_back(rows.integer(0), rows.text(1));
  RETURN_IF_ERROR(rows.status());
  if (halves.empty()) return {};
  Transaction transaction(*db);
  RETURN_IF_ERROR(transaction.begin());
  for (const auto& [id, text] : halves) {
    RETURN_IF_ERROR(db->run("UPDATE message SET state = ? WHERE id = ?",
                            static_cast<std::int64_t>(MessageState::interrupted), id));
    RETURN_IF_ERROR(index(id, text));
  }
  RETURN_IF_ERROR(transaction.commit());
  log_info("inference", "{} answers were interrupted when the program ended", halves.size());
  return {};
}

Status Library::Impl::touch(ChatId chat, MessageId leaf) {
  RETURN_IF_ERROR(
      db->run("UPDATE chat SET updated_ms = ?, leaf_id = ? WHERE id = ?", now_ms(), leaf, chat));
  return db->changes() == 1 ? Status() : Status(no_such_chat(chat));
}

Status Library::Impl::name_by_first_message(ChatId chat) {
  Statement first = db->query(
      "SELECT m.text FROM message m JOIN chat c ON c.id = m.chat_id "
      "WHERE c.id = ? AND c.title = '' AND m.role = ? ORDER BY m.id LIMIT 1",
      chat, static_cast<std::int64_t>(Role::user));
  std::string title;
  if (first.next()) title = title_from(first.text(0));
  RETURN_IF_ERROR(first.status());
  if (title.empty()) return {};
  RETURN_IF_ERROR(
      db->run("UPDATE chat SET title = ?, title_is_auto = 1 WHERE id = ?", title, chat));
  return index(-chat, title);
}

Status Library::atomically(const std::function<Status()>& work) {
  Transaction transaction(*impl_->db);
  RETURN_IF_ERROR(transaction.begin());
  RETURN_IF_ERROR(work());
  return transaction.commit();
}

Result<std::vector<ChatRow>> Library::Impl::chats_where(std::string_view condition) {
  std::vector<ChatRow> chats;
  Statement rows = db->query(std::string(kChatColumns) + std::string(condition));
  while (rows.next()) chats.push_back(read_chat(rows));
  RETURN_IF_ERROR(rows.status());
  return chats;
}

Result<std::vector<ChatRow>> Library::chats() {
  return impl_->chats_where("WHERE c.deleted_ms IS NULL ORDER BY c.updated_ms DESC, c.id DESC");
}

Result<ChatRow> Library::chat(ChatId id) {
  Statement rows = impl_->db->query(std::string(kChatColumns) + "WHERE c.id = ?", id);
  if (rows.next()) return read_chat(rows);
  RETURN_IF_ERROR(rows.status());
  return no_such_chat(id);
}

Result<ChatId> Library::create_chat(const std::string& title, const ChatSettings& settings) {
  Transaction transaction(*impl_->db);
  RETURN_IF_ERROR(transaction.begin());
  const std::int64_t now = now_ms();
  RETURN_IF_ERROR(
      impl_->db->run("INSERT INTO chat (title, title_is_auto, created_ms, updated_ms, settings) "
                     "VALUES (?, ?, ?, ?, ?)",
                     title, title.empty() ? 1 : 0, now, now, settings_to_json(settings)));
  const ChatId id = impl_->db->last_insert_id();
  RETURN_IF_ERROR(impl_->index(-id, title));
  RETURN_IF_ERROR(transaction.commit());
  return id;
}

Status Library::rename_chat(ChatId id, const std::string& title) {
  Transaction transaction(*impl_->db);
  RETURN_IF_ERROR(transaction.begin());
  RETURN_IF_ERROR(impl_->db->run("UPDATE chat SET title = ?, title_is_auto = ? WHERE id = ?", title,
                                 title.empty() ? 1 : 0, id));
  if (impl_->db->changes() == 0) return no_such_chat(id);
  RETURN_IF_ERROR(impl_->index(-id, title));
  RETURN_IF_ERROR(impl_->name_by_first_message(id));
  return transaction.commit();
}

Status Library::set_leaf(ChatId id, MessageId leaf) {
  if (leaf == 0) {
    RETURN_IF_ERROR(impl_->db->run("UPDATE chat SET leaf_id = NULL WHERE id = ?", id));
  } else {
    RETURN_IF_ERROR(
        impl_->db->run("UPDATE chat SET leaf_id = ?1 WHERE id = ?2 AND EXISTS "
                       "(SELECT 1 FROM message WHERE id = ?1 AND chat_id = ?2)",
                       leaf, id));
  }
  if (impl_->db->changes() == 1) return {};
  return leaf == 0 ? no_such_chat(id) : no_such_message(leaf);
}

Status Library::set_system_prompt(ChatId id, const std::string& text) {
  RETURN_IF_ERROR(impl_->db->run("UPDATE chat SET system_prompt = ? WHERE id = ?", text, id));
  return impl_->db->changes() == 1 ? Status() : Status(no_such_chat(id));
}

Status Library::set_settings(ChatId id, const ChatSettings& settings) {
  RETURN_IF_ERROR(
      impl_->db->run("UPDATE chat SET settings = ? WHERE id = ?", settings_to_json(settings), id));
  return impl_->db->changes() == 1 ? Status() : Status(no_such_chat(id));
}

}  // namespace mneme

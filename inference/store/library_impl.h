// SPDX-License-Identifier: Apache-2.0
// What the parts of Library (chats, deleted ones, messages, traces, search) share: the connection
// and a few statements that more than one of them needs. Included by library*.cpp only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inference/store/database.h"
#include "inference/store/library.h"

namespace mneme {

class Library::Impl {
 public:
  explicit Impl(std::unique_ptr<Database> database) : db(std::move(database)) {}

  // Marks what a killed program left in state streaming.
  Status recover();
  Result<std::vector<ChatRow>> chats_where(std::string_view condition);
  // Replaces what search knows under this row: a message's id, or minus a chat's for its title.
  Status index(std::int64_t row, std::string_view text);
  Status touch(ChatId chat, MessageId leaf);  // now changed; its branch in view ends here
  Result<ChatId> chat_of(MessageId message);
  Result<EventIndex> event_count(ChatId chat);  // 0 for a chat that is not there
  // Titles an unnamed chat after its first user message, if there is one.
  Status name_by_first_message(ChatId chat);
  Result<MessageId> insert_message(ChatId chat, MessageId parent, Role role, std::string_view text,
                                   MessageState state);
  Status purge(ChatId id);
  Status append_trace(ChatId chat, EventIndex first_event, std::span<const std::byte> records);

  std::unique_ptr<Database> db;
};

std::int64_t now_ms();
Error no_such_chat(ChatId chat);
Error no_such_message(MessageId message);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Chats, messages and traces in SQLite (schema.cpp; records of traces: inference/trace/FORMAT.md). A chat is a tree of messages: a
// message's parent is the one before it, siblings are kept answers, the chat's leaf names the
// branch in view. Synchronous; lives on the store thread (see chat_store.h). Times are milliseconds
// since the Unix epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/run/generate.h"
#include "inference/run/sampler_options.h"

namespace mneme {

struct ChatSettings {
  SamplerOptions sampling;
  std::int64_t max_tokens = 0;  // 0 = no limit
  bool memory_on = true;
  friend bool operator==(const ChatSettings&, const ChatSettings&) = default;
};

struct ChatRow {
  ChatId id = 0;
  std::string title;
  bool title_is_auto = true;  // taken from the first message; false once renamed
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  MessageId leaf = 0;         // last message of the branch in view; 0 = empty chat
  std::string system_prompt;  // "" = the template's own default
  ChatSettings settings;
  std::int64_t deleted_ms = 0;  // when; 0 = it is not
};

// What was typed in a chat and not sent.
struct DraftRow {
  ChatId chat = 0;  // 0 = of the chat that is not there yet
  std::string text;
  MessageId editing = 0;  // a message that is being written anew, as `edited`; 0 = none
  std::string edited;
  friend bool operator==(const DraftRow&, const DraftRow&) = default;
};

enum class MessageState : std::uint8_t {
  complete = 0,
  streaming = 1,  // found after a start: the program was killed; becomes `interrupted`
  stopped = 2,    // by the user
  failed = 3,     // `error` says why
  interrupted = 4,
};

// How an answer was made; stored with it, shown under it.
struct AnswerRecord {
  std::string model_name;
  std::string model_digest;  // ModelLayout::digest
  std::string pack_name;     // "" = no memory
  bool memory_on = false;
  bool exact = false;
  std::string program_version;
  SamplerOptions sampling;
  GenerateResult result;  // `text` empty: it is the message's
};

struct MessageRow {
  MessageId id = 0;
  ChatId chat = 0;
  MessageId parent = 0;  // 0 = first of the chat
  Role role = Role::user;
  std::string text;
  MessageState state = MessageState::complete;
  std::string error;
  std::int64_t created_ms = 0;
  EventIndex first_event = 0;  // the message's records in the chat's trace: [first, end)
  EventIndex end_event = 0;
  std::optional<AnswerRecord> answer;  // assistant messages that ended
};

class Library {
 public:
  // Creates the file and its folder, migrates an older schema (after a backup copy beside it),
  // marks half-written answers `interrupted`. Errors: io; corrupt; unsupported (a newer schema:
  // says so, changes nothing). `path` ":memory:" = a private database that is not kept.
  static Result<std::unique_ptr<Library>> open(const std::string& path);
  ~Library();

  // Runs `work`, whose calls of this library are kept all or none of them.
  Status atomically(const std::function<Status()>& work);

  Result<std::vector<ChatRow>> chats();          // not deleted ones, last changed first
  Result<std::vector<ChatRow>> deleted_chats();  // last deleted first
  Result<ChatRow> chat(ChatId id);               // a deleted one too
  Result<bool> has_message(MessageId id);
  // The whole tree, oldest first; every parent stands before its children. Errors: corrupt concerns
  // this chat only.
  Result<std::vector<MessageRow>> messages(ChatId chat);

  // Title "": unnamed, until its first user message names it (one line of at most 60 characters).
  Result<ChatId> create_chat(const std::string& title, const ChatSettings& settings);
  Status rename_chat(ChatId id, const std::string& title);  // "" = named by its first message again
  Status delete_chat(ChatId id);                            // hidden; restore_chat brings it back
  Status restore_chat(ChatId id);
  Status purge_chat(ChatId id);  // removes a deleted chat for good
  // Removes the chats that were deleted over kDaysKept days ago. Only what a call on an earlier day
  // found to be that old as well goes: a clock that is wrong for a day deletes nothing.
  static constexpr int kDaysKept = 30;
  Status purge_deleted(std::int64_t now_ms);
  // Makes the file smaller where a good part of it is empty; takes as long as to copy it.
  Status give_back_space();
  Status set_leaf(ChatId id, MessageId leaf);
  Status set_system_prompt(ChatId id, const std::string& text);
  Status set_settings(ChatId id, const ChatSettings& settings);

  Result<std::vector<DraftRow>> drafts();   // not those of deleted chats
  Status set_draft(const DraftRow& draft);  // an empty one removes it

  // Adds a complete message and makes it the leaf. The first user message names an unnamed chat.
  Result<MessageId> add_message(ChatId chat, MessageId parent, Role role, const std::string& text);
  // Adds an empty assistant message in state streaming and makes it the leaf.
  Result<MessageId> begin_answer(ChatId chat, MessageId parent);
  // One transaction: the reply so far, and trace records [first_event, first_event + n) appended;
  // records that are stored already are skipped. Errors: invalid, when first_event would leave a
  // gap (see stored_events); then nothing was written.
  Status write_answer(MessageId answer, const std::string& text, EventIndex first_event,
                      std::span<const std::byte> trace_records);
  Status finish_answer(MessageId answer, const std::string& text, MessageState state,
                       const std::string& error, const std::optional<AnswerRecord>& record);
  Status set_events(MessageId message, EventIndex first, EventIndex end);

  // How many trace records the chat of this message has on disk.
  Result<EventIndex> stored_events(MessageId message);

  // The chat's whole trace as TraceLog::append_serialized takes it; records in event order. Errors:
  // corrupt, when a stored piece is damaged: the chat itself is not, see cut_trace.
  Result<std::vector<std::byte>> trace(ChatId chat);
  // Removes the trace from its first damaged record on, so that the rest can be read and new
  // records can follow. Messages keep their text and lose those tokens' inspection.
  Status cut_trace(ChatId chat);

  // Chats whose title or messages contain `text` (any case, accents ignored; plain text, no
  // operators), best first, titles before messages.
  struct SearchHit {
    MessageId message = 0;  // 0 = the title
    std::string snippet;    // one line; [match_begin, match_end) of its bytes are what was found
    std::size_t match_begin = 0;
    std::size_t match_end = 0;
  };
  struct ChatHits {
    ChatId chat = 0;
    int count = 0;                // of its messages, and its title, that contain the text
    std::vector<SearchHit> hits;  // the title, then messages in their order; the first of them
  };
  enum class Among { kept, deleted };
  static constexpr int kHitsOfChat = 20;
  Result<std::vector<ChatHits>> search(const std::string& text, int chats_max,
                                       Among among = Among::kept);

  class Impl;

 private:
  explicit Library(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// What the world does to a database: other files, cut-off and damaged ones, no permission, no room,
// values that make no sense. Never a crash; one clear sentence; other chats stay.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "inference/run/sampler.h"
#include "inference/store/database.h"
#include "inference/store/library.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A library of two chats with 40 messages each of a text that only this chat has.
void make_two_chats(const std::string& path) {
  auto library = Library::open(path);
  ASSERT_TRUE(library) << library.error().message;
  for (const char* word : {"alpha", "omega"}) {
    const ChatId id = *(*library)->create_chat(word, {});
    MessageId last = 0;
    for (int i = 0; i < 40; ++i) {
      std::string text;
      while (text.size() < 500) text += std::string(word) + "-" + std::to_string(i) + " ";
      last = *(*library)->add_message(id, last, Role::user, text);
    }
    const MessageId answer = *(*library)->begin_answer(id, last);
    ASSERT_TRUE((*library)->write_answer(answer, word, 0, test_records(0, 8)));
    ASSERT_TRUE((*library)->set_events(answer, 2, 8));
    ASSERT_TRUE((*library)->finish_answer(answer, word, MessageState::complete, "", {}));
  }
}

// Runs SQL on a closed library's file, as another program might.
void tamper(const std::string& path, const std::string& sql) {
  auto database = Database::open(path);
  ASSERT_TRUE(database);
  const Status done = (*database)->execute(
      "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; " + sql);
  ASSERT_TRUE(done) << done.error().message;
}

// What `body` returned in a process of its own, so that limits and user ids can be changed there.
std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string said = body();
    _exit(write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string said;
  char part[512];
  for (ssize_t n = 0; (n = read(ends[0], part, sizeof part)) > 0;) {
    said.append(part, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int result = 0;
  EXPECT_EQ(waitpid(child, &result, 0), child);
  EXPECT_EQ(result, 0);
  return said;
}

TEST(LibraryDamage, GarbageIsRefusedAndNotTouched) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  const std::string garbage(20000, 'g');
  put(path, garbage);
  const auto library = Library::open(path);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::corrupt);
  EXPECT_NE(library.error().message.find(path), std::string::npos);
  EXPECT_NE(library.error().message.find("is not a database of chats"), std::string::npos);
  EXPECT_EQ(file_text(path), garbage);
}

TEST(LibraryDamage, AnEmptyFileBecomesALibrary) {
  const TemporaryFolder folder;
  put(folder.file("chats.db"), "");
  EXPECT_TRUE(Library::open(folder.file("chats.db")));
}

TEST(LibraryDamage, ACutOffFileIsRefusedOrReadWithoutACrash) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  const std::string whole = file_text(path);
  int refused = 0;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{99}, std::size_t{100}, std::size_t{4095}, std::size_t{4096},
        whole.size() / 2, whole.size() - 4096}) {
    put(path, whole.substr(0, size));
    auto library = Library::open(path);
    if (!library) {
      ++refused;
      EXPECT_EQ(library.error().code, ErrorCode::corrupt) << size << library.error().message;
      continue;
    }
    if (auto chats = (*library)->chats()) {
      for (const ChatRow& chat : *chats) static_cast<void>((*library)->messages(chat.id));
    }
  }
  EXPECT_GE(refused, 6);
}

TEST(LibraryDamage, ADamagedPageHidesOnlyTheChatsThatLieOnIt) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  std::string bytes = file_text(path);
  // The page that the text of a message lies on; "alpha-20 " in folded form also lies in the index.
  const std::size_t place = bytes.find("omega-20 omega-20");
  ASSERT_NE(place, std::string::npos);
  for (std::size_t at = 0; (at = bytes.find("omega-20 omega-20", at)) != std::string::npos; ++at) {
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at / 4096 * 4096), 4096, '\xff');
  }
  put(path, bytes);
  auto library = Library::open(path);
  ASSERT_TRUE(library) << library.error().message;
  const auto chats = (*library)->chats();
  ASSERT_TRUE(chats);
  ASSERT_EQ(chats->size(), 2u);
  for (const ChatRow& chat : *chats) {
    const auto messages = (*library)->messages(chat.id);
    if (chat.title == "alpha") {
      ASSERT_TRUE(messages) << messages.error().message;
      EXPECT_EQ(messages->size(), 41u);
    } else {
      ASSERT_FALSE(messages);
      EXPECT_EQ(messages.error().code, ErrorCode::corrupt);
    }
  }
}

TEST(LibraryDamage, RandomDamageNeverCrashes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  const std::string whole = file_text(path);
  std::uint32_t state = 1;
  const auto random = [&state] { return state = state * 1664525u + 1013904223u, state >> 8; };
  for (int round = 0; round < 60; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 30; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    put(path, bytes);
    std::filesystem::remove(path + "-wal");
    auto library = Library::open(path);
    if (!library) continue;
    const auto chats = (*library)->chats();
    static_cast<void>((*library)->search("omega", 10));
    static_cast<void>((*library)->search("o", 10));
    for (ChatId id = 1; id <= 2; ++id) {
      static_cast<void>((*library)->messages(id));
      if (!(*library)->trace(id)) static_cast<void>((*library)->cut_trace(id));
      static_cast<void>((*library)->add_message(id, 0, Role::user, "more"));
    }
  }
}

TEST(LibraryDamage, AFolderWithoutPermissionIsNamed) {
  const TemporaryFolder folder;
  const std::string place = folder.file("closed");
  ASSERT_TRUE(std::filesystem::create_directory(place));
  ASSERT_EQ(chmod(place.c_str(), 0555), 0);
  ASSERT_EQ(chmod(folder.file("").c_str(), 0755), 0);
  const auto open = [&](const std::string& path) {
    return in_child([&] {
      if (geteuid() == 0 && setuid(65534) != 0) return std::string("cannot drop rights");
      const auto library = Library::open(path);
      return library ? std::string("opened") : library.error().message;
    });
  };
  const std::string said = open(place + "/chats.db");
  EXPECT_NE(said.find(place + "/chats.db"), std::string::npos) << said;
  EXPECT_NE(said.find("Permission denied"), std::string::npos) << said;
  const std::string deeper = open(place + "/sub/chats.db");
  EXPECT_NE(deeper.find("cannot create the folder"), std::string::npos) << deeper;
  put(folder.file("plain"), "x");
  const auto library = Library::open(folder.file("plain/chats.db"));
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::io);
}

TEST(LibraryDamage, AFullDiskLosesNothingThatWasThere) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  const std::string said = in_child([&] {
    auto library = Library::open(path);
    if (!library) return library.error().message;
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small {};
    small.rlim_cur = small.rlim_max = 64 << 10;  // bytes a file may have: the log of changes stops
    if (setrlimit(RLIMIT_FSIZE, &small) != 0) return std::string("no limit");
    const auto id = (*library)->add_message(1, 0, Role::user, std::string(1 << 20, 'x'));
    if (id) return std::string("written");
    const auto chats = (*library)->chats();
    return (chats && chats->size() == 2 ? "still reads; " : "lost; ") + id.error().message;
  });
  EXPECT_EQ(said.substr(0, 13), "still reads; ") << said;
  EXPECT_NE(said.find(path), std::string::npos) << said;
  auto library = Library::open(path);
  ASSERT_TRUE(library);
  EXPECT_EQ((*library)->messages(1)->size(), 41u);
}

TEST(LibraryDamage, ASecondProgramIsToldThatTheFileIsInUse) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  auto first = Library::open(path);
  ASSERT_TRUE(first);
  const ChatId id = *(*first)->create_chat("x", {});
  const MessageId answer = *(*first)->begin_answer(id, 0);
  const std::string said = in_child([&] {
    const auto second = Library::open(path);
    return second ? std::string("opened") : second.error().message;
  });
  EXPECT_NE(said.find("in use by another program"), std::string::npos) << said;
  EXPECT_EQ((*(*first)->messages(id))[0].state, MessageState::streaming);
  EXPECT_TRUE((*first)->finish_answer(answer, "done", MessageState::complete, "", {}));
}

TEST(LibraryDamage, ValuesThatMakeNoSenseBecomeDefaults) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  const char* const columns[] = {
      "not json",
      "[1,2]",
      "",
      "{",
      "{\"sampling\": 7, \"max_tokens\": -4, \"memory_on\": \"yes\"}",
      "{\"sampling\": {\"temperature\": \"hot\", \"top_k\": [], \"top_p\": null, \"seed\": -1, "
      "\"repetition_window\": \"x\", \"min_p\": {}, \"stops\": 3}}"};
  for (const char* column : columns) {
    tamper(path, std::string("UPDATE chat SET settings = '") + column +
                     "'; UPDATE message SET answer = '" + column + "' WHERE role = 2");
    auto library = Library::open(path);
    ASSERT_TRUE(library);
    EXPECT_EQ((*library)->chat(1)->settings, ChatSettings{}) << column;
    ASSERT_TRUE((*library)->messages(1)) << column;
  }
  // A number that is out of range is brought into it: a chat whose settings every answer refuses
  // would be lost.
  tamper(path,
         "UPDATE chat SET settings = '{\"sampling\": {\"temperature\": 1e300, \"top_k\": 1e18, "
         "\"top_p\": 0, \"repetition_window\": -5, \"min_p\": -0.1, \"repetition_penalty\": 0}}'");
  {
    auto library = Library::open(path);
    ASSERT_TRUE(library);
    const SamplerOptions sampling = (*library)->chat(1)->settings.sampling;
    EXPECT_TRUE(check_sampler_options(sampling));
    EXPECT_EQ(sampling.temperature, 10);
    EXPECT_EQ(sampling.top_k, 1'000'000);
    EXPECT_EQ(sampling.top_p, 0.01f);
    EXPECT_EQ(sampling.min_p, 0);
    EXPECT_EQ(sampling.repetition_penalty, 0.1f);
    EXPECT_EQ(sampling.repetition_window, 0);
  }
  tamper(path, "UPDATE chat SET settings = x'00ff', leaf_id = 99999, title = x'ff00fe'");
  auto library = Library::open(path);
  ASSERT_TRUE(library);
  EXPECT_EQ((*library)->chat(1)->settings, ChatSettings{});
  EXPECT_EQ((*library)->chat(1)->leaf, 0);
}

TEST(LibraryDamage, AMessageTreeWithALoopConcernsItsChatOnly) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  for (const char* damage : {"UPDATE message SET parent_id = id WHERE id = 5",
                             "UPDATE message SET parent_id = id + 1 WHERE id = 5",
                             "UPDATE message SET parent_id = 60 WHERE id = 5",
                             "UPDATE message SET parent_id = 4, role = 9 WHERE id = 5",
                             "UPDATE message SET role = 1, state = -3 WHERE id = 5"}) {
    tamper(path, damage);
    auto library = Library::open(path);
    ASSERT_TRUE(library);
    const auto broken = (*library)->messages(1);
    ASSERT_FALSE(broken) << damage;
    EXPECT_EQ(broken.error().code, ErrorCode::corrupt);
    EXPECT_NE(broken.error().message.find("message 5"), std::string::npos)
        << broken.error().message;
    EXPECT_TRUE((*library)->messages(2));
    EXPECT_EQ((*library)->chats()->size(), 2u);
  }
}

TEST(LibraryDamage, ADamagedTraceIsSaidAndCanBeCut) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  {
    auto library = Library::open(path);
    const MessageId answer = *(*library)->begin_answer(1, 0);
    ASSERT_TRUE((*library)->write_answer(answer, "x", 8, test_records(8, 12)));
    ASSERT_TRUE((*library)->write_answer(answer, "xy", 12, test_records(12, 20)));
    ASSERT_TRUE((*library)->set_events(answer, 8, 20));
  }
  for (const char* damage :
       {"UPDATE trace_chunk SET bytes = zeroblob(500) WHERE chat_id = 1 AND first_event = 8",
        "UPDATE trace_chunk SET event_count = 5 WHERE chat_id = 1 AND first_event = 8",
        "UPDATE trace_chunk SET first_event = 9 WHERE chat_id = 1 AND first_event = 8",
        "DELETE FROM trace_chunk WHERE chat_id = 1 AND first_event = 8",
        "UPDATE trace_chunk SET first_event = -5 WHERE chat_id = 1 AND first_event = 12",
        "UPDATE trace_chunk SET event_count = 9223372036854775807 WHERE chat_id = 1 AND "
        "first_event = 12"}) {
    const std::string copy = folder.file("copy.db");
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    tamper(copy, damage);
    auto library = Library::open(copy);
    ASSERT_TRUE(library);
    const auto broken = (*library)->trace(1);
    ASSERT_FALSE(broken) << damage;
    EXPECT_EQ(broken.error().code, ErrorCode::corrupt);
    EXPECT_EQ(*(*library)->trace(2), test_records(0, 8));
    EXPECT_EQ((*library)->messages(1)->size(), 42u);
    const Status cut = (*library)->cut_trace(1);
    ASSERT_TRUE(cut) << cut.error().message;
    const auto rest = (*library)->trace(1);
    ASSERT_TRUE(rest) << damage << ": " << rest.error().message;
    const auto whole = test_records(0, 20);
    EXPECT_TRUE(std::equal(rest->begin(), rest->end(), whole.begin()));
    const auto messages = (*library)->messages(1);
    const EventIndex kept = rest->size() / kTestShape.record_bytes();
    EXPECT_LE(messages->back().end_event, kept);
    const MessageId next = *(*library)->begin_answer(1, 0);
    EXPECT_EQ(*(*library)->stored_events(next), kept) << damage;
    EXPECT_TRUE((*library)->write_answer(next, "x", kept, test_records(50, 53)));
    EXPECT_TRUE((*library)->trace(1));
  }
}

TEST(LibraryDamage, ANewerLibraryIsRefusedAndNotTouched) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  tamper(path, "PRAGMA user_version = 4000");
  const std::string before = file_text(path);
  const auto library = Library::open(path);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::unsupported);
  EXPECT_NE(library.error().message.find("newer Mneme"), std::string::npos);
  EXPECT_EQ(file_text(path), before);
}

TEST(LibraryDamage, OnlyTheOwnerMayReadTheChats) {
  const TemporaryFolder folder;
  const std::string path = folder.file("chats.db");
  make_two_chats(path);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace mneme

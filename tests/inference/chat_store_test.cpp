// SPDX-License-Identifier: Apache-2.0
#include "inference/store/chat_store.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

TEST(ChatStore, CommandsOfSeveralThreadsAllReachTheLibrary) {
  auto store = ChatStore::open(":memory:");
  ASSERT_TRUE(store) << store.error().message;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        (*store)->post([t](Library& library) {
          EXPECT_TRUE(library.create_chat("chat of " + std::to_string(t), {}));
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t count = 0;
  (*store)->run([&](Library& library) { count = library.chats()->size(); });
  EXPECT_EQ(count, 60u);
}

TEST(ChatStore, WhatWasPostedIsOnDiskAfterTheEnd) {
  const TemporaryFolder folder;
  {
    auto store = ChatStore::open(folder.file("chats.db"));
    ASSERT_TRUE(store);
    for (int i = 0; i < 50; ++i) {
      (*store)->post([](Library& library) { EXPECT_TRUE(library.create_chat("x", {})); });
    }
  }
  auto library = Library::open(folder.file("chats.db"));
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_EQ((*library)->chats()->size(), 50u);
}

TEST(ChatStore, AWaitingCommandOfTheSameTagIsReplaced) {
  auto store = ChatStore::open(":memory:");
  ASSERT_TRUE(store);
  std::binary_semaphore go(0);
  std::vector<int> ran;
  (*store)->post([&](Library&) { go.acquire(); });
  for (int i = 0; i < 5; ++i) (*store)->post([&, i](Library&) { ran.push_back(i); }, "tag");
  go.release();
  (*store)->run([](Library&) {});
  EXPECT_EQ(ran, std::vector<int>{4});
}

TEST(ChatStore, AFailureReachesTheListener) {
  auto store = ChatStore::open(":memory:");
  ASSERT_TRUE(store);
  std::string heard;
  (*store)->set_listener([&](const Error& error, bool) { heard = error.message; }, {});
  ChatStore& target = **store;
  target.post([&](Library&) { target.report_failure({ErrorCode::io, "the disk is full"}); });
  target.run([](Library&) {});
  EXPECT_EQ(heard, "the disk is full");
}

// A store whose writes are taken or refused as the test says.
class KeptWrites : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = ChatStore::open(":memory:");
    ASSERT_TRUE(store);
    store_ = std::move(*store);
    store_->set_listener(
        [this](const Error& error, bool kept) {
          told_.push_back(error.message);
          EXPECT_EQ(kept, error.code == ErrorCode::io);
        },
        [this] { ++saved_; });
  }
  void write(const std::string& tag, const std::string& text) {
    store_->write({tag, "a note", text, [this, text](Library&) {
                     ++tries_;
                     if (answer_) done_.push_back(text);
                     return answer_;
                   }});
  }
  void sync() {
    store_->run([](Library&) {});
  }

  Status answer_;  // of each write; the store thread is idle when it changes
  std::vector<std::string> done_, told_;
  int tries_ = 0, saved_ = 0;
  std::unique_ptr<ChatStore> store_;
};

TEST_F(KeptWrites, WhatIsTakenIsNotKept) {
  write("a", "1");
  sync();
  EXPECT_EQ(done_, std::vector<std::string>{"1"});
  store_->run([&](Library&) { EXPECT_TRUE(store_->kept().empty()); });
  EXPECT_EQ(saved_, 0);
}

TEST_F(KeptWrites, WhatTheDiskRefusesIsToldOnceKeptInOrderAndWrittenWhenItCan) {
  answer_ = Error{ErrorCode::io, "the disk is full"};
  write("a", "1");
  write("b", "2");
  sync();
  write("a", "3");  // in the place of 1
  sync();
  EXPECT_TRUE(done_.empty());
  EXPECT_EQ(told_, std::vector<std::string>{"the disk is full"});
  store_->run([&](Library&) {
    ASSERT_EQ(store_->kept().size(), 2u);
    EXPECT_EQ(store_->kept()[0].text, "3");
    answer_ = {};
  });
  store_->retry();
  sync();
  EXPECT_EQ(done_, (std::vector<std::string>{"3", "2"}));
  EXPECT_EQ(saved_, 1);
  answer_ = Error{ErrorCode::io, "full again"};
  write("c", "4");
  sync();
  EXPECT_EQ(told_.size(), 2u);
}

// A chat that is not there any more is no reason to try for ever.
TEST_F(KeptWrites, WhatIsRefusedForAnotherReasonIsToldAndDropped) {
  answer_ = Error{ErrorCode::invalid, "chat 7 is no longer there"};
  write("a", "1");
  sync();
  const int tries = tries_;
  sync();
  EXPECT_EQ(tries_, tries);
  EXPECT_EQ(told_.size(), 1u);
  EXPECT_EQ(saved_, 0);
}

}  // namespace
}  // namespace mneme

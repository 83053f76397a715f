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
  (*store)->set_on_failure([&](const Error& error) { heard = error.message; });
  ChatStore& target = **store;
  target.post([&](Library&) { target.report_failure({ErrorCode::io, "the disk is full"}); });
  target.run([](Library&) {});
  EXPECT_EQ(heard, "the disk is full");
}

}  // namespace
}  // namespace mneme

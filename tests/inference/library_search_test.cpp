// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "inference/store/library.h"

namespace mneme {
namespace {

class LibrarySearch : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Library::open(":memory:");
    ASSERT_TRUE(opened) << opened.error().message;
    library_ = std::move(*opened);
    english_ = add("Café culture", "The quick brown fox said \"NEAR OR far\" 100% of a_b (c*).");
    chinese_ = add("中文", "这个模型有记忆表，可以看到每个词的门。");
    russian_ = add("Русский", "Привет, МОСКВА");
  }
  ChatId add(const std::string& title, const std::string& text) {
    const ChatId id = *library_->create_chat(title, {});
    EXPECT_TRUE(library_->add_message(id, 0, Role::user, text));
    return id;
  }
  // Ids of the chats that are found, in order.
  std::vector<ChatId> find(const std::string& text) {
    const auto hits = library_->search(text, 20);
    EXPECT_TRUE(hits) << hits.error().message;
    std::vector<ChatId> ids;
    for (const Library::ChatHits& hit : *hits) ids.push_back(hit.chat);
    return ids;
  }
  using Ids = std::vector<ChatId>;
  std::unique_ptr<Library> library_;
  ChatId english_ = 0, chinese_ = 0, russian_ = 0;
};

TEST_F(LibrarySearch, IgnoresCaseAndAccents) {
  EXPECT_EQ(find("QUICK Brown"), Ids{english_});
  EXPECT_EQ(find("cafe"), Ids{english_});
  EXPECT_EQ(find("CAFÉ"), Ids{english_});
  EXPECT_EQ(find("москва"), Ids{russian_});
  EXPECT_EQ(find("uick bro"), Ids{english_});  // inside words too
  EXPECT_EQ(find("zebra"), Ids{});
}

TEST_F(LibrarySearch, FindsShortQueries) {
  EXPECT_EQ(find("x"), Ids{english_});
  EXPECT_EQ(find("ОС"), Ids{russian_});
  EXPECT_EQ(find("记"), Ids{chinese_});
  EXPECT_EQ(find("记忆"), Ids{chinese_});
  EXPECT_EQ(find("记忆表"), Ids{chinese_});
  EXPECT_EQ(find("中文"), Ids{chinese_});
  EXPECT_EQ(find("憶"), Ids{});
}

TEST_F(LibrarySearch, TakesOperatorsAsPlainText) {
  EXPECT_EQ(find("\"NEAR OR far\""), Ids{english_});
  EXPECT_EQ(find("quick OR zebra"), Ids{});
  EXPECT_EQ(find("NEAR(quick brown)"), Ids{});
  EXPECT_EQ(find("qui*"), Ids{});
  EXPECT_EQ(find("c*)"), Ids{english_});
  EXPECT_EQ(find("%"), Ids{english_});
  EXPECT_EQ(find("_"), Ids{english_});
  EXPECT_EQ(find("a_b"), Ids{english_});
  EXPECT_EQ(find("axb"), Ids{});
  EXPECT_EQ(find("\""), Ids{english_});
  EXPECT_EQ(find("\"\"\""), Ids{});
  EXPECT_EQ(find("folded : quick"), Ids{});
  EXPECT_EQ(find("'; DROP TABLE chat; --"), Ids{});
  EXPECT_EQ(find(std::string("quick\0brown", 11)), Ids{english_});  // NUL is a blank
  EXPECT_EQ(find("\xff\xfe\xfd"), Ids{});
  EXPECT_EQ(find(""), Ids{});
  EXPECT_EQ(find("  \n"), Ids{});
  EXPECT_EQ(find(std::string(100000, 'q')), Ids{});
}

TEST_F(LibrarySearch, GivesAllHitsOfAChatTitlesFirst) {
  const ChatId other = add("About the fox", "fox fox fox");
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(library_->add_message(other, 0, Role::user, "Another FOX " + std::to_string(i)));
  }
  const auto found = *library_->search("fox", 20);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].chat, other);
  EXPECT_EQ(found[0].count, 32);
  ASSERT_EQ(found[0].hits.size(), static_cast<std::size_t>(Library::kHitsOfChat));
  EXPECT_EQ(found[0].hits[0].message, 0);
  EXPECT_EQ(found[0].hits[0].snippet, "About the fox");
  EXPECT_EQ(found[0].hits[2].snippet, "Another FOX 0");
  EXPECT_EQ(found[1].chat, english_);
  EXPECT_EQ(found[1].count, 1);
  const Library::SearchHit& hit = found[1].hits.at(0);
  EXPECT_NE(hit.message, 0);
  EXPECT_NE(hit.snippet.find("brown fox said"), std::string::npos);
  EXPECT_EQ(hit.snippet.substr(hit.match_begin, hit.match_end - hit.match_begin), "fox");
  EXPECT_EQ(library_->search("fox", 1)->size(), 1u);
  EXPECT_EQ(library_->search("fox", 0)->size(), 0u);
}

TEST_F(LibrarySearch, LooksAmongDeletedChatsOnlyWhenAsked) {
  ASSERT_TRUE(library_->delete_chat(english_));
  EXPECT_EQ(find("quick"), Ids{});
  const auto deleted = *library_->search("quick", 20, Library::Among::deleted);
  ASSERT_EQ(deleted.size(), 1u);
  EXPECT_EQ(deleted[0].chat, english_);
  EXPECT_TRUE(library_->search("МОСКВА", 20, Library::Among::deleted)->empty());
}

TEST_F(LibrarySearch, FollowsRenamesAndAnswers) {
  ASSERT_TRUE(library_->rename_chat(chinese_, "Memory tables"));
  EXPECT_EQ(find("中文"), Ids{});
  EXPECT_EQ(find("memory tables"), Ids{chinese_});
  const MessageId answer = *library_->begin_answer(russian_, 0);
  ASSERT_TRUE(library_->finish_answer(answer, "ein Gürteltier", MessageState::complete, "", {}));
  EXPECT_EQ(find("gurteltier"), Ids{russian_});
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// A model or a pack that someone cuts off or writes to while it is open: no signal ends the
// program, and nothing that was computed from the file counts as an answer.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/output_file.h"
#include "inference/model/check_model.h"
#include "inference/run/engine.h"
#include "inference/tables/table_files.h"
#include "inference/tables/table_pack.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

class ChangedFile : public ::testing::Test {
 protected:
  ChangedFile() { write_tiny_model(folder_.path()); }

  Result<std::unique_ptr<Engine>> open(const LoadProgress& progress = {}) const {
    EngineOptions options;
    options.model_path = model_;
    options.threads = 2;
    return Engine::open(options, progress);
  }
  static Result<GenerateResult> ask(Engine& engine, const GenerateCallback& progress = {}) {
    GenerateRequest request;
    request.raw_prompt = "the first and the last";
    request.max_tokens = 12;
    request.ignore_end = true;
    return engine.generate(request, progress);
  }
  // Other bytes of the same number, as a program does that writes a file anew in place.
  static void overwrite(const std::string& path) {
    const auto size = fs::file_size(path);
    const auto before = fs::last_write_time(path);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << std::string(size / 4, 'x');
    file.close();
    // Times of files go on in steps, and this test may be quicker.
    if (fs::last_write_time(path) == before) {
      fs::last_write_time(path, before + std::chrono::milliseconds(1));
    }
  }
  static void cut_off(const std::string& path) { fs::resize_file(path, 0); }
  void write_anew() { write_tiny_model(folder_.path()); }

  std::string sentence(const std::string& path) const {
    return path + " was changed while it was open: open the model again";
  }

  const TemporaryFolder folder_;
  const std::string model_ = folder_.file("tiny.gguf");
  const std::string pack_ = folder_.file("tiny.engram.gguf");
};

TEST_F(ChangedFile, BetweenTwoAnswersEndsTheNextOneWithASentence) {
  for (const auto& change : {cut_off, overwrite}) {
    for (const std::string& path : {model_, pack_}) {
      write_anew();
      auto engine = open();
      ASSERT_TRUE(engine) << engine.error().message;
      ASSERT_TRUE((*engine)->layout().memory);
      ASSERT_TRUE(ask(**engine));
      change(path);
      for (int again = 0; again < 2; ++again) {
        const auto answer = ask(**engine);
        ASSERT_FALSE(answer) << answer->text;
        EXPECT_EQ(answer.error().message, sentence(path));
      }
      const auto scored = (*engine)->evaluate(std::vector<TokenId>{1, 2, 3}, true, {});
      ASSERT_FALSE(scored);
      EXPECT_EQ(scored.error().message, sentence(path));
    }
  }
}

TEST_F(ChangedFile, DuringAnAnswerEndsIt) {
  for (const auto& change : {cut_off, overwrite}) {
    write_anew();
    auto engine = open();
    ASSERT_TRUE(engine) << engine.error().message;
    std::int64_t tokens = 0;
    const auto answer = ask(**engine, [&](const GenerateProgress& progress) {
      tokens = progress.generated;
      if (tokens == 3) change(model_);
    });
    ASSERT_FALSE(answer) << answer->text;
    EXPECT_EQ(answer.error().message, sentence(model_));
    EXPECT_EQ(tokens, 3) << "what was computed from the changed file was shown";
  }
}

// At every place where the progress is told: header, weights, memory, plans.
TEST_F(ChangedFile, WhileItIsOpenedIsToldAsThat) {
  for (const auto& change : {cut_off, overwrite}) {
    for (const std::string& path : {model_, pack_}) {
      for (int stage = 1;; ++stage) {
        write_anew();
        int stages = 0;
        bool changed = false;
        const auto engine = open([&](double fraction, std::string_view) {
          if (++stages != stage || fraction == 1) return;
          changed = true;
          change(path);
        });
        if (!changed) {
          EXPECT_GT(stage, 3);
          EXPECT_TRUE(engine);
          break;
        }
        if (stage == 1) continue;  // nothing is open yet: such a file is damaged, or another one
        ASSERT_FALSE(engine) << "stage " << stage;
        EXPECT_EQ(engine.error().message, sentence(path)) << "stage " << stage;
      }
    }
  }
}

TEST_F(ChangedFile, AnotherFileInItsPlaceDoesNotDisturbAnOpenModel) {
  auto engine = open();
  ASSERT_TRUE(engine) << engine.error().message;
  const auto before = ask(**engine);
  fs::copy_file(model_, folder_.file("new"));
  overwrite(folder_.file("new"));
  fs::rename(folder_.file("new"), model_);
  const auto after = ask(**engine);
  ASSERT_TRUE(before && after);
}

TEST_F(ChangedFile, WhileItIsCheckedIsToldAsThat) {
  for (const auto& change : {cut_off, overwrite}) {
    write_anew();
    const auto model = ModelSource::open(model_);
    const auto pack = GgufFile::open(pack_);
    ASSERT_TRUE(model && pack);
    change(model_);
    change(pack_);
    const auto checked = check_model(*model);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().message, model_ + " was changed while it was open");
    const auto header = check_pack(*pack);
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().message, pack_ + " was changed while it was open");
  }
}

TEST_F(ChangedFile, WhileItIsPackedLeavesNoPack) {
  for (const auto& change : {cut_off, overwrite}) {
    write_anew();
    const auto writer = plan_table_pack({pack_});
    ASSERT_TRUE(writer) << writer.error().message;
    change(pack_);
    const std::string out = folder_.file("packed.gguf");
    const Status written = writer->write_resumable(out, {}, nullptr);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().message, pack_ + " was changed while it was open");
    EXPECT_FALSE(fs::exists(out));
    fs::remove(OutputFile::part_path(out));
  }
}

}  // namespace
}  // namespace mneme

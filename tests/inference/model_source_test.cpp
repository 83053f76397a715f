// SPDX-License-Identifier: Apache-2.0
// One model in every container gives the same logits; what is wrong with one is one sentence.
#include "inference/files/model_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "gpu/registry.h"
#include "inference/files/gguf_split.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/hub_folder.h"
#include "tests/support/source_logits.h"
#include "tests/support/split_gguf.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

class ModelSources : public ::testing::Test {
 protected:
  ModelSources() {
    fs::create_directories(folder_.file("source"));
    const std::string path = write_tiny_model(folder_.file("source"), {.type = DType::f32});
    file_.emplace(GgufFile::open(path).value());
  }

  std::string path(const std::string& name) const { return folder_.file(name); }
  std::string folder(const std::string& name) const {
    fs::create_directories(path(name));
    return path(name);
  }
  // The sentence that a path does not open with; "" = it opens.
  static std::string reason(const std::string& path) {
    const auto source = ModelSource::open(path);
    if (source) return "";
    EXPECT_EQ(source.error().message.find('\n'), std::string::npos);
    return source.error().message;
  }
  static void expect_reason(const std::string& path, const std::vector<std::string>& words) {
    const std::string why = reason(path);
    for (const std::string& word : words) {
      EXPECT_NE(why.find(word), std::string::npos) << path << ": " << why << "\nlacks " << word;
    }
  }

  std::vector<float> logits(const ModelSource& source) {
    const std::vector<TokenId> tokens = {1, 7, 30, 250, 7, 99, 12, 13};
    const auto all = source_logits(source, tokens, *backend_);
    EXPECT_TRUE(all) << all.error().message;
    return all ? *all : std::vector<float>();
  }
  std::vector<float> logits(const std::string& path) {
    const auto source = ModelSource::open(path);
    EXPECT_TRUE(source) << source.error().message;
    return source ? logits(*source) : std::vector<float>();
  }

  TemporaryFolder folder_;
  std::optional<GgufFile> file_;
  std::unique_ptr<Backend> backend_ = std::move(open_backend({1, ""}).value());
};

// ---- split GGUF ---------------------------------------------------------------------------------

TEST_F(ModelSources, ASplitModelOpensFromAnyOfItsFilesAndItsFolder) {
  const std::vector<float> whole = logits(file_->path());
  for (const bool first_is_empty : {false, true}) {
    const std::string there = folder(first_is_empty ? "empty-first" : "split");
    const auto paths = write_split(*file_, there + "/tiny", {3, first_is_empty});
    for (const std::string& opened : {paths[0], paths[1], paths[2], there}) {
      const auto source = ModelSource::open(opened);
      ASSERT_TRUE(source) << source.error().message;
      EXPECT_EQ(source->tensors().size(), file_->tensors().size());
      EXPECT_EQ(source->path(), paths[0]);
      EXPECT_EQ(source->parts().size(), 3u);
      EXPECT_EQ(source->bytes(),
                fs::file_size(paths[0]) + fs::file_size(paths[1]) + fs::file_size(paths[2]));
      EXPECT_EQ(logits(*source), whole);
    }
  }
}

TEST_F(ModelSources, AChangeOfAnyFileOfASplitModelIsTold) {
  const auto paths = write_split(*file_, path("tiny"));
  const auto source = ModelSource::open(paths[0]);
  ASSERT_TRUE(source);
  EXPECT_TRUE(source->unchanged());
  fs::resize_file(paths[2], fs::file_size(paths[2]) - 1);
  const Status status = source->unchanged();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("tiny-00003-of-00003.gguf"), std::string::npos);
}

TEST_F(ModelSources, AMissingPartIsNamed) {
  const auto paths = write_split(*file_, path("tiny"));
  fs::remove(paths[1]);
  expect_reason(paths[0], {"tiny-00001-of-00003.gguf is one of 3 files", paths[1]});
  expect_reason(paths[2], {"tiny-00003-of-00003.gguf is one of 3 files", paths[1]});
}

TEST_F(ModelSources, PartsInAnotherOrderOrOfAnotherModelAreNamed) {
  auto paths = write_split(*file_, path("tiny"));
  fs::rename(paths[1], path("aside"));
  fs::rename(paths[2], paths[1]);
  fs::rename(path("aside"), paths[2]);
  expect_reason(paths[0], {"tiny-00002-of-00003.gguf: it is called number 2", "number 3"});

  const auto tensors = static_cast<std::int32_t>(file_->tensors().size());
  paths = write_split(*file_, path("tiny"));
  write_part(*file_, paths[1], 4, 5, false, {1, 3, tensors});
  expect_reason(paths[0], {"should hold " + std::to_string(tensors) + " tensors"});
  write_part(*file_, paths[1], 4, 5, false, {1, 4, tensors});
  expect_reason(paths[0], {"tiny-00002-of-00003.gguf", "one of 4 files"});

  GgufEdit edit = set_string("general.architecture", "qwen3");
  write_edited(*file_, edit, path("other.gguf"));
  write_part(*GgufFile::open(path("other.gguf")), paths[1], 4, 5, true, {1, 3, tensors});
  expect_reason(paths[0], {"tiny-00002-of-00003.gguf: it is of another model than"});

  // One tensor twice, another not at all.
  paths = write_split(*file_, path("tiny"));
  const std::size_t begin = file_->tensors().size() / 3;
  const std::size_t end = file_->tensors().size() * 2 / 3;
  write_part(*file_, paths[1], begin - 1, end - 1, false, {1, 3, tensors});
  expect_reason(paths[0], {std::string(file_->tensors()[begin - 1].name), "in two of its files"});
}

TEST_F(ModelSources, APartWithANameOfItsOwnSaysHowItShouldBeCalled) {
  const auto paths = write_split(*file_, path("tiny"));
  fs::rename(paths[0], path("mine.gguf"));
  expect_reason(path("mine.gguf"), {"mine.gguf", "name-00001-of-00003.gguf"});
}

TEST_F(ModelSources, SplitNamesAreThoseOfGgufSplit) {
  const auto name = parse_split_name("a/b-00002-of-00010.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->start, "a/b");
  EXPECT_EQ(name->number, 2u);
  EXPECT_EQ(name->of(10), "a/b-00010-of-00010.gguf");
  for (const char* other : {"b-2-of-3.gguf", "b-00000-of-00003.gguf", "b-00004-of-00003.gguf",
                            "b-0000x-of-00003.gguf", "-00001-of-00003.gguf", "b-00001-of-00003.bin",
                            "b_00001-of-00003.gguf", "b-+0001-of-00003.gguf"}) {
    EXPECT_FALSE(parse_split_name(other)) << other;
  }
}

// ---- folders ------------------------------------------------------------------------------------

TEST_F(ModelSources, AFolderOpensForTheOneModelInIt) {
  const std::string there = folder("one");
  fs::copy_file(file_->path(), there + "/tiny.gguf");
  fs::copy_file(path("source/tiny.engram.gguf"), there + "/tiny.engram.gguf");
  write_edited(*file_, set_string("general.type", "mmproj"), there + "/a-mmproj.gguf");
  EXPECT_EQ(reason(there), "");
  EXPECT_EQ(ModelSource::open(there)->path(), there + "/tiny.gguf");
  fs::copy_file(file_->path(), there + "/z.gguf");
  expect_reason(there, {there + " holds two models, tiny.gguf and z.gguf"});
  fs::remove(there + "/z.gguf");
  hub_model_of(*file_).write(path("hub"));
  fs::copy_file(path("hub/model.safetensors"), there + "/model.safetensors");
  expect_reason(there, {there + " holds two models, tiny.gguf and model.safetensors"});
  expect_reason(folder("none"), {path("none") + " holds no model"});
  expect_reason(path("not-there"), {"not-there"});
}

TEST_F(ModelSources, AGgufBesideAFolderOfTheHubIsOpenedByItsName) {
  hub_model_of(*file_).write(path("hub"));
  fs::copy_file(file_->path(), path("hub/tiny.gguf"));
  EXPECT_TRUE(ModelSource::open(path("hub"))->is_hub_folder());
  EXPECT_FALSE(ModelSource::open(path("hub/tiny.gguf"))->is_hub_folder());
}

}  // namespace
}  // namespace mneme

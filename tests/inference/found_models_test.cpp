// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/found_models.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "inference/files/gguf.h"
#include "inference/machine/folder_walk.h"
#include "inference/run/engine.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/hub_folder.h"
#include "tests/support/split_gguf.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;
using Layout = ModelPlace::Layout;

const std::string kDigest(64, 'a');

class FindModels : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(path("source"));
    model_ = write_tiny_model(path("source"));
    fs::create_directories(path("place"));
  }
  std::string path(const std::string& name) const { return folder_.file(name); }

  // A copy of the tiny model, changed; another file than any other.
  void put(const std::string& name, const GgufEdit& edit = {}) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    write_edited(*GgufFile::open(model_), edit, path(name));
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }
  FoundModels find(Layout layout = Layout::folder, const std::string& program = "LM Studio") const {
    return find_models({{program, path("place"), layout}}, go_on_);
  }
  std::vector<std::string> names(const FoundModels& found) const {
    std::vector<std::string> names;
    for (const FoundModel& model : found.models) names.push_back(model.name);
    return names;
  }

  const std::atomic<bool> go_on_ = false;
  TemporaryFolder folder_;
  std::string model_;
};

using Names = std::vector<std::string>;

TEST_F(FindModels, SaysWhatAFileIs) {
  put("place/publisher/repository/Any-Q4_0.gguf");
  const FoundModels found = find();
  ASSERT_EQ(found.models.size(), 1u);
  const FoundModel& model = found.models[0];
  EXPECT_EQ(model.path, path("place/publisher/repository/Any-Q4_0.gguf"));
  EXPECT_EQ(model.program, "LM Studio");
  EXPECT_EQ(model.name, "Any-Q4_0");
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(model.quantisation, "Q4_0");
  EXPECT_EQ(model.bytes, fs::file_size(model.path));
  EXPECT_EQ(model.experts, 0);
  EXPECT_EQ(model.memory, FoundModel::Memory::none);
  EXPECT_TRUE(model.opens()) << model.unusable;
  EXPECT_EQ(found.looked.size(), 1u);
  EXPECT_TRUE(found.left_out.empty());
  EXPECT_FALSE(found.stopped);
}

TEST_F(FindModels, NamesAFileByItsFolderWhereAllFilesHaveOneName) {
  put("place/jan-v1/model.gguf");
  put("place/tiny-model.GGUF");
  EXPECT_EQ(names(find()), (Names{"jan-v1", "tiny-model"}));
}

TEST_F(FindModels, SaysWhyAModelCannotBeOpenedInTheWordsOfTheLoader) {
  put("place/a.gguf", set_string("general.architecture", "mamba"));
  put("place/b.gguf", set_u32("llama.expert_count", 8));
  put("place/c.gguf", set_string("tokenizer.ggml.model", "t5"));
  put("place/d.gguf", set_string("tokenizer.ggml.pre", "not-known"));
  put("place/e.gguf", add_ones("blk.0.attn_q_norm.weight"));
  put("place/f-00001-of-00002.gguf", set_u32("split.count", 2));
  put("place/g.gguf", {.drop_tensors = {"blk.1.ffn_up.weight"}});
  const FoundModels found = find();
  ASSERT_EQ(found.models.size(), 7u);
  for (const FoundModel& model : found.models) {
    EngineOptions options;
    options.model_path = model.path;
    options.threads = 1;
    const auto opened = Engine::open(options);
    ASSERT_FALSE(opened) << model.path;
    EXPECT_EQ(model.unusable, opened.error().message);
    EXPECT_EQ(model.experts, model.path.ends_with("b.gguf") ? 8 : 0);
  }
}

TEST_F(FindModels, ListsDamagedFilesWithTheLoadersSentence) {
  write("place/text.gguf", "no model");
  write("place/empty.gguf", "");
  fs::copy_file(model_, path("place/cut.gguf"));
  fs::resize_file(path("place/cut.gguf"), fs::file_size(model_) / 2);
  const FoundModels found = find();
  EXPECT_EQ(names(found), (Names{"cut", "empty", "text"}));
  for (const FoundModel& model : found.models) {
    EXPECT_EQ(model.unusable, GgufFile::open(model.path).error().message);
  }
  EXPECT_EQ(found.models[0].bytes, fs::file_size(model_) / 2);
}

TEST_F(FindModels, ListsAModelInSeveralFilesOnce) {
  fs::create_directories(path("place/several"));
  const auto paths = write_split(*GgufFile::open(model_), path("place/several/tiny"));
  const FoundModels found = find();
  ASSERT_EQ(names(found), Names{"tiny"});
  const FoundModel& model = found.models[0];
  EXPECT_TRUE(model.opens()) << model.unusable;
  EXPECT_EQ(model.path, paths[0]);
  EXPECT_EQ(model.bytes,
            fs::file_size(paths[0]) + fs::file_size(paths[1]) + fs::file_size(paths[2]));
}

TEST_F(FindModels, ListsAFolderOfTheHubOnce) {
  const HubModel model = hub_model_of(*GgufFile::open(model_));
  model.write(path("place/plain"));
  model.write_sharded(path("place/sharded"), 3);
  HubModel other = model;
  other.config["model_type"] = "mamba";
  other.write(path("place/unknown"));
  other.config["architectures"] = {"BertModel"};
  other.write(path("place/no-language-model"));
  fs::create_directories(path("place/no-weights"));
  write_file(path("place/no-weights/config.json"), model.config.dump());
  const FoundModels found = find();
  Names listed = names(found);
  std::ranges::sort(listed);
  EXPECT_EQ(listed, (Names{"plain", "sharded", "unknown"}));
  for (const FoundModel& one : found.models) {
    EXPECT_EQ(one.path, path("place/" + one.name));
    if (one.name == "unknown") {
      EXPECT_NE(one.unusable.find("model type 'mamba'"), std::string::npos) << one.unusable;
    } else {
      EXPECT_EQ(one.architecture, "llama");
      EXPECT_EQ(one.quantisation, "F32");
      EXPECT_GT(one.bytes, 100'000u);
    }
  }
}

TEST_F(FindModels, DoesNotListWhatIsNoModel) {
  put("place/model.gguf");
  put("place/mmproj-model-f16.gguf");
  put("place/model-MMPROJ.gguf");
  put("place/adapter.gguf", set_string("general.type", "adapter"));
  put("place/projector.gguf", set_string("general.architecture", "clip"));
  put("place/imatrix.gguf", set_string("general.type", "imatrix"));
  put("place/large-00002-of-00003.gguf", set_u32("split.count", 3));
  put("place/renamed.gguf", set_u32("split.no", 1));
  GgufEdit vocabulary;
  const auto source = GgufFile::open(model_);
  for (const GgufTensor& tensor : source->tensors()) {
    vocabulary.drop_tensors.emplace(tensor.name);
  }
  put("place/ggml-vocab-tiny.gguf", vocabulary);
  fs::copy_file(path("source/tiny.engram.gguf"), path("place/tiny.engram.gguf"));
  write("place/readme.txt", "text");
  write("place/model.gguf.part", "half");
  const FoundModels found = find();
  ASSERT_EQ(found.models.size(), 1u) << found.models.back().path;
  EXPECT_EQ(found.models[0].path, path("place/model.gguf"));
  EXPECT_EQ(found.models[0].memory, FoundModel::Memory::pack);
  EXPECT_EQ(found.models[0].pack_path, path("place/tiny.engram.gguf"));
}

TEST_F(FindModels, FindsTheMemoryInMnemesOwnFoldersToo) {
  put("place/model.gguf");
  put("place/wider.gguf", set_u32("llama.block_count", 1));
  fs::create_directories(path("own"));
  fs::copy_file(path("source/tiny.engram.gguf"), path("own/tiny.engram.gguf"));
  put("own/tables.gguf", add_ones("blk.1.engram_embd.weight"));
  const FoundModels found = find_models(
      {{"Jan", path("place"), Layout::folder}, {kOwnProgram, path("own"), Layout::folder}}, go_on_);
  ASSERT_EQ(found.models.size(), 3u);
  for (const FoundModel& model : found.models) {
    if (model.path == path("place/model.gguf")) {
      EXPECT_EQ(model.memory, FoundModel::Memory::pack);
      EXPECT_EQ(model.pack_path, path("own/tiny.engram.gguf"));
    } else if (model.path == path("own/tables.gguf")) {
      EXPECT_EQ(model.memory, FoundModel::Memory::tables);
      EXPECT_EQ(model.program, "Mneme");
    } else {
      EXPECT_EQ(model.memory, FoundModel::Memory::none);
    }
  }
}

TEST_F(FindModels, ReadsOllamasManifests) {
  const auto manifest = [](const std::string& digest) {
    return R"({"schemaVersion": 2, "layers": [)"
           R"({"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:0"},)"
           R"({"mediaType": "application/vnd.ollama.image.model", "digest": ")" +
           digest + R"("}]})";
  };
  const std::string manifests = "place/manifests/registry.ollama.ai/";
  put("place/blobs/sha256-" + kDigest);
  write(manifests + "library/llama3.2/3b", manifest("sha256:" + kDigest));
  write(manifests + "library/llama3.2/latest", manifest("sha256:" + kDigest));  // the same model
  const std::string other(64, 'b');
  put("place/blobs/sha256-" + other);
  write(manifests + "someone/tiny/q4", manifest("sha256-" + other));
  // A list, whose second entry names a manifest that lies among the blobs.
  const std::string third(64, 'c');
  put("place/blobs/sha256-" + third);
  const std::string reference(64, 'd');
  write("place/blobs/sha256-" + reference, manifest("sha256:" + third));
  write("place/manifests-v2/hf.co/owner/repo/Q8_0",
        R"({"manifests": [{"runner": "mlx", "layers": []}, {"digest": "sha256:)" + reference +
            R"("}]})");
  const FoundModels found = find(Layout::ollama, "Ollama");
  EXPECT_EQ(names(found), (Names{"hf.co/owner/repo:Q8_0", "llama3.2:3b", "someone/tiny:q4"}));
  for (const FoundModel& model : found.models) {
    EXPECT_TRUE(model.opens()) << model.unusable;
    EXPECT_EQ(model.program, "Ollama");
  }
  EXPECT_EQ(found.models[1].path, path("place/blobs/sha256-" + kDigest));
}

TEST_F(FindModels, BelievesNoManifestOfOllama) {
  const std::string manifests = "place/manifests/registry.ollama.ai/library/";
  const auto model_layer = [](const std::string& digest) {
    return R"({"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": ")" +
           digest + R"("}]})";
  };
  write("secret.gguf", "GGUF");
  write(manifests + "a/1", model_layer("sha256:../../../../secret.gguf"));
  write(manifests + "a/2", model_layer("sha256:" + std::string(64, 'z')));
  write(manifests + "a/3", R"({"layers": {"digest": 5}, "manifests": 7})");
  write(manifests + "a/4", R"({"layers": [null, 1, {"mediaType": [], "digest": {}}]})");
  write(manifests + "b/1", std::string(900'000, '['));
  write(manifests + "b/2", "\xff\xff");
  write(manifests + "b/3", "{}");
  fs::resize_file(path(manifests + "b/3"), 2ull << 30);  // a hole, which is not read
  ASSERT_EQ(::mkfifo(path(manifests + "b/4").c_str(), 0600), 0);
  write(manifests + "c/1", model_layer("sha256:" + kDigest));  // whose file is not there
  const FoundModels found = find(Layout::ollama, "Ollama");
  ASSERT_EQ(found.models.size(), 1u);
  EXPECT_EQ(found.models[0].name, "c:1");
  EXPECT_NE(found.models[0].unusable.find("No such file"), std::string::npos);
  EXPECT_EQ(found.left_out.size(), 3u);  // b/1, b/2, b/3
}

TEST_F(FindModels, ListsABlobOfHuggingFacesCacheOnce) {
  put("place/models--owner--tiny/blobs/abc");
  for (const std::string revision : {"1", "2"}) {
    const std::string snapshot = "place/models--owner--tiny/snapshots/" + revision;
    fs::create_directories(path(snapshot));
    fs::create_symlink("../../blobs/abc", path(snapshot + "/tiny.gguf"));
    fs::create_symlink("../../blobs/gone", path(snapshot + "/dangling.gguf"));
  }
  put("place/datasets--owner--data/snapshots/1/no-model.gguf");
  put("place/models--owner--tiny/blobs/not-looked-at.gguf");
  const FoundModels found = find(Layout::hugging_face, "Hugging Face cache");
  ASSERT_EQ(found.models.size(), 1u);
  EXPECT_EQ(found.models[0].path, path("place/models--owner--tiny/snapshots/1/tiny.gguf"));
  EXPECT_TRUE(found.models[0].opens());
}

TEST_F(FindModels, ComesOutOfLoopsAndPassesByWhatIsNoFile) {
  put("place/a/model.gguf");
  fs::create_directory_symlink("..", path("place/a/up"));
  fs::create_directory_symlink(path("place"), path("place/again"));
  fs::create_symlink("self.gguf", path("place/self.gguf"));
  fs::create_directories(path("place/folder.gguf"));
  fs::create_symlink("/dev/zero", path("place/device.gguf"));
  ASSERT_EQ(::mkfifo(path("place/fifo.gguf").c_str(), 0600), 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string socket = path("place/socket.gguf");
  ASSERT_LT(socket.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, socket.c_str(), socket.size());
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const FoundModels found = find();
  ::close(fd);
  ASSERT_EQ(found.models.size(), 1u);
  EXPECT_EQ(found.models[0].path, path("place/a/model.gguf"));
  EXPECT_TRUE(found.left_out.empty());
}

TEST_F(FindModels, SaysWhereAFolderGoesTooDeepOrHoldsTooMuch) {
  std::string deep = "place";
  for (int i = 0; i < 12; ++i) deep += "/d";
  put(deep + "/model.gguf");
  const FoundModels found = find();
  EXPECT_TRUE(found.models.empty());
  ASSERT_EQ(found.left_out.size(), 1u);
  EXPECT_NE(found.left_out[0].find("more than 8 folders deep"), std::string::npos);

  FolderWalk walk;
  walk.enters = [](std::string_view, int) { return true; };
  walk.wants = [](std::string_view) { return true; };
  int files = 0;
  walk.file = [&](const std::string&) { return ++files > 0; };
  walk.entries_max = 20;
  for (int i = 0; i < 30; ++i) write("full/a/" + std::to_string(i), "");
  write("full/z", "");
  const auto left_out = walk_folder(path("full"), walk, go_on_);
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_NE(left_out[0].find("more than 20 files"), std::string::npos);
  EXPECT_GT(files, 0);
  EXPECT_LE(files, 20);
}

TEST_F(FindModels, EndsAfterManyModelsAndSaysSo) {
  for (int i = 0; i < 2010; ++i) write("place/" + std::to_string(i) + ".gguf", "");
  const FoundModels found = find();
  EXPECT_EQ(found.models.size(), 2000u);
  ASSERT_EQ(found.left_out.size(), 1u);
  EXPECT_NE(found.left_out[0].find("2000 models"), std::string::npos);
}

TEST_F(FindModels, SaysWhatMayNotBeRead) {
  put("place/locked/model.gguf");
  put("place/model.gguf");
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  fs::permissions(path("place/locked"), fs::perms::none);
  const FoundModels found = find();
  fs::permissions(path("place/locked"), fs::perms::owner_all);
  EXPECT_EQ(found.models.size(), 1u);
  ASSERT_EQ(found.left_out.size(), 1u);
  EXPECT_NE(found.left_out[0].find("locked cannot be read: Permission denied"), std::string::npos);
}

TEST_F(FindModels, KeepsNamesOfAnyBytes) {
  const std::string name = "bad\xff\n\x1b[31m<b>.gguf";
  put("place/" + name);
  put("place/long.gguf", set_string("general.architecture", std::string(1 << 20, 'n')));
  const FoundModels found = find();
  ASSERT_EQ(found.models.size(), 2u);
  EXPECT_EQ(found.models[0].path, path("place/" + name));
  EXPECT_EQ(found.models[0].name, "bad\xff\n\x1b[31m<b>");
  EXPECT_LE(found.models[1].architecture.size(), 256u);
}

TEST_F(FindModels, StopsBetweenFiles) {
  for (int i = 0; i < 5; ++i) put("place/" + std::to_string(i) + ".gguf");
  const std::atomic<bool> stop = true;
  const FoundModels found = find_models({{"Jan", path("place"), Layout::folder}}, stop);
  EXPECT_TRUE(found.models.empty());
  EXPECT_TRUE(found.stopped);
}

TEST_F(FindModels, SaysWhichPlacesAreThere) {
  const FoundModels found = find_models({{"Jan", path("place"), Layout::folder},
                                         {"Ollama", path("none"), Layout::ollama},
                                         {"GPT4All", model_, Layout::folder}},
                                        go_on_);
  ASSERT_EQ(found.looked.size(), 1u);
  EXPECT_EQ(found.looked[0].program, "Jan");
  ASSERT_EQ(found.missing.size(), 2u);
  EXPECT_TRUE(find_models({}, go_on_).models.empty());
}

}  // namespace
}  // namespace mneme

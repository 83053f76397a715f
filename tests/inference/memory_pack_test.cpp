// SPDX-License-Identifier: Apache-2.0
// Every rule of a memory pack (engram/PACK.md): what breaks one is refused, with the reason; only
// another base file is a warning.
#include "inference/tables/memory_pack.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "inference/model/synth_model.h"
#include "inference/run/engine.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

class MemoryPackRules : public ::testing::Test {
 protected:
  MemoryPackRules() : model_(write_tiny_model(folder_.path())) {
    auto file = GgufFile::open(folder_.file("tiny.engram.gguf"));
    EXPECT_TRUE(file);
    pack_.emplace(std::move(*file));
  }

  Result<std::unique_ptr<Engine>> open(const std::string& model, const std::string& memory) {
    EngineOptions options;
    options.model_path = model;
    options.memory = memory;
    options.threads = 1;
    return Engine::open(options);
  }

  // The reason why the edited pack is refused; "" if it opens.
  std::string reason(const GgufEdit& edit) {
    const std::string path = folder_.file("edited.pack");
    write_edited(*pack_, edit, path);
    const auto opened = open(model_, path);
    return opened ? "" : opened.error().message;
  }

  void expect_refused(const GgufEdit& edit, std::initializer_list<std::string> words) {
    const std::string why = reason(edit);
    EXPECT_NE(why, "") << *words.begin();
    for (const std::string& word : words)
      EXPECT_NE(why.find(word), std::string::npos) << word << ": " << why;
  }

  template <class T>
  std::vector<T> numbers(const char* key) const {
    return pack_->metadata().require_array<T>(key).value();
  }

  TemporaryFolder folder_;
  std::string model_;
  std::optional<GgufFile> pack_;
};

TEST_F(MemoryPackRules, AnUneditedCopyOpensWithoutAWarning) {
  const std::string path = folder_.file("copy.pack");
  write_edited(*pack_, {}, path);
  const auto engine = open(model_, path);
  ASSERT_TRUE(engine) << engine.error().message;
  ASSERT_TRUE((*engine)->layout().memory);
  EXPECT_EQ((*engine)->layout().memory->warning, "");
  EXPECT_FALSE((*engine)->layout().memory->trained);
}

TEST_F(MemoryPackRules, AMissingKeyOrOneOfAnotherTypeIsNamed) {
  for (const char* key :
       {"engram.version",        "engram.variant",          "engram.encoding",
        "engram.max_ngram_size", "engram.head_count",       "engram.key_length",
        "engram.streams",        "engram.embedding_length", "engram.block_count",
        "engram.conv_kernel",    "engram.conv_dilation",    "engram.gate_norm_eps",
        "engram.conv_norm_eps",  "engram.tokenizer_sha256", "engram.base_sha256",
        "engram.pad_id",         "engram.layer_ids",        "engram.token_map",
        "engram.multipliers",    "engram.primes",           "engram.offsets"}) {
    expect_refused(replace_key(key), {key});
    const bool is_text = pack_->metadata().find_entry(key)->type == MetadataType::string;
    expect_refused(is_text ? set_i64(key, 1) : set_string(key, "many"), {key});
  }
  expect_refused(set_string("engram.trained", "yes"), {"engram.trained"});
  expect_refused(set_i64("general.name", 1), {"general.name"});
  expect_refused(set_i64("general.license", 1), {"general.license"});
}

TEST_F(MemoryPackRules, WithoutANameTheFileIsNamedAndWithoutAMarkItCountsAsTrained) {
  const std::string path = folder_.file("nameless.pack");
  write_edited(*pack_, {{"general.name", "general.license", "engram.trained"}, {}, {}}, path);
  const auto engine = open(model_, path);
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ((*engine)->layout().memory->name, "nameless.pack");
  EXPECT_TRUE((*engine)->layout().memory->trained);
}

TEST_F(MemoryPackRules, AnotherKindOfFileIsRefused) {
  expect_refused(replace_key("general.type"), {"not a memory pack"});
  expect_refused(set_string("general.type", "model"), {"not a memory pack"});
  expect_refused(set_i64("engram.version", 2), {"newer Mneme", "its version is 2"});
  expect_refused(set_string("engram.variant", "v4.1"), {"variant 'v4.1'"});
  expect_refused(set_string("engram.encoding", "q8_0"), {"encoding 'q8_0'"});
}

TEST_F(MemoryPackRules, NumbersOutOfRangeAreRefused) {
  const std::vector<std::pair<const char*, std::vector<std::int64_t>>> wrong = {
      {"engram.version", {-1}},
      {"engram.max_ngram_size", {1, 9, -3, std::numeric_limits<std::int64_t>::max()}},
      {"engram.head_count", {0, 65, -1}},
      {"engram.key_length", {0, 16, 33, 8192}},
      {"engram.streams", {0, 17}},
      {"engram.embedding_length", {0, (1 << 20) + 1}},
      {"engram.block_count", {0, 1025}},
      {"engram.conv_kernel", {0, 17}},
      {"engram.conv_dilation", {0, 65}},
      {"engram.pad_id", {-1, std::int64_t{1} << 40}},
  };
  for (const auto& [key, values] : wrong) {
    for (const std::int64_t value : values) expect_refused(set_i64(key, value), {key});
  }
  for (const char* key : {"engram.gate_norm_eps", "engram.conv_norm_eps"}) {
    for (const float value : {0.0f, -1e-5f, 1.0f, std::nanf(""), INFINITY})
      expect_refused(set_f32(key, value), {key});
  }
  expect_refused(set_i64("engram.pad_id", 1 << 20), {"pad class"});
  for (const std::vector<std::int32_t>& ids : std::vector<std::vector<std::int32_t>>{
           {}, {0, 0}, {-1, 1}, {0, 2}, std::vector<std::int32_t>(65, 0)}) {
    expect_refused(set_i32s("engram.layer_ids", ids), {"engram.layer_ids"});
  }
}

TEST_F(MemoryPackRules, WhatDoesNotFitTheModelIsRefused) {
  expect_refused(set_string("engram.tokenizer_sha256", std::string(64, '0')),
                 {"another tokenizer"});
  expect_refused(set_i64("engram.embedding_length", 96), {"96 wide, the model 64"});
  expect_refused(set_i64("engram.block_count", 3), {"3 blocks, the model has 2"});
  expect_refused(set_i64("engram.streams", 4), {"4 residual streams"});
  auto map = numbers<std::int32_t>("engram.token_map");
  map.pop_back();
  for (std::int32_t& c : map) c = std::min(c, static_cast<std::int32_t>(map.size()) - 1);
  expect_refused(set_i32s("engram.token_map", map), {"token map has"});
}

TEST_F(MemoryPackRules, ClassesOutsideTheMapAreRefused) {
  for (const std::int32_t wrong : {-1, std::numeric_limits<std::int32_t>::max()}) {
    auto map = numbers<std::int32_t>("engram.token_map");
    map[3] = wrong;
    expect_refused(set_i32s("engram.token_map", map), {"token 3"});
  }
  expect_refused(set_i32s("engram.token_map", {}), {"token map is empty"});
}

TEST_F(MemoryPackRules, PrimesOffsetsMultipliersAndRowsMustAgree) {
  const auto primes = numbers<std::uint64_t>("engram.primes");
  const auto offsets = numbers<std::uint64_t>("engram.offsets");
  const auto multipliers = numbers<std::uint64_t>("engram.multipliers");
  for (const auto& [key, values] : {std::pair{"engram.primes", primes},
                                    {"engram.offsets", offsets},
                                    {"engram.multipliers", multipliers}}) {
    auto less = values, more = values;
    less.pop_back();
    more.push_back(values.back());
    expect_refused(set_u64s(key, less), {key, "layers need"});
    expect_refused(set_u64s(key, more), {key, "layers need"});
  }
  auto changed = primes;
  changed[0] = 0;
  expect_refused(set_u64s("engram.primes", changed), {"engram.primes"});
  changed[0] = std::numeric_limits<std::uint64_t>::max();
  expect_refused(set_u64s("engram.primes", changed), {"engram.primes"});
  changed[0] = std::uint64_t{1} << 48;
  expect_refused(set_u64s("engram.primes", changed), {"offset"});
  changed = primes;
  changed.back() += 1;  // no offset lies behind the last prime: only the table tells
  expect_refused(set_u64s("engram.primes", changed), {"rows", "primes add up"});
  changed = offsets;
  changed[1] += 1;
  expect_refused(set_u64s("engram.offsets", changed), {"offset 1"});
  changed = multipliers;
  changed[0] = std::uint64_t{1} << 63;
  expect_refused(set_u64s("engram.multipliers", changed), {"multiplier"});
}

TEST_F(MemoryPackRules, TensorsOfAnotherShapeOrTypeAreNamed) {
  const std::string table = "blk.1.engram_embd.weight";
  const std::uint64_t rows = pack_->find_tensor(table)->dims[1];
  expect_refused(replace_tensor(table, 24, {33, rows + 1}), {table, "rows"});
  expect_refused(replace_tensor(table, 24, {33, rows - 1}), {table, "rows"});
  expect_refused(replace_tensor(table, 24, {66, rows}), {table, "33 bytes"});
  expect_refused(replace_tensor(table, 0, {33, rows}), {table, "I8"});
  for (const GgufTensor& tensor : pack_->tensors()) {
    const std::string name(tensor.name);
    expect_refused({{}, {name}, {}}, {name});
    if (tensor.dtype == DType::i8) continue;
    expect_refused(replace_tensor(name, 0, {tensor.dims[0] + 1, tensor.dims[1]}), {name});
    expect_refused(replace_tensor(name, 30, {tensor.dims[0], tensor.dims[1]}), {name, "BF16"});
    expect_refused(replace_tensor(name, 11, {256, 2}), {name, "Q3_K"});
  }
  expect_refused(replace_tensor("blk.0.engram_key.bias", 1, {64}), {"engram_key.bias", "F16"});
}

TEST_F(MemoryPackRules, APackThatIsCutAnywhereIsRefused) {
  const auto bytes = pack_->bytes();
  const std::string path = folder_.file("cut.pack");
  for (std::size_t part = 0; part < 30; ++part) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size() * part / 30));
    const auto opened = open(model_, path);
    ASSERT_FALSE(opened) << part;
    EXPECT_NE(opened.error().message.find("cut.pack"), std::string::npos) << opened.error().message;
  }
}

TEST_F(MemoryPackRules, AnotherBaseFileIsOnlyAWarning) {
  const std::string path = folder_.file("finetune.pack");
  write_edited(*pack_, set_string("engram.base_sha256", std::string(64, '0')), path);
  const auto engine = open(model_, path);
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_NE((*engine)->layout().memory->warning.find("another file"), std::string::npos);
}

// Rows are not looked at when a pack is opened; one that holds a NaN must not go unseen later.
TEST_F(MemoryPackRules, RowsThatAreNotNumbersEndTheAnswerWithAReason) {
  const std::string table = "blk.0.engram_embd.weight";
  const auto dims = pack_->find_tensor(table)->dims;
  const std::vector<std::byte> broken(dims[0] * dims[1], std::byte{0x7f});
  GgufEdit edit{{}, {table}, {}};
  edit.add = [&](GgufWriter& w) { w.add_tensor(table, 24, {dims[0], dims[1]}, broken); };
  const std::string path = folder_.file("nan.pack");
  write_edited(*pack_, edit, path);
  const auto engine = open(model_, path);
  ASSERT_TRUE(engine) << engine.error().message;
  GenerateRequest request;
  request.raw_prompt = "the sea";
  request.max_tokens = 2;
  const auto answer = (*engine)->generate(request);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("memory pack is damaged"), std::string::npos);
  request.memory_on = false;
  EXPECT_TRUE((*engine)->generate(request)) << "without the memory the model is whole";
}

TEST_F(MemoryPackRules, WhatNothingComputesWithIsRefusedByName) {
  expect_refused(set_string("engram.gate", "sharp"), {"engram.gate", "edited.pack"});
  expect_refused(add_ones("blk.0.engram_key.scale"), {"blk.0.engram_key.scale"});
  expect_refused(set_u32("split.count", 2), {"one of 2 files"});
}

// Only one that the user named stops the model from opening.
TEST_F(MemoryPackRules, ABrokenPackBesideTheModelIsPassedOverAndSaid) {
  write_edited(*pack_, {{}, {"blk.1.engram_key.weight"}, {}}, folder_.file("a.gguf"));
  const auto lines = recent_log_lines();
  const std::uint64_t before = lines.empty() ? 0 : lines.back().number;
  // The model's own folder is a known one too, by two names; and looking at what it will need
  // opens nothing.
  std::filesystem::create_directory_symlink(folder_.path(), folder_.file("link"));
  EngineOptions options;
  options.model_path = model_;
  options.threads = 1;
  options.pack_folders = {folder_.path(), folder_.file("link")};
  EXPECT_TRUE(estimate_memory(options));
  const auto engine = Engine::open(options);
  ASSERT_TRUE(engine) << engine.error().message;
  ASSERT_TRUE((*engine)->layout().memory);
  EXPECT_EQ((*engine)->layout().memory->path, folder_.file("tiny.engram.gguf"));
  int said = 0;
  for (const LogLine& line : recent_log_lines(before)) {
    if (line.level != LogLevel::warning) continue;
    ++said;
    EXPECT_NE(line.text.find("a.gguf was passed over"), std::string::npos) << line.text;
    EXPECT_NE(line.text.find("blk.1.engram_key.weight"), std::string::npos) << line.text;
  }
  EXPECT_EQ(said, 1);
  const auto named = open(model_, folder_.file("a.gguf"));
  ASSERT_FALSE(named);
  EXPECT_NE(named.error().message.find("blk.1.engram_key.weight"), std::string::npos);
}

TEST_F(MemoryPackRules, OfPacksBesideTheModelTheOneThatFitsIsTaken) {
  std::filesystem::rename(folder_.file("tiny.engram.gguf"), folder_.file("z.gguf"));
  write_edited(*pack_, set_string("engram.tokenizer_sha256", "0"), folder_.file("a.gguf"));
  std::ofstream(folder_.file("b.gguf")) << "garbage";
  auto engine = open(model_, "");
  ASSERT_TRUE(engine) << engine.error().message;
  ASSERT_TRUE((*engine)->layout().memory);
  EXPECT_EQ((*engine)->layout().memory->path, folder_.file("z.gguf"));
  // A trained one is better than the stand-in.
  write_edited(*pack_, {{"engram.trained"}, {}, {}}, folder_.file("zz.gguf"));
  engine = open(model_, "");
  ASSERT_TRUE(engine);
  EXPECT_EQ((*engine)->layout().memory->path, folder_.file("zz.gguf"));
  for (const char* name : {"z.gguf", "zz.gguf"}) std::filesystem::remove(folder_.file(name));
  engine = open(model_, "");
  ASSERT_TRUE(engine);
  EXPECT_FALSE((*engine)->layout().memory);
  EXPECT_NE((*engine)->layout().memory_absent_reason, "");
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/memory_pack_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/half.h"
#include "base/sha256.h"
#include "engram/engram_math.h"
#include "engram/ngram_hasher.h"
#include "engram/row_codec.h"
#include "inference/files/gguf_writer.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_vocabulary.h"

namespace mneme {
namespace {

constexpr std::uint64_t kWidth = 64;

class MemoryPackWriter : public ::testing::Test {
 protected:
  MemoryPackWriter() { write_base(); }

  std::string path(const char* name) const { return folder_.file(name); }

  void write_base() {
    TinyVocabulary vocabulary;
    vocabulary.merge("a", "b").merge("A", "b");
    vocabulary.set("tokenizer.ggml.padding_token_id", 33);
    const std::string bytes = vocabulary.gguf();
    const auto file = GgufFile::parse(std::as_bytes(std::span(bytes)), "tiny");
    ASSERT_TRUE(file) << file.error().message;
    GgufWriter writer;
    writer.add_string("general.architecture", "llama");
    writer.add_string("general.name", "Tiny");
    writer.add_u32("llama.embedding_length", kWidth);
    writer.add_u32("llama.block_count", 16);
    for (const MetadataEntry& entry : file->metadata().entries()) writer.add_entry(entry);
    ASSERT_TRUE(writer.write(path("base.gguf")));
  }

  static UntrainedPackOptions small() {
    UntrainedPackOptions options;
    options.seed = 5;
    options.stream_rms = {2.0f, 0.5f};
    options.file_bytes_max = 1'000'000;
    return options;
  }

  std::string bytes_of(const char* name) const { return file_text(path(name)); }

  TemporaryFolder folder_;
};

std::vector<float> floats_of(const GgufFile& file, const std::string& name) {
  const GgufTensor* tensor = file.find_tensor(name);
  EXPECT_NE(tensor, nullptr) << name;
  if (tensor == nullptr) return {};
  std::vector<float> values;
  if (tensor->dtype == DType::f32) {
    values.resize(tensor->bytes.size() / 4);
    std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  } else {
    EXPECT_EQ(tensor->dtype, DType::f16);
    for (std::size_t i = 0; i + 1 < tensor->bytes.size(); i += 2) {
      const auto low = std::to_integer<std::uint16_t>(tensor->bytes[i]);
      const auto high = std::to_integer<std::uint16_t>(tensor->bytes[i + 1]);
      values.push_back(half_to_float(static_cast<std::uint16_t>(low | high << 8)));
    }
  }
  return values;
}

double rms(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

HashSpec hash_of(const GgufFile& file) {
  HashSpec spec;
  spec.max_ngram_size = *file.metadata().require<std::int32_t>("engram.max_ngram_size");
  spec.head_count = *file.metadata().require<std::int32_t>("engram.head_count");
  spec.token_map = *file.metadata().require_array<std::int32_t>("engram.token_map");
  spec.pad_class = *file.metadata().require<std::int32_t>("engram.pad_id");
  const auto multipliers = *file.metadata().require_array<std::uint64_t>("engram.multipliers");
  const auto primes = *file.metadata().require_array<std::uint64_t>("engram.primes");
  const auto offsets = *file.metadata().require_array<std::uint64_t>("engram.offsets");
  const auto n = static_cast<std::ptrdiff_t>(spec.max_ngram_size),
             c = std::ptrdiff_t{spec.columns()};
  const auto layer_ids = *file.metadata().require_array<std::int32_t>("engram.layer_ids");
  for (const std::int32_t id : layer_ids) {
    const auto l = static_cast<std::ptrdiff_t>(spec.layers.size());
    LayerHash layer;
    layer.layer_id = id;
    layer.multipliers.assign(multipliers.begin() + l * n, multipliers.begin() + (l + 1) * n);
    layer.primes.assign(primes.begin() + l * c, primes.begin() + (l + 1) * c);
    layer.offsets.assign(offsets.begin() + l * c, offsets.begin() + (l + 1) * c);
    layer.rows = file.find_tensor("blk." + std::to_string(id) + ".engram_embd.weight")->dims[1];
    spec.layers.push_back(layer);
  }
  return spec;
}

TEST_F(MemoryPackWriter, WritesAPackThatFitsItsBaseAndItsLimit) {
  const auto written = write_untrained_pack(path("base.gguf"), path("pack.gguf"), small());
  ASSERT_TRUE(written) << written.error().message;
  const auto base = GgufFile::open(path("base.gguf"));
  const auto pack = GgufFile::open(path("pack.gguf"));
  ASSERT_TRUE(base && pack);
  EXPECT_LE(pack->file_size(), 1'000'000u);
  EXPECT_GT(pack->file_size(), 900'000u);  // the tables take what is there

  EXPECT_EQ(*pack->metadata().require<std::string_view>("general.type"), "engram-pack");
  EXPECT_EQ(*pack->metadata().require<std::string_view>("general.name"),
            "untrained memory for Tiny");
  EXPECT_FALSE(*pack->metadata().require<bool>("engram.trained"));
  EXPECT_EQ(*pack->metadata().require<std::uint32_t>("engram.embedding_length"), kWidth);
  EXPECT_EQ(*pack->metadata().require<std::uint32_t>("engram.block_count"), 16u);
  EXPECT_EQ(*pack->metadata().require<std::uint32_t>("engram.conv_dilation"), 3u);
  EXPECT_EQ(*pack->metadata().require<std::string_view>("engram.base_sha256"),
            sha256_hex(base->bytes()));
  const auto tokenizer = Tokenizer::from_gguf(base->metadata());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(*pack->metadata().require<std::string_view>("engram.tokenizer_sha256"),
            tokenizer->sha256());

  const HashSpec spec = hash_of(*pack);
  ASSERT_EQ(spec.layers.size(), 2u);
  const auto hasher = NgramHasher::create(spec);
  ASSERT_TRUE(hasher) << hasher.error().message;
  ASSERT_EQ(spec.token_map.size(), static_cast<std::size_t>(tokenizer->vocab_size()));
  EXPECT_EQ(spec.pad_class, spec.token_map[33]);
  EXPECT_EQ(hasher->class_of(*tokenizer->find("ab")), hasher->class_of(*tokenizer->find("Ab")));
  EXPECT_NE(hasher->class_of(*tokenizer->find("a")), hasher->class_of(*tokenizer->find("b")));
  for (const LayerHash& layer : spec.layers) {
    const GgufTensor* table =
        pack->find_tensor("blk." + std::to_string(layer.layer_id) + ".engram_embd.weight");
    EXPECT_EQ(table->dtype, DType::i8);
    EXPECT_EQ(table->dims[0], 33u);
    EXPECT_EQ(table->file_offset % 4096, 0u);
  }
}

TEST_F(MemoryPackWriter, GatesVaryAndWritesAreSmall) {
  ASSERT_TRUE(write_untrained_pack(path("base.gguf"), path("pack.gguf"), small()));
  const auto pack = GgufFile::open(path("pack.gguf"));
  ASSERT_TRUE(pack);
  const HashSpec spec = hash_of(*pack);
  const auto hasher = NgramHasher::create(spec);
  ASSERT_TRUE(hasher);
  constexpr std::size_t kTokens = 200;
  std::vector<TokenId> tokens(kTokens);
  for (std::size_t t = 0; t < kTokens; ++t) tokens[t] = static_cast<TokenId>(t * t % 200 + 33);

  for (std::size_t slot = 0; slot < 2; ++slot) {
    const std::string prefix = "blk." + std::to_string(spec.layers[slot].layer_id) + ".engram_";
    const GgufTensor* table = pack->find_tensor(prefix + "embd.weight");
    std::vector<float> memory;
    std::vector<double> row(32);
    for (std::size_t t = 0; t < kTokens; ++t) {
      std::vector<NgramKey> keys(2);
      std::vector<RowId> rows(8);
      hasher->keys_at(tokens, t, keys);
      for (const NgramKey& key : keys) {
        hasher->rows(slot, key, rows);
        for (const RowId r : rows) {
          decode_row(table->bytes.subspan(r * 33, 33), row);
          memory.insert(memory.end(), row.begin(), row.end());
        }
      }
    }
    std::vector<float> hidden(kTokens * kWidth);
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      hidden[i] = static_cast<float>(std::sin(static_cast<double>(i * i % 1009)) * std::sqrt(2.0)) *
                  small().stream_rms[slot];
    }
    const auto key_w = floats_of(*pack, prefix + "key.weight");
    const auto key_b = floats_of(*pack, prefix + "key.bias");
    const auto value_w = floats_of(*pack, prefix + "value.weight");
    const auto value_b = floats_of(*pack, prefix + "value.bias");
    const auto key_norm = floats_of(*pack, prefix + "key_norm.weight");
    const auto query_norm = floats_of(*pack, prefix + "query_norm.weight");
    const auto conv_norm = floats_of(*pack, prefix + "conv_norm.weight");
    const auto conv = floats_of(*pack, prefix + "conv.weight");
    PaperEngram module({1, kWidth, memory.size() / kTokens},
                       {key_w, key_b, value_w, value_b, key_norm, query_norm, conv_norm, conv});
    const EngramOutput out = module.run(hidden, memory);
    int open = 0, shut = 0;
    double write = 0;
    for (std::size_t t = 0; t < kTokens; ++t) {
      open += out.gates[t] > 0.6;
      shut += out.gates[t] < 0.4;
      write += out.writes[t] / kTokens;
      EXPECT_LT(out.writes[t], 0.04);
    }
    EXPECT_GT(open, 40);
    EXPECT_GT(shut, 40);
    EXPECT_GT(write, 0.005);
    EXPECT_LT(write, 0.02);
    EXPECT_GT(rms(conv), 0);
  }
}

TEST_F(MemoryPackWriter, TheSeedDecidesEveryByte) {
  ASSERT_TRUE(write_untrained_pack(path("base.gguf"), path("a.gguf"), small()));
  ASSERT_TRUE(write_untrained_pack(path("base.gguf"), path("b.gguf"), small()));
  UntrainedPackOptions other = small();
  other.seed = 6;
  ASSERT_TRUE(write_untrained_pack(path("base.gguf"), path("c.gguf"), other));
  EXPECT_EQ(bytes_of("a.gguf"), bytes_of("b.gguf"));
  EXPECT_NE(bytes_of("a.gguf"), bytes_of("c.gguf"));
}

TEST_F(MemoryPackWriter, RefusesWhatDoesNotFit) {
  const auto refusal = [&](auto change) {
    UntrainedPackOptions options = small();
    change(options);
    const auto status = write_untrained_pack(path("base.gguf"), path("pack.gguf"), options);
    EXPECT_FALSE(status);
    EXPECT_FALSE(std::filesystem::exists(path("pack.gguf")));
    return status ? std::string() : status.error().message;
  };
  EXPECT_NE(refusal([](auto& o) { o.layer_ids = {1, 16}; }).find("16"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.layer_ids = {1, 1}; }).find("twice"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.layer_ids = {1}; }).find("residual"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.column_dims = 33; }).find("33"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.max_ngram_size = 9; }).find("9"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.head_count = 0; }).find("0"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.file_bytes_max = 300'000; }).find("no table"),
            std::string::npos);
  EXPECT_FALSE(write_untrained_pack(path("none.gguf"), path("pack.gguf"), small()));
}

}  // namespace
}  // namespace mneme

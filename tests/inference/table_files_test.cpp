// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/table_files.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "engram/derive_hash.h"
#include "engram/qwen_hash.h"
#include "inference/files/gguf_writer.h"
#include "tests/support/table_vectors.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"

namespace mneme {
namespace {

using Bytes = std::vector<std::byte>;
constexpr std::uint32_t kF32 = 0, kQ8 = 8, kI8 = 24, kMxfp4 = 39;

Bytes pattern(std::uint64_t size, unsigned seed) {
  Bytes bytes(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 0x9e3779b97f4a7c15u + seed) >> 56);
  }
  return bytes;
}

// The bytes of a row, whichever way it lies.
Bytes row_of(const FoundTable& table, RowId row) {
  auto bytes = read_row(table, row);
  EXPECT_TRUE(bytes) << bytes.error().message;
  return *bytes;
}

std::vector<float> values_of(const FoundTable& table, RowId row) {
  std::vector<float> values(table.format.width);
  decode_row(table.format, row_of(table, row), values);
  return values;
}

class TableFiles : public testing::Test {
 protected:
  std::string write(const GgufWriter& writer, const std::string& name = "model.gguf") {
    const Status status = writer.write(folder_.file(name));
    EXPECT_TRUE(status);
    return folder_.file(name);
  }

  // The file with its tensors' bytes left out: as large as the real one, and nearly empty.
  std::string write_sparse(const GgufWriter& writer, std::uint64_t data_bytes) {
    const std::string path = folder_.file("sparse.gguf");
    const std::string head = writer.head();
    std::ofstream(path, std::ios::binary) << head;
    std::filesystem::resize_file(path, head.size() + data_bytes);
    return path;
  }

  const TemporaryFolder folder_;
};

// ---- files of other people's writers
// --------------------------------------------------------------

TEST_F(TableFiles, ReadsAGgufOfTheGgufPackage) {
  const auto found = find_tables({test_data("table_a.gguf")});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->dialect, "llama.cpp (A)");
  ASSERT_EQ(found->tables.size(), 2u);
  EXPECT_EQ(found->tables[1].layer, 14);
  EXPECT_EQ(found->tables[1].source.rows, 102u);
  EXPECT_EQ(found->tables[1].source.row_bytes, 144u);
  EXPECT_EQ(found->tables[1].format.name(), "Q4_K");
  EXPECT_EQ(found->origin, HashOrigin::file) << found->origin_text;
  EXPECT_EQ(found->class_count, 4);
  EXPECT_EQ(found->hash[0].multipliers[0], (std::uint64_t{1} << 61) + 1) << "no double was used";
  const TableVectors vectors;
  EXPECT_EQ(values_of(found->tables[0], 47), vectors.values("table_a.gguf 1:47"));
  EXPECT_EQ(values_of(found->tables[1], 101), vectors.values("table_a.gguf 14:101"));
  EXPECT_FALSE(read_row(found->tables[0], 48));
}

TEST_F(TableFiles, ReadsSafetensorsOfTheSafetensorsPackage) {
  const auto found = find_tables({test_data("table_v41.safetensors")});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->dialect, "safetensors, DeepSeek-V4.1");
  ASSERT_EQ(found->tables.size(), 1u);
  const FoundTable& table = found->tables[0];
  EXPECT_EQ(table.layer, 1);
  EXPECT_EQ(table.source.parts.size(), 2u);
  EXPECT_EQ(table.source.row_bytes, 66u);
  EXPECT_EQ(found->origin, HashOrigin::unknown);
  const TableVectors vectors;
  for (const RowId row : {0, 17, 47}) {
    const auto values = values_of(table, row);
    const auto wanted = vectors.values("table_v41.safetensors 1:" + std::to_string(row));
    ASSERT_EQ(values.size(), wanted.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(wanted[i])) {
        EXPECT_TRUE(std::isnan(values[i]));
      } else {
        EXPECT_EQ(values[i], wanted[i]);
      }
    }
  }
}

// ---- dialects
// --------------------------------------------------------------------------------------

TEST_F(TableFiles, ReadsTheRealShapesOfV41AndVerifiesItsConstants) {
  HashConfig config{99092, {1, 14}, {16'000'000, 16'000'000, 16'000'000}, 8, 0};
  const auto layers = derive_hash(config).value();
  std::vector<std::uint64_t> multipliers, primes;
  for (const LayerHash& layer : layers) {
    multipliers.insert(multipliers.end(), layer.multipliers.begin(), layer.multipliers.end());
    primes.insert(primes.end(), layer.primes.begin(), layer.primes.end());
  }
  enum class Constants { right, wrong, none };
  for (const Constants constants : {Constants::right, Constants::wrong, Constants::none}) {
    GgufWriter writer(4096);
    writer.add_string("general.architecture", "deepseek41");
    writer.add_string("deepseek41.engram.encoding", "e4m3_e8m0_32_row264");
    writer.add_u32s("deepseek41.engram.layer_ids", std::vector<std::uint32_t>{1, 14});
    writer.add_u32("deepseek41.engram.compressed_vocab_size", 99092);
    if (constants == Constants::wrong) multipliers[5] += 2;
    if (constants != Constants::none) {
      writer.add_u64s("deepseek41.engram.multipliers", multipliers);
      writer.add_u64s("deepseek41.engram.primes", primes);
    }
    for (const LayerHash& layer : layers) {
      writer.add_tensor("blk." + std::to_string(layer.layer_id) + ".engram_embd.weight", kI8,
                        {264, layer.rows}, [](const GgufWriter::Sink&) { return Status(); });
    }
    const auto found = find_tables({write_sparse(writer, 202'758'040'000)});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->dialect, "ds4 (B)");
    EXPECT_EQ(found->tables[1].source.rows, 384016682u);
    EXPECT_EQ(found->tables[0].stored_bytes() + found->tables[1].stored_bytes(), 202758032400u);
    EXPECT_EQ(found->max_ngram_size, 4);
    EXPECT_EQ(found->head_count, 8);
    EXPECT_EQ(found->hash[0].primes[0], 16000057u);
    EXPECT_EQ(found->origin, constants == Constants::right   ? HashOrigin::file_verified
                             : constants == Constants::wrong ? HashOrigin::file_differs
                                                             : HashOrigin::derived)
        << found->origin_text;
    EXPECT_EQ(row_of(found->tables[1], 384016681), Bytes(264));
  }
}

TEST_F(TableFiles, ReadsScalesOfATensorOfTheirOwn) {
  const Bytes values = pattern(48 * 64, 1);
  const Bytes scales = pattern(48 * 2, 2);
  GgufWriter writer;
  writer.add_string("general.architecture", "deepseek41");
  writer.add_u32s("deepseek41.engram.layers", std::vector<std::uint32_t>{1});
  writer.add_u32("deepseek41.engram.ngram_size", 3);
  writer.add_u32("deepseek41.engram.n_heads", 2);
  writer.add_u64s("deepseek41.engram.multipliers", std::vector<std::uint64_t>{3, 5, 7});
  writer.add_u64s("deepseek41.engram.head_bucket_sizes", std::vector<std::uint64_t>{7, 11, 13, 17});
  writer.add_u64s("deepseek41.engram.head_offsets", std::vector<std::uint64_t>{0, 7, 18, 31});
  writer.add_tensor("blk.1.engram_embd_scale.weight", kI8, {2, 48}, scales);
  writer.add_tensor("blk.1.engram_embd.weight", kI8, {64, 48}, values);
  const auto found = find_tables({write(writer)});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->dialect, "llama.cpp fork with a tensor of scales (E)");
  EXPECT_EQ(found->origin, HashOrigin::file);
  const Bytes row = row_of(found->tables[0], 47);
  ASSERT_EQ(row.size(), 66u);
  EXPECT_EQ(std::memcmp(row.data(), values.data() + 47 * 64, 64), 0);
  EXPECT_EQ(std::memcmp(row.data() + 64, scales.data() + 94, 2), 0);
}

TEST_F(TableFiles, ReadsAnyRowTypeAndTrustsTheTensorsThatAreThere) {
  GgufWriter writer;
  writer.add_string("general.architecture", "deepseek41");
  // The file lists one layer and holds two, with the constants of two.
  writer.add_i32s("deepseek41.engram.layer_ids", std::vector<std::int32_t>{1});
  writer.add_u32("deepseek41.engram.max_ngram_size", 2);
  writer.add_u64s("deepseek41.engram.multipliers", std::vector<std::uint64_t>{3, 5, 7, 9});
  writer.add_u64s("deepseek41.engram.primes", std::vector<std::uint64_t>{7, 11, 13, 17});
  const Bytes a = pattern(30 * 17 * 8, 1), b = pattern(30 * 34 * 8, 2);
  writer.add_tensor("blk.14.engram_embed.weight", kMxfp4, {256, 30}, a);
  writer.add_tensor("blk.1.engram_embed.weight", kQ8, {256, 30}, b);
  const auto found = find_tables({write(writer)});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->dialect, "mxxm-t/llama.cpp (C)");
  ASSERT_EQ(found->tables.size(), 2u);
  EXPECT_EQ(found->tables[0].source.row_bytes, 272u);
  EXPECT_EQ(found->tables[1].source.row_bytes, 136u);
  EXPECT_EQ(found->hash[1].primes, (std::vector<std::uint64_t>{13, 17}));
}

void add_qwen_keys(GgufWriter& writer, const std::vector<std::uint64_t>& sizes) {
  std::vector<std::uint64_t> offsets(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), offsets.begin(), std::uint64_t{0});
  writer.add_string("general.architecture", "qwen4exp");
  writer.add_u32s("qwen4exp.ple.layers", std::vector<std::uint32_t>{1});
  writer.add_u32("qwen4exp.ple.ngram_size", 3);
  writer.add_u32("qwen4exp.ple.heads_per_ngram", 8);
  writer.add_u64s("qwen4exp.ple.layer_multipliers", qwen_multipliers(248320, 3, 0, 1234));
  writer.add_u64s("qwen4exp.ple.head_vocab_sizes", sizes);
  writer.add_u64s("qwen4exp.ple.head_offsets", offsets);
  writer.add_u32("qwen4exp.vocab_size", 248320);
}

TEST_F(TableFiles, ReadsQwensTableInGguf) {
  GgufWriter writer;
  add_qwen_keys(writer, qwen_bucket_sizes(20'000'000, 16, 0));
  writer.add_tensor("per_layer_token_embd.weight", 20, {160, 320001536},
                    [](const GgufWriter::Sink&) { return Status(); });
  const auto found = find_tables({write_sparse(writer, 28'800'140'000)});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->dialect, "llama.cpp, Qwen3.8");
  EXPECT_EQ(found->tables[0].layer, 1);
  EXPECT_EQ(found->tables[0].source.row_bytes, 90u);
  EXPECT_EQ(found->tables[0].format.name(), "IQ4_NL");
  EXPECT_EQ(found->origin, HashOrigin::file_verified) << found->origin_text;
  EXPECT_EQ(found->hash[0].rows, 320001446u);
}

// ---- safetensors
// ------------------------------------------------------------------------------------

struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::string shape;
  Bytes bytes;
};

void write_safetensors(const std::string& path, const std::vector<SafetensorsEntry>& tensors) {
  std::string json = "{";
  std::uint64_t at = 0;
  for (const SafetensorsEntry& t : tensors) {
    json += (json.size() > 1 ? ",\"" : "\"") + t.name + R"(":{"dtype":")" + t.dtype +
            R"(","shape":)" + t.shape + R"(,"data_offsets":[)" + std::to_string(at) + "," +
            std::to_string(at + t.bytes.size()) + "]}";
    at += t.bytes.size();
  }
  json += "}";
  const std::uint64_t size = json.size();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&size), sizeof size);
  out << json;
  for (const SafetensorsEntry& t : tensors) {
    out.write(reinterpret_cast<const char*>(t.bytes.data()),
              static_cast<std::streamsize>(t.bytes.size()));
  }
}

TEST_F(TableFiles, ReadsQwensShardsThroughTheirIndex) {
  const std::string base = "model.language_model.layers.1.ple.ple_embedding.ngram_embedding.";
  const Bytes first = pattern(40 * 160, 1), second = pattern(30 * 160, 2), third = pattern(160, 3);
  write_safetensors(folder_.file("1.safetensors"),
                    {{base + "shard_2.weight", "F8_E4M3", "[1,160]", third},
                     {base + "shard_0.weight", "F8_E4M3", "[40,160]", first}});
  write_safetensors(folder_.file("2.safetensors"),
                    {{base + "weight_scale", "BF16", "[1]", {std::byte{0}, std::byte{0x3f}}},
                     {base + "shard_1.weight", "F8_E4M3", "[30,160]", second}});
  std::ofstream(folder_.file("model.safetensors.index.json"))
      << R"({"weight_map":{"other":"not_there.safetensors",")" << base
      << R"(shard_0.weight":"1.safetensors",")" << base << R"(shard_1.weight":"2.safetensors"}})";
  std::ofstream(folder_.file("config.json"))
      << R"({"text_config":{"ngram_size":2,"heads_per_ngram":2,"ngram_vocab_size_base":31,
            "vocab_size":64}})";
  const auto found = find_tables({folder_.file("model.safetensors.index.json")});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->dialect, "safetensors, Qwen3.8");
  const FoundTable& table = found->tables[0];
  EXPECT_EQ(table.source.rows, 71u);
  EXPECT_EQ(table.source.row_bytes, 160u);
  EXPECT_EQ(table.source.parts[0].runs.size(), 3u);
  EXPECT_EQ(table.format.table_scale, 0.5f);
  EXPECT_EQ(found->origin, HashOrigin::derived) << found->origin_text;
  EXPECT_EQ(found->hash[0].primes, (std::vector<std::uint64_t>{31, 37}));
  EXPECT_EQ(row_of(table, 39), Bytes(first.end() - 160, first.end()));
  EXPECT_EQ(row_of(table, 40), Bytes(second.begin(), second.begin() + 160));
  EXPECT_EQ(row_of(table, 70), third);

  const auto part = find_tables({folder_.file("2.safetensors")});
  ASSERT_FALSE(part);
  EXPECT_NE(part.error().message.find("shard 0"), std::string::npos) << part.error().message;
}

TEST_F(TableFiles, ReadsValuesAndScalesOfDifferentShards) {
  const Bytes values = pattern(20 * 64, 1), scales = pattern(20 * 2, 2);
  write_safetensors(folder_.file("47.safetensors"),
                    {{"model.layers.14.engram.embed.weight", "F8_E4M3", "[20,64]", values}});
  write_safetensors(folder_.file("48.safetensors"),
                    {{"model.layers.14.engram.embed.scale", "F8_E8M0", "[20,2]", scales}});
  const auto found = find_tables({folder_.file("47.safetensors"), folder_.file("48.safetensors")});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->tables[0].layer, 14);
  const Bytes row = row_of(found->tables[0], 19);
  EXPECT_EQ(Bytes(row.begin() + 64, row.end()), Bytes(scales.end() - 2, scales.end()));
  const auto half = find_tables({folder_.file("47.safetensors")});
  ASSERT_FALSE(half);
  EXPECT_NE(half.error().message.find("scales"), std::string::npos);
}

// ---- what is wrong
// ------------------------------------------------------------------------------------

TEST_F(TableFiles, SaysWhatIsWrong) {
  const auto error = [&](const std::vector<std::string>& paths) {
    const auto found = find_tables(paths);
    EXPECT_FALSE(found);
    return found ? Error{} : found.error();
  };
  EXPECT_EQ(error({folder_.file("none.gguf")}).code, ErrorCode::io);
  EXPECT_EQ(error({}).code, ErrorCode::invalid);
  std::ofstream(folder_.file("text")) << "hello";
  EXPECT_EQ(error({folder_.file("text")}).code, ErrorCode::corrupt);
  EXPECT_EQ(error({test_data("table_a.gguf"), test_data("table_v41.safetensors")}).code, ErrorCode::invalid);
  EXPECT_EQ(error({test_data("table_a.gguf"), test_data("table_a.gguf")}).code, ErrorCode::corrupt);
  write_safetensors(folder_.file("plain.safetensors"), {{"w", "F32", "[1]", Bytes(4)}});
  EXPECT_EQ(error({folder_.file("plain.safetensors")}).code, ErrorCode::invalid);

  struct Case {
    std::vector<std::uint64_t> multipliers, primes, offsets;
    std::uint32_t type;
    std::uint64_t columns;
    std::string_view word;
  };
  const Case cases[] = {
      {{3, 5}, {7, 11}, {0, 7}, kI8, 50, "50 bytes"},
      {{3, 5}, {7, 9}, {0, 7}, kF32, 32, "no prime"},
      {{3, 5}, {7, 0}, {0, 7}, kF32, 32, "no prime"},
      {{3, 5}, {7, 11}, {0, 8}, kF32, 32, "sums"},
      {{3, 5}, {7, 11}, {0}, kF32, 32, "go together"},
      {{3, 5}, {7, 101}, {0, 7}, kF32, 32, "address 108"},
      {{3, 5, 7}, {7, 11, 13}, {}, kF32, 32, "go together"},
      {{3}, {7}, {}, kF32, 32, "go together"},
  };
  for (const Case& c : cases) {
    GgufWriter writer;
    writer.add_string("general.architecture", "deepseek41");
    writer.add_u64s("deepseek41.engram.multipliers", c.multipliers);
    writer.add_u64s("deepseek41.engram.primes", c.primes);
    writer.add_u64s("deepseek41.engram.offsets", c.offsets);
    const Bytes bytes(20 * c.columns * (c.type == kF32 ? 4 : 1));
    writer.add_tensor("blk.1.engram_embd.weight", c.type, {c.columns, 20}, bytes);
    EXPECT_NE(error({write(writer)}).message.find(c.word), std::string::npos)
        << c.word << ": " << error({write(writer)}).message;
  }
}

}  // namespace
}  // namespace mneme

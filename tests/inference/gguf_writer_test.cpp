// SPDX-License-Identifier: Apache-2.0
#include "inference/files/gguf_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <numeric>

#include "base/output_file.h"

namespace mneme {
namespace {

class GgufWriterTest : public ::testing::Test {
 protected:
  GgufWriterTest()
      : path_(std::filesystem::temp_directory_path() /
              ("mneme_gguf_writer_" +
               std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
               std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".gguf")) {}
  ~GgufWriterTest() override { std::filesystem::remove(path_); }
  std::filesystem::path path_;
};

TEST_F(GgufWriterTest, WritesWhatTheReaderReads) {
  const std::vector<std::int32_t> layers{1, 14};
  const std::vector<std::uint64_t> primes{~0ull, 3, 1ull << 40};
  const std::vector<std::string> tokens{"a", "", "\xc4\xa0t"};
  const std::vector<float> scores{-0.5f, 2.0f};
  std::vector<float> weights(6);
  std::iota(weights.begin(), weights.end(), 0.5f);
  GgufWriter writer(4096);
  writer.add_string("general.type", "engram-pack");
  writer.add_u32("engram.version", 1);
  writer.add_i32("minus", -2);
  writer.add_bool("yes", true);
  writer.add_f32("engram.gate_norm_eps", 1.2e-7f);
  writer.add_f64("wide", 0.1);
  writer.add_u64("big", ~0ull);
  writer.add_i64("small", -1);
  writer.add_i32s("engram.layer_ids", layers);
  writer.add_u64s("engram.primes", primes);
  writer.add_strings("tokens", tokens);
  writer.add_f32s("scores", scores);
  writer.add_u64s("none", std::span<const std::uint64_t>());
  writer.add_tensor("w", 0, {3, 2}, std::as_bytes(std::span(weights)));
  writer.add_tensor("rows", 24, {33, 1000}, [](const GgufWriter::Sink& sink) -> Status {
    for (int row = 0; row < 1000; ++row) {
      const std::vector<std::byte> bytes(33, static_cast<std::byte>(row));
      RETURN_IF_ERROR(sink(bytes));
    }
    return {};
  });
  ASSERT_TRUE(writer.write(path_.string()).has_value());
  EXPECT_FALSE(std::filesystem::exists(OutputFile::part_path(path_.string())));

  auto file = GgufFile::open(path_.string());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const GgufFile moved = std::move(*file);  // views survive a move
  EXPECT_EQ(moved.alignment(), 4096u);
  EXPECT_EQ(*moved.metadata().require<std::string_view>("general.type"), "engram-pack");
  EXPECT_EQ(*moved.metadata().require<std::uint32_t>("engram.version"), 1u);
  EXPECT_EQ(*moved.metadata().require<std::int32_t>("minus"), -2);
  EXPECT_TRUE(*moved.metadata().require<bool>("yes"));
  EXPECT_EQ(*moved.metadata().require<float>("engram.gate_norm_eps"), 1.2e-7f);
  EXPECT_EQ(*moved.metadata().require<double>("wide"), 0.1);
  EXPECT_EQ(*moved.metadata().require<std::uint64_t>("big"), ~0ull);
  EXPECT_EQ(*moved.metadata().require<std::int64_t>("small"), -1);
  EXPECT_EQ(*moved.metadata().require_array<std::int32_t>("engram.layer_ids"), layers);
  EXPECT_EQ(*moved.metadata().require_array<std::uint64_t>("engram.primes"), primes);
  EXPECT_EQ(*moved.metadata().require_array<std::string_view>("tokens"),
            (std::vector<std::string_view>{"a", "", "\xc4\xa0t"}));
  EXPECT_EQ(*moved.metadata().require_array<float>("scores"), scores);
  EXPECT_TRUE(moved.metadata().require_array<std::uint64_t>("none")->empty());
  const GgufTensor* w = moved.find_tensor("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->file_offset % 4096, 0u);
  EXPECT_EQ(0, std::memcmp(w->bytes.data(), weights.data(), 24));
  const GgufTensor* rows = moved.find_tensor("rows");
  ASSERT_NE(rows, nullptr);
  EXPECT_EQ(rows->bytes.size(), 33000u);
  EXPECT_EQ(rows->bytes[33 * 999], static_cast<std::byte>(999 & 255));
}

TEST_F(GgufWriterTest, CopiesEntriesOfAnotherFile) {
  const std::vector<std::string> tokens{"x", "yy"};
  GgufWriter first;
  first.add_string("name", "n");
  first.add_strings("tokens", tokens);
  first.add_u32("number", 7);
  ASSERT_TRUE(first.write(path_.string()).has_value());
  auto original = GgufFile::open(path_.string());
  ASSERT_TRUE(original.has_value());
  GgufWriter second;
  for (const MetadataEntry& entry : original->metadata().entries()) second.add_entry(entry);
  const std::string copy = path_.string() + ".copy";
  ASSERT_TRUE(second.write(copy).has_value());
  auto file = GgufFile::open(copy);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->bytes().size(), original->bytes().size());
  EXPECT_EQ(0, std::memcmp(file->bytes().data(), original->bytes().data(), file->bytes().size()));
  std::filesystem::remove(copy);
}

TEST_F(GgufWriterTest, LeavesNothingBehindWhenAProducerFails) {
  GgufWriter writer;
  writer.add_tensor("t", 0, {4}, [](const GgufWriter::Sink&) -> Status {
    return Error{ErrorCode::io, "no more"};
  });
  const Status status = writer.write(path_.string());
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "no more");
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::exists(OutputFile::part_path(path_.string())));
  EXPECT_FALSE(GgufWriter().write("/nonexistent-folder/x.gguf").has_value());
}

}  // namespace
}  // namespace mneme

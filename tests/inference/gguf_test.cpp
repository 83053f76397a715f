// SPDX-License-Identifier: Apache-2.0
#include "inference/files/gguf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

// Writes the format by hand, so that broken files can be made and the reader is not only tested
// against our own writer.
class GgufBytes {
 public:
  template <class T>
  GgufBytes& put(T value) {
    data_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufBytes& text(std::string_view t) {
    put<std::uint64_t>(t.size());
    data_ += t;
    return *this;
  }
  GgufBytes& header(std::uint64_t tensors, std::uint64_t entries, std::uint32_t version = 3) {
    data_ += "GGUF";
    return put(version).put(tensors).put(entries);
  }
  GgufBytes& tensor(std::string_view name, std::vector<std::uint64_t> dims, std::uint32_t type,
                    std::uint64_t offset) {
    text(name).put<std::uint32_t>(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) put(dim);
    return put(type).put(offset);
  }
  GgufBytes& pad(std::size_t alignment) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  GgufBytes& fill(std::size_t count, char value = 7) {
    data_.append(count, value);
    return *this;
  }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(data_)); }
  std::string& data() { return data_; }

 private:
  std::string data_;
};

Result<GgufFile> parse(const GgufBytes& bytes) {
  return GgufFile::parse(bytes.bytes(), "model.gguf");
}

std::string error_of(const GgufBytes& bytes) {
  auto file = parse(bytes);
  return file ? "opened" : file.error().message;
}

void expect_error(const GgufBytes& bytes, ErrorCode code, std::string_view part) {
  auto file = parse(bytes);
  ASSERT_FALSE(file.has_value()) << part;
  EXPECT_EQ(static_cast<int>(file.error().code), static_cast<int>(code)) << file.error().message;
  EXPECT_NE(file.error().message.find(part), std::string::npos) << file.error().message;
}

TEST(Gguf, ReadsMetadataOfEveryTypeAndWidensIntegers) {
  GgufBytes b;
  b.header(0, 12);
  b.text("u8").put(0u).put<std::uint8_t>(200);
  b.text("i8").put(1u).put<std::int8_t>(-5);
  b.text("u16").put(2u).put<std::uint16_t>(60000);
  b.text("i16").put(3u).put<std::int16_t>(-300);
  b.text("u32").put(4u).put<std::uint32_t>(4000000000u);
  b.text("i32").put(5u).put<std::int32_t>(-70000);
  b.text("f32").put(6u).put(1.5f);
  b.text("bool").put(7u).put<std::uint8_t>(1);
  b.text("string").put(8u).text("text");
  b.text("u64").put(10u).put<std::uint64_t>(~0ull);
  b.text("i64").put(11u).put<std::int64_t>(-1);
  b.text("f64").put(12u).put(0.1);
  auto file = parse(b);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(*file->metadata().require<std::uint32_t>("u8"), 200u);
  EXPECT_EQ(*file->metadata().require<std::int32_t>("i8"), -5);
  EXPECT_EQ(*file->metadata().require<std::uint64_t>("u16"), 60000u);
  EXPECT_EQ(*file->metadata().require<std::int64_t>("i16"), -300);
  EXPECT_EQ(*file->metadata().require<std::uint32_t>("u32"), 4000000000u);
  EXPECT_EQ(*file->metadata().require<std::int32_t>("i32"), -70000);
  EXPECT_EQ(*file->metadata().require<float>("f32"), 1.5f);
  EXPECT_EQ(*file->metadata().require<bool>("bool"), true);
  EXPECT_EQ(*file->metadata().require<std::string_view>("string"), "text");
  EXPECT_EQ(*file->metadata().require<std::uint64_t>("u64"), ~0ull);
  EXPECT_EQ(*file->metadata().require<std::int64_t>("i64"), -1);
  EXPECT_EQ(*file->metadata().require<double>("f64"), 0.1);
  // What does not fit is refused, never cut.
  EXPECT_FALSE(file->metadata().find<std::int32_t>("u32").has_value());
  EXPECT_FALSE(file->metadata().find<std::uint32_t>("i8").has_value());
  EXPECT_FALSE(file->metadata().find<std::uint64_t>("i64").has_value());
  EXPECT_FALSE(file->metadata().find<std::int64_t>("u64").has_value());
  EXPECT_FALSE(file->metadata().find<std::uint32_t>("f32").has_value());
  EXPECT_FALSE(file->metadata().find<bool>("u8").has_value());
  EXPECT_FALSE(file->metadata().find<std::string_view>("u8").has_value());
}

TEST(Gguf, TellsMissingFromWrongType) {
  GgufBytes b;
  b.header(0, 1).text("key").put(8u).text("text");
  auto file = parse(b);
  ASSERT_TRUE(file.has_value());
  auto missing = file->metadata().find<std::uint32_t>("other");
  ASSERT_TRUE(missing.has_value());
  EXPECT_FALSE(missing->has_value());
  auto wrong = file->metadata().find<std::uint32_t>("key");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message,
            "model.gguf: metadata key should be a whole number below 2^32, but holds string that "
            "does not fit");
  EXPECT_EQ(file->metadata().require<std::uint32_t>("other").error().message,
            "model.gguf: the metadata other is missing");
}

TEST(Gguf, ReadsArrays) {
  GgufBytes b;
  b.header(0, 3);
  b.text("ints")
      .put(9u)
      .put(5u)
      .put<std::uint64_t>(3)
      .put<std::int32_t>(1)
      .put<std::int32_t>(2)
      .put<std::int32_t>(-3);
  b.text("texts").put(9u).put(8u).put<std::uint64_t>(2).text("").text("abc");
  b.text("none").put(9u).put(10u).put<std::uint64_t>(0);
  auto file = parse(b);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(*file->metadata().require_array<std::int64_t>("ints"),
            (std::vector<std::int64_t>{1, 2, -3}));
  EXPECT_EQ(*file->metadata().require_array<std::string_view>("texts"),
            (std::vector<std::string_view>{"", "abc"}));
  EXPECT_TRUE(file->metadata().require_array<std::uint64_t>("none")->empty());
  EXPECT_FALSE(file->metadata().require_array<std::uint64_t>("ints").has_value());  // -3
  EXPECT_FALSE(file->metadata().require_array<std::string_view>("ints").has_value());
  EXPECT_FALSE(file->metadata().require_array<std::int32_t>("texts").has_value());
  EXPECT_FALSE(file->metadata().require<std::int32_t>("ints").has_value());
  EXPECT_FALSE(file->metadata().find_array<std::int32_t>("missing")->has_value());
}

TEST(Gguf, PlacesTensorsAtAbsoluteOffsets) {
  GgufBytes b;
  b.header(2, 1, 2);  // version 2
  b.text("general.alignment").put(4u).put(64u);
  b.tensor("a", {32, 2}, 8, 0);   // Q8_0: 68 bytes
  b.tensor("b", {256}, 11, 128);  // Q3_K: named, not computed
  b.pad(64);
  const std::size_t data = b.data().size();
  b.fill(68, 1).pad(64).fill(144, 2);
  auto file = parse(b);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->version(), 2u);
  EXPECT_EQ(file->alignment(), 64u);
  const GgufTensor* a = file->find_tensor("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->file_offset, data);
  EXPECT_EQ(a->bytes.size(), 68u);
  EXPECT_EQ(a->dtype, DType::q8_0);
  EXPECT_EQ(a->bytes[67], std::byte{1});
  EXPECT_EQ((std::array<std::uint64_t, 4>{32, 2, 1, 1}), a->dims);
  const GgufTensor* k = *file->require_tensor("b");
  EXPECT_EQ(k->type_name, "Q3_K");
  EXPECT_FALSE(k->dtype.has_value());
  EXPECT_EQ(k->file_offset, data + 128);
  EXPECT_EQ(k->bytes[109], std::byte{2});
  EXPECT_EQ(file->find_tensor("c"), nullptr);
  EXPECT_EQ(file->require_tensor("c").error().message, "model.gguf: the tensor c is missing");
}

TEST(Gguf, SaysThatADownloadIsIncomplete) {
  GgufBytes b;
  b.header(1, 0).tensor("blk.3.ffn_up.weight", {1024}, 0, 0).pad(32).fill(3072);
  EXPECT_EQ(error_of(b),
            "model.gguf: tensor blk.3.ffn_up.weight reaches 1,024 bytes beyond the end of the "
            "file: the download is "
            "incomplete");
}

TEST(Gguf, RefusesEveryCutOfAFile) {
  GgufBytes whole;
  whole.header(1, 2);
  whole.text("list").put(9u).put(8u).put<std::uint64_t>(2).text("one").text("two");
  whole.text("number").put(4u).put(5u);
  whole.tensor("t", {8}, 0, 0).pad(32).fill(32);
  ASSERT_TRUE(parse(whole).has_value());
  for (std::size_t size = 0; size < whole.data().size(); ++size) {
    GgufBytes cut;
    cut.data() = whole.data().substr(0, size);
    auto file = parse(cut);
    ASSERT_FALSE(file.has_value()) << size;
    EXPECT_EQ(static_cast<int>(file.error().code), static_cast<int>(ErrorCode::corrupt)) << size;
  }
}

TEST(Gguf, RefusesOtherFilesAndVersions) {
  GgufBytes other;
  other.data() = "PK\3\4 something else entirely";
  expect_error(other, ErrorCode::corrupt, "not a GGUF file");
  expect_error(GgufBytes().header(0, 0, 1), ErrorCode::unsupported, "version 1");
  expect_error(GgufBytes().header(0, 0, 4), ErrorCode::unsupported, "version 4");
  expect_error(GgufBytes().header(0, 0, 0x03000000), ErrorCode::unsupported, "big-endian");
}

TEST(Gguf, BoundsHostileCounts) {
  expect_error(GgufBytes().header(~0ull, 0), ErrorCode::corrupt,
               "18,446,744,073,709,551,615 tensors");
  expect_error(GgufBytes().header(0, 1ull << 60), ErrorCode::corrupt,
               "more than the file can hold");
  for (const std::uint64_t count : {~0ull, 1ull << 61, 1ull << 40}) {
    GgufBytes b;
    expect_error(b.header(0, 1).text("a").put(9u).put(10u).put(count).fill(64), ErrorCode::corrupt,
                 "the array a");
    GgufBytes s;
    expect_error(s.header(0, 1).text("a").put(9u).put(8u).put(count).fill(64, 0),
                 ErrorCode::corrupt, "the array a");
  }
  GgufBytes text;
  expect_error(text.header(0, 1).text("a").put(8u).put(~0ull).fill(64), ErrorCode::corrupt,
               "metadata a");
}

TEST(Gguf, BelievesNoHoles) {
  const TemporaryFolder folder;
  const auto open_with_hole = [&](GgufBytes& start) {
    const std::string path = folder.file("hole.gguf");
    std::ofstream(path, std::ios::binary) << start.data();
    std::filesystem::resize_file(path, 8ull << 30);
    const auto file = GgufFile::open(path);
    return file ? "opened" : file.error().message;
  };
  GgufBytes text;
  text.header(0, 1).text("general.name").put(8u).put<std::uint64_t>(1ull << 30);
  EXPECT_NE(open_with_hole(text).find("67,108,864 are allowed"), std::string::npos);
  GgufBytes list;
  list.header(0, 1).text("tokenizer.ggml.tokens").put(9u).put(8u).put<std::uint64_t>(1ull << 29);
  EXPECT_NE(open_with_hole(list).find("has 536,870,912 texts"), std::string::npos);
}

TEST(Gguf, RefusesBrokenMetadata) {
  expect_error(GgufBytes().header(0, 2).text("k").put(4u).put(1u).text("k").put(4u).put(2u),
               ErrorCode::corrupt, "key k occurs twice");
  expect_error(GgufBytes().header(0, 1).text("k").put(13u).put(1u), ErrorCode::corrupt,
               "unknown type 13");
  expect_error(GgufBytes().header(0, 1).text("").put(4u).put(1u), ErrorCode::corrupt, "0 bytes");
  expect_error(GgufBytes().header(0, 1).text("k").put(7u).put<std::uint8_t>(2), ErrorCode::corrupt,
               "neither true");
  expect_error(GgufBytes().header(0, 1).text("k").put(9u).put(9u).put<std::uint64_t>(1).fill(32),
               ErrorCode::unsupported, "holds arrays");
  expect_error(GgufBytes().header(0, 1).text("general.alignment").put(4u).put(3u),
               ErrorCode::corrupt, "alignment is 3");
  expect_error(GgufBytes().header(0, 1).text("general.alignment").put(8u).text("x"),
               ErrorCode::corrupt, "alignment");
}

TEST(Gguf, RefusesBrokenTensors) {
  const auto with = [](std::vector<std::uint64_t> dims, std::uint32_t type, std::uint64_t offset) {
    GgufBytes b;
    b.header(1, 0).tensor("t", std::move(dims), type, offset).pad(32).fill(4096);
    return b;
  };
  EXPECT_TRUE(parse(with({32}, 2, 0)).has_value());
  expect_error(with({}, 0, 0), ErrorCode::corrupt, "0 dimensions");
  expect_error(with({1, 1, 1, 1, 1}, 0, 0), ErrorCode::corrupt, "5 dimensions");
  expect_error(with({4, 0}, 0, 0), ErrorCode::corrupt, "impossible shape");
  expect_error(with({1ull << 32, 1ull << 32}, 0, 0), ErrorCode::corrupt, "impossible shape");
  expect_error(with({~0ull}, 0, 0), ErrorCode::corrupt, "impossible shape");
  expect_error(with({1ull << 52}, 28, 0), ErrorCode::corrupt, "beyond the end");
  expect_error(with({33}, 2, 0), ErrorCode::corrupt, "multiple of the 32 in a block of Q4_0");
  expect_error(with({32}, 4, 0), ErrorCode::unsupported, "unknown element type 4");
  expect_error(with({32}, 0, 4), ErrorCode::corrupt, "not a multiple of the alignment");
  expect_error(with({32}, 0, ~0ull - 31), ErrorCode::corrupt, "impossible offset");
  expect_error(with({32}, 0, 1ull << 40), ErrorCode::corrupt, "beyond the end");
  GgufBytes twice;
  twice.header(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).pad(32).fill(64);
  expect_error(twice, ErrorCode::corrupt, "tensor t occurs twice");
  GgufBytes overlap;
  overlap.header(2, 0).tensor("a", {16}, 0, 0).tensor("b", {8}, 0, 32).pad(32).fill(64);
  expect_error(overlap, ErrorCode::corrupt, "a and b overlap");
}

TEST(Gguf, KeepsMessagesPrintable) {
  GgufBytes b;
  b.header(0, 1).text("a\n\x1b[31m\xff").put(99u);
  EXPECT_EQ(error_of(b), "model.gguf: metadata a\\n\\x1b[31m\\xff has the unknown type 99");
}

}  // namespace
}  // namespace mneme

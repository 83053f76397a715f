// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/row_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "inference/files/ggml_type.h"
#include "tests/support/table_vectors.h"

namespace mneme {
namespace {

using Kind = RowFormat::Kind;

// Bit for bit: NaN and the sign of zero included.
void expect_same(std::span<const float> got, std::span<const float> wanted,
                 const std::string& name) {
  ASSERT_EQ(got.size(), wanted.size()) << name;
  EXPECT_EQ(std::memcmp(got.data(), wanted.data(), got.size_bytes()), 0) << name;
}

TEST(RowFormat, DecodesEveryTypeAsTheGgufPackageDoes) {
  const TableVectors vectors;
  int types = 0;
  for (std::uint32_t type = 0; type < 64; ++type) {
    const GgmlTypeInfo* info = find_ggml_type(type);
    if (info == nullptr || !vectors.contains(std::string(info->name))) continue;
    const std::string name(info->name);
    const std::vector<std::byte> row = vectors.row(name);
    const RowFormat format{Kind::ggml, 256, type};
    ASSERT_TRUE(check_format(format, name));
    ASSERT_EQ(format.row_bytes(), row.size()) << name;
    std::vector<float> values(256);
    decode_row(format, row, values);
    expect_same(values, vectors.values(name), name);
    ++types;
  }
  EXPECT_EQ(types, 15);
}

TEST(RowFormat, AppliesTheScalesOfQwen) {
  // 1.5, -2, 448 and NaN as e4m3; then 0.5 as BF16.
  const std::vector<std::byte> row = {std::byte{0x3c}, std::byte{0xc0}, std::byte{0x7e},
                                      std::byte{0x7f}, std::byte{0x00}, std::byte{0x3f}};
  float out[4];
  const RowFormat scaled{Kind::e4m3_row_scaled, 4, 0, 30};
  ASSERT_TRUE(check_format(scaled, "a table"));
  decode_row(scaled, row, out);
  EXPECT_EQ(out[0], 0.75f);
  EXPECT_EQ(out[1], -1.0f);
  EXPECT_EQ(out[2], 224.0f);
  EXPECT_TRUE(std::isnan(out[3]));
  decode_row({Kind::e4m3, 4, 0, 0, 3.0f}, std::span(row).first(4), out);
  EXPECT_EQ(out[0], 4.5f);
  decode_row({Kind::i8_row_scaled, 4, 0, 30}, row, out);
  EXPECT_EQ(out[0], 30.0f);
  EXPECT_EQ(out[1], -32.0f);
}

TEST(RowFormat, ItsWordStandsForIt) {
  for (const char* word : {"F32", "F16", "BF16", "Q8_0", "Q4_K", "MXFP4", "e4m3_e8m0_32", "e4m3",
                           "e4m3_BF16", "i8_F32"}) {
    const auto format = RowFormat::from_encoding(word);
    ASSERT_TRUE(format) << word;
    EXPECT_EQ(format->encoding(), word);
  }
  EXPECT_FALSE(RowFormat::from_encoding("I8"));
  EXPECT_FALSE(RowFormat::from_encoding("IQ2_XS"));
  EXPECT_FALSE(RowFormat::from_encoding(""));
}

TEST(RowFormat, RefusesWhatCannotBeDecoded) {
  const auto code = [](const RowFormat& format) {
    return check_format(format, "a table").error().code;
  };
  EXPECT_EQ(code({Kind::ggml, 256, 17}), ErrorCode::unsupported);  // IQ2_XS
  EXPECT_EQ(code({Kind::ggml, 256, 24}), ErrorCode::unsupported);  // bare I8
  EXPECT_EQ(code({Kind::ggml, 256, 999}), ErrorCode::unsupported);
  EXPECT_EQ(code({Kind::ggml, 160, 12}), ErrorCode::corrupt);  // Q4_K has blocks of 256
  EXPECT_EQ(code({Kind::ggml, 0, 0}), ErrorCode::corrupt);
  EXPECT_EQ(code({Kind::e4m3_e8m0_32, 33}), ErrorCode::corrupt);
  EXPECT_EQ(code({Kind::e4m3_row_scaled, 160, 0, 12}), ErrorCode::unsupported);
}

}  // namespace
}  // namespace mneme

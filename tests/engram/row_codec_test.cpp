// SPDX-License-Identifier: Apache-2.0
#include "engram/row_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace mneme {
namespace {

TEST(RowCodec, EveryCodeSurvivesTheRoundTrip) {
  for (int code = 0; code < 256; ++code) {
    const double value = e4m3_to_double(static_cast<std::uint8_t>(code));
    if (std::isnan(value)) continue;
    EXPECT_EQ(e4m3_from_double(value), code) << value;
  }
}

TEST(RowCodec, RoundsToNearestAndTiesToEven) {
  for (int code = 0; code < 0x7e; ++code) {
    const double below = e4m3_to_double(static_cast<std::uint8_t>(code));
    const double above = e4m3_to_double(static_cast<std::uint8_t>(code + 1));
    const double middle = (below + above) / 2;
    const int even = code % 2 == 0 ? code : code + 1;
    EXPECT_EQ(e4m3_from_double(middle), even);
    EXPECT_EQ(e4m3_from_double(-middle), even | 0x80);
    EXPECT_EQ(e4m3_from_double(std::nextafter(middle, 0)), code);
    EXPECT_EQ(e4m3_from_double(std::nextafter(middle, 1e9)), code + 1);
  }
}

TEST(RowCodec, SaturatesAndKeepsNan) {
  EXPECT_EQ(e4m3_from_double(449), 0x7e);
  EXPECT_EQ(e4m3_from_double(-1e30), 0xfe);
  EXPECT_EQ(e4m3_from_double(std::numeric_limits<double>::infinity()), 0x7e);
  EXPECT_EQ(e4m3_from_double(NAN) & 0x7f, 0x7f);
  EXPECT_EQ(e4m3_from_double(-0.0), 0x80);
}

TEST(RowCodec, ScaleIsTheSmallestThatFits) {
  EXPECT_EQ(scale_exponent(448), 0);
  EXPECT_EQ(scale_exponent(std::nextafter(448.0, 1e9)), 1);
  EXPECT_EQ(scale_exponent(224), -1);
  EXPECT_EQ(scale_exponent(1), -8);
  EXPECT_EQ(scale_exponent(0x1p-149), -157);
}

TEST(RowCodec, ARowComesBackWithinHalfAStep) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(96);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = normal(random) * (i < 32 ? 1e-3f : i < 64 ? 1.0f : 1e4f);
  }
  std::vector<std::byte> row(encoded_row_bytes(values.size()));
  ASSERT_EQ(row.size(), 99u);
  encode_row(values, row);
  std::vector<double> decoded(values.size());
  decode_row(row, decoded);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = e8m0_to_double(std::to_integer<std::uint8_t>(row[96 + i / 32]));
    const double bound = std::max(std::abs(values[i]) / 16.0, scale * 0x1p-10);
    EXPECT_LE(std::abs(decoded[i] - values[i]), bound) << i;
    EXPECT_LE(std::abs(values[i]), 448 * scale);
  }
}

TEST(RowCodec, EncodingWhatWasDecodedChangesNoValue) {
  std::mt19937 random(2);
  std::vector<std::byte> row(encoded_row_bytes(64));
  for (int round = 0; round < 200; ++round) {
    for (std::size_t i = 0; i < 64; ++i) {
      const auto code = static_cast<std::uint8_t>(random());
      row[i] = static_cast<std::byte>((code & 0x7f) == 0x7f ? code - 1 : code);
    }
    row[64] = static_cast<std::byte>(60 + random() % 100);
    row[65] = static_cast<std::byte>(60 + random() % 100);
    std::vector<double> values(64), again(64);
    decode_row(row, values);
    const std::vector<float> narrow(values.begin(), values.end());
    encode_row(narrow, row);
    decode_row(row, again);
    EXPECT_EQ(again, values);
  }
}

TEST(RowCodec, ZerosAndTheSmallestFloats) {
  std::vector<float> values(32, 0.0f);
  std::vector<std::byte> row(33);
  encode_row(values, row);
  EXPECT_EQ(std::to_integer<int>(row[32]), 127);
  values[3] = std::numeric_limits<float>::denorm_min();  // 2^-149: below the smallest scale
  values[4] = 0x1p-130f;
  encode_row(values, row);
  std::vector<double> decoded(32);
  decode_row(row, decoded);
  EXPECT_EQ(std::to_integer<int>(row[32]), 0);
  EXPECT_EQ(decoded[3], 0);
  EXPECT_EQ(decoded[4], 0x1p-130);
}

TEST(RowCodec, DecodesTheSubnormalScaleInDouble) {
  EXPECT_EQ(e8m0_to_double(0), 0x1p-127);
  EXPECT_TRUE(std::isnan(e8m0_to_double(255)));
  const std::vector<std::uint8_t> codes(32, 0x01), scales(1, 0);
  std::vector<double> values(32);
  decode_blocks(codes, scales, values);
  EXPECT_EQ(values[31], 0x1p-136);
}

TEST(RowCodec, ActivationsAreRoundedAsTheFp8LinearSeesThem) {
  std::vector<double> values(64, 0.0);
  values[0] = 1.0;  // amax 1: scale 2^-8, so 0.3 is 76.8 steps of it
  values[1] = 0.3;
  values[32] = 1e-6;  // amax below 1e-4: the scale of 1e-4, 2^-22
  quantise_activations(values);
  EXPECT_EQ(values[0], 1.0);
  EXPECT_EQ(values[1], 80.0 / 256);  // 76.8 lies between 72 and 80
  EXPECT_EQ(values[32], std::nearbyint(1e-6 * 0x1p22 * 2) / 2 * 0x1p-22);
  EXPECT_EQ(values[33], 0);
}

}  // namespace
}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "engram/row_codec.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace mneme {
namespace {

constexpr double kLargest = 448;  // 0x7e
constexpr int kScaleBias = 127;
constexpr int kLargestScale = 254;  // 255 is NaN

double largest_magnitude(std::span<const double> values) {
  double amax = 0;
  for (const double v : values) amax = std::max(amax, std::abs(v));
  return amax;
}

}  // namespace

double e4m3_to_double(std::uint8_t code) {
  if ((code & 0x7f) == 0x7f) return std::numeric_limits<double>::quiet_NaN();
  const int exponent = code >> 3 & 15;
  const int mantissa = code & 7;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return code & 0x80 ? -magnitude : magnitude;
}

double e8m0_to_double(std::uint8_t code) {
  if (code == 255) return std::numeric_limits<double>::quiet_NaN();
  return std::ldexp(1.0, code - kScaleBias);
}

std::uint8_t e4m3_from_double(double value) {
  const std::uint8_t sign = std::signbit(value) ? 0x80 : 0;
  if (std::isnan(value)) return sign | 0x7f;
  const double magnitude = std::min(std::abs(value), kLargest);
  if (magnitude < 0x1p-6) {  // subnormal: steps of 2^-9, and 8 steps are the smallest normal code
    return sign | static_cast<std::uint8_t>(std::nearbyint(std::ldexp(magnitude, 9)));
  }
  int exponent = std::ilogb(magnitude);
  int mantissa = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 3 - exponent)));  // 8..16
  if (mantissa == 16) {
    mantissa = 8;
    ++exponent;
  }
  return sign | static_cast<std::uint8_t>((exponent + 7) << 3 | (mantissa - 8));
}

int scale_exponent(double amax) {
  CHECK(std::isfinite(amax) && amax > 0);
  int exponent = 0;
  const double fraction = std::frexp(amax, &exponent);     // amax = fraction * 2^exponent
  return fraction <= 0.875 ? exponent - 9 : exponent - 8;  // 448 = 0.875 * 2^9
}

void encode_row(std::span<const float> values, std::span<std::byte> out) {
  CHECK(values.size() % kScaleBlock == 0);
  CHECK(out.size() == encoded_row_bytes(values.size()));
  for (std::size_t block = 0; block < values.size() / kScaleBlock; ++block) {
    const auto part = values.subspan(block * kScaleBlock, kScaleBlock);
    double amax = 0;
    for (const float v : part) {
      CHECK(std::isfinite(v));
      amax = std::max(amax, static_cast<double>(std::abs(v)));
    }
    const int wanted = amax > 0 ? scale_exponent(amax) + kScaleBias : kScaleBias;
    const int code = std::clamp(wanted, 0, kLargestScale);
    out[values.size() + block] = static_cast<std::byte>(code);
    for (std::size_t i = 0; i < kScaleBlock; ++i) {
      out[block * kScaleBlock + i] =
          static_cast<std::byte>(e4m3_from_double(std::ldexp(part[i], kScaleBias - code)));
    }
  }
}

void decode_row(std::span<const std::byte> row, std::span<double> out) {
  CHECK(out.size() % kScaleBlock == 0 && row.size() == encoded_row_bytes(out.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = e4m3_to_double(std::to_integer<std::uint8_t>(row[i])) *
             e8m0_to_double(std::to_integer<std::uint8_t>(row[out.size() + i / kScaleBlock]));
  }
}

void decode_blocks(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                   std::span<double> out) {
  CHECK(out.size() == codes.size() && codes.size() == scales.size() * kScaleBlock);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = e4m3_to_double(codes[i]) * e8m0_to_double(scales[i / kScaleBlock]);
  }
}

void quantise_activations(std::span<double> values) {
  CHECK(values.size() % kScaleBlock == 0);
  for (std::size_t begin = 0; begin < values.size(); begin += kScaleBlock) {
    const auto block = values.subspan(begin, kScaleBlock);
    const int exponent = scale_exponent(std::max(largest_magnitude(block), 1e-4));
    for (double& v : block) {
      v = std::ldexp(e4m3_to_double(e4m3_from_double(std::ldexp(v, -exponent))), exponent);
    }
  }
}

}  // namespace mneme

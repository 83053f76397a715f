// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/row_format.h"

#include <fmt/format.h>

#include <vector>

#include "base/check.h"
#include "engram/row_codec.h"
#include "gpu/tensor.h"
#include "inference/files/ggml_type.h"
#include "inference/tables/table_quants.h"

namespace mneme {
namespace {

using Kind = RowFormat::Kind;

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kF16 = 1;
constexpr std::uint32_t kBf16 = 30;
constexpr std::uint32_t kTypesMax = 64;  // above all of ggml's numbers
constexpr std::uint32_t kRowWidthMax = 1u << 16;

bool is_float_type(std::uint32_t ggml_type) {
  return ggml_type == kF32 || ggml_type == kF16 || ggml_type == kBf16;
}

bool can_decode(std::uint32_t ggml_type) {
  const auto dtype = dtype_of_ggml(ggml_type);
  return (dtype && *dtype != DType::i8) || can_decode_quant(ggml_type);
}

void decode_ggml(std::uint32_t ggml_type, std::span<const std::byte> row, std::span<float> out) {
  if (const auto dtype = dtype_of_ggml(ggml_type)) {
    dequantize_row(*dtype, row.data(), static_cast<std::int64_t>(out.size()), out.data());
  } else {
    decode_quant(ggml_type, row, out);
  }
}

std::uint8_t code(std::byte byte) {
  return std::to_integer<std::uint8_t>(byte);
}

}  // namespace

std::string RowFormat::name() const {
  switch (kind) {
    case Kind::ggml: {
      const GgmlTypeInfo* info = find_ggml_type(ggml_type);
      return info != nullptr ? std::string(info->name) : fmt::format("type {}", ggml_type);
    }
    case Kind::e4m3_e8m0_32:
      return "e4m3 with e8m0 scales";
    case Kind::e4m3:
      return "e4m3";
    case Kind::e4m3_row_scaled:
      return "e4m3 with a scale a row";
    case Kind::i8_row_scaled:
      return "i8 with a scale a row";
  }
  return {};
}

std::string RowFormat::encoding() const {
  switch (kind) {
    case Kind::ggml:
      return name();
    case Kind::e4m3_e8m0_32:
      return "e4m3_e8m0_32";
    case Kind::e4m3:
      return "e4m3";
    case Kind::e4m3_row_scaled:
      return fmt::format("e4m3_{}", find_ggml_type(scale_type)->name);
    case Kind::i8_row_scaled:
      return fmt::format("i8_{}", find_ggml_type(scale_type)->name);
  }
  return {};
}

std::optional<RowFormat> RowFormat::from_encoding(std::string_view encoding) {
  std::vector<RowFormat> known = {{Kind::e4m3_e8m0_32}, {Kind::e4m3}};
  for (std::uint32_t type = 0; type < kTypesMax; ++type) {
    if (is_float_type(type)) {
      known.push_back({Kind::e4m3_row_scaled, 0, 0, type});
      known.push_back({Kind::i8_row_scaled, 0, 0, type});
    }
    if (can_decode(type)) known.push_back({Kind::ggml, 0, type});
  }
  for (const RowFormat& format : known) {
    if (format.encoding() == encoding) return format;
  }
  return std::nullopt;
}

std::uint32_t RowFormat::scale_bytes() const {
  switch (kind) {
    case Kind::e4m3_e8m0_32:
      return width / static_cast<std::uint32_t>(kScaleBlock);
    case Kind::e4m3_row_scaled:
    case Kind::i8_row_scaled:
      return find_ggml_type(scale_type)->block_bytes;
    case Kind::ggml:
    case Kind::e4m3:
      break;
  }
  return 0;
}

std::uint32_t RowFormat::row_bytes() const {
  if (kind != Kind::ggml) return width + scale_bytes();
  const GgmlTypeInfo* info = find_ggml_type(ggml_type);
  CHECK(info != nullptr);
  return width / info->block_values * info->block_bytes;
}

Status check_format(const RowFormat& format, const std::string& where) {
  const bool scaled = format.kind == Kind::e4m3_row_scaled || format.kind == Kind::i8_row_scaled;
  if ((format.kind == Kind::ggml && !can_decode(format.ggml_type)) ||
      (scaled && !is_float_type(format.scale_type))) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} has rows of the type {}, which is not known here", where, format.name())};
  }
  std::uint32_t block = 1;
  if (format.kind == Kind::ggml) block = find_ggml_type(format.ggml_type)->block_values;
  if (format.kind == Kind::e4m3_e8m0_32) block = static_cast<std::uint32_t>(kScaleBlock);
  if (format.width == 0 || format.width > kRowWidthMax || format.width % block != 0) {
    return Error{ErrorCode::corrupt, fmt::format("{} has rows of {} values, which {} cannot have",
                                                 where, format.width, format.name())};
  }
  return {};
}

void decode_row(const RowFormat& format, std::span<const std::byte> row, std::span<float> out) {
  CHECK(row.size() == format.row_bytes() && out.size() == format.width);
  const auto values = row.first(format.kind == Kind::ggml ? 0 : format.width);
  const auto scales = row.subspan(values.size());
  float row_scale = format.table_scale;
  switch (format.kind) {
    case Kind::ggml:
      decode_ggml(format.ggml_type, row, out);
      break;
    case Kind::e4m3_e8m0_32:
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<float>(e4m3_to_double(code(values[i])) *
                                    e8m0_to_double(code(scales[i / kScaleBlock])));
      }
      break;
    case Kind::e4m3_row_scaled:
    case Kind::i8_row_scaled:
      decode_ggml(format.scale_type, scales, {&row_scale, 1});
      [[fallthrough]];
    case Kind::e4m3:
      for (std::size_t i = 0; i < out.size(); ++i) {
        const float value = format.kind == Kind::i8_row_scaled
                                ? static_cast<float>(static_cast<std::int8_t>(code(values[i])))
                                : static_cast<float>(e4m3_to_double(code(values[i])));
        out[i] = value * row_scale;
      }
      break;
  }
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// What the bytes of a table's row mean, and the row as numbers. Scalar and exact: for listing,
// checking and comparing tables. Plain data; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mneme {

struct RowFormat {
  enum class Kind : std::uint8_t {
    ggml,             // blocks of a ggml type
    e4m3_e8m0_32,     // width e4m3 values, then an e8m0 scale for each 32 of them
    e4m3,             // width e4m3 values; one scale for the whole table
    e4m3_row_scaled,  // width e4m3 values, then one scale of scale_type
    i8_row_scaled,    // width signed bytes, then one scale of scale_type
  };
  Kind kind = Kind::ggml;
  std::uint32_t width = 0;       // values
  std::uint32_t ggml_type = 0;   // kind ggml
  std::uint32_t scale_type = 0;  // ggml's number for F32, F16 or BF16; kinds with a row's scale
  float table_scale = 1;         // kind e4m3

  std::string name() const;           // "Q4_K", "e4m3 with e8m0 scales"
  std::uint32_t scale_bytes() const;  // of what follows the values; 0 for ggml and e4m3
  std::uint32_t row_bytes() const;

  // The word for it in engram.encoding of our packs (PACK.md): "Q4_K", "e4m3_e8m0_32", "e4m3",
  // "e4m3_BF16", "i8_F32". `width` and `table_scale` are keys of their own.
  std::string encoding() const;
  static std::optional<RowFormat> from_encoding(std::string_view encoding);
};

// ok for a format that can be decoded. Errors: unsupported (a type that is not known), corrupt (a
// width that is no multiple of the type's block); both start with `where`.
Status check_format(const RowFormat& format, const std::string& where);

// row.size() == format.row_bytes(), out.size() == format.width; the format passed check_format().
void decode_row(const RowFormat& format, std::span<const std::byte> row, std::span<float> out);

}  // namespace mneme

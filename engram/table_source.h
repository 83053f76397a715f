// SPDX-License-Identifier: Apache-2.0
// Where one Engram layer's table lies: a range of a file, rows of equal width one after another.
// Readers know only this; what the bytes mean is the graph's business (OpKind::table_decode).
#pragma once

#include <cstdint>
#include <string>

namespace mneme {

struct TableSource {
  std::string path;
  std::uint64_t offset = 0;  // of row 0, bytes into the file
  std::uint64_t rows = 0;
  std::uint32_t row_bytes = 0;  // for the default pack 33: 32 e4m3 values and one e8m0 scale
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The page layout of our own packs (engram/PACK.md): rows that lie in one page each, with their
// checksums. Reads the keys that describe it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "inference/base/result.h"
#include "inference/model/gguf.h"
#include "inference/model/row_format.h"
#include "inference/model/table_files.h"

namespace mneme {

constexpr std::uint32_t kPackPageBytes = 4096;

struct PackPages {
  RowFormat format;
  std::uint32_t page_rows = 0;
  std::vector<std::int32_t> layers;
  std::vector<std::uint64_t> rows;  // [layers]
};

// Rows of so many bytes that a page holds, each with its checksum; 0 where it holds none.
std::uint32_t rows_of_page(std::uint32_t row_bytes);

// What seeds the checksums of a layer's rows.
constexpr std::uint64_t pack_checksum_salt(std::int32_t layer) {
  return static_cast<std::uint64_t>(layer) << 48;
}

// Empty where the file has no pages. Errors: corrupt, unsupported, naming the key.
Result<std::optional<PackPages>> read_pack_pages(const GgufFile& file);

// Errors: corrupt, where the tensor does not hold the pages that the keys describe.
Result<FoundTable> read_paged_table(const GgufFile& file, const GgufTensor& tensor,
                                    const PackPages& pages, std::int32_t layer);

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// The page layout of our own packs (engram/PACK.md): rows that lie in one page each, with their
// checksums. Reads the keys that describe it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/files/gguf.h"
#include "inference/files/gguf_writer.h"
#include "inference/tables/row_format.h"
#include "inference/tables/table_files.h"

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

// Gives rows first .. first + count - 1, one after another.
using RowSource = std::function<Status(RowId first, std::uint64_t count, std::span<std::byte> out)>;

// Adds blk.N.engram_embd.weight: in pages, or row after row.
void add_paged_table(GgufWriter& writer, std::int32_t layer, std::uint64_t rows,
                     std::uint32_t row_bytes, RowSource source);
void add_plain_table(GgufWriter& writer, std::int32_t layer, std::uint64_t rows,
                     std::uint32_t row_bytes, RowSource source);

// The keys of the page layout, but those that every pack has (engram.encoding, engram.key_length,
// engram.layer_ids).
void add_page_keys(GgufWriter& writer, std::span<const std::uint64_t> rows);
constexpr std::string_view kPageKeys[] = {"engram.page_bytes", "engram.checksum",
                                          "engram.table_rows"};

// Empty where the file has no pages. Errors: corrupt, unsupported, naming the key.
Result<std::optional<PackPages>> read_pack_pages(const GgufFile& file);

// Errors: corrupt, where the tensor does not hold the pages that the keys describe.
Result<FoundTable> read_paged_table(const GgufFile& file, const GgufTensor& tensor,
                                    const PackPages& pages, std::int32_t layer);

}  // namespace mneme

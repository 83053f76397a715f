// SPDX-License-Identifier: Apache-2.0
// Finds the n-gram tables in the files of any model: GGUF in each of the dialects in circulation,
// safetensors of DeepSeek-V4.1 and Qwen3.8, and our own packs. Tables are described where they lie;
// nothing is converted. Tolerant, as the dialects disagree: layers come from the tensors that are
// there, rows from their shapes, constants from the file where it has them. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/hash_spec.h"
#include "engram/table_source.h"
#include "inference/files/model_source.h"
#include "inference/tables/row_format.h"

namespace mneme {

struct FoundTable {
  std::int32_t layer = 0;  // 0-based block
  std::string tensor;      // that holds the values, or the first shard of them
  RowFormat format;
  TableSource source;

  // As stored: checksums, and what fills pages, included.
  std::uint64_t stored_bytes() const;
};

// Where the numbers that turn n-grams into rows come from.
enum class HashOrigin : std::uint8_t {
  unknown,        // not in the file, and not derivable from what is
  file,           // in the file, and consistent; no published rule gives the same
  file_verified,  // in the file, equal to what the published rule gives
  file_differs,   // in the file, but the rule of the model it claims to be gives others
  derived,        // not in the file; the published rule gives tables of just these sizes
};

enum class HashRule : std::uint8_t {
  engram,  // compressed classes; left context padded
  qwen,    // raw ids; left context ends at EOS
};

struct FoundTables {
  std::string dialect;  // "llama.cpp (A)", "ds4 (B)", "safetensors, DeepSeek-V4.1", ...
  std::vector<std::string> files;
  std::vector<FoundTable> tables;  // by layer
  HashRule rule = HashRule::engram;
  HashOrigin origin = HashOrigin::unknown;
  std::string origin_text;          // one sentence for a person
  std::int32_t max_ngram_size = 0;  // 0 where unknown
  std::int32_t head_count = 0;
  std::int64_t class_count = 0;
  std::vector<LayerHash> hash;  // [tables]; empty where origin is unknown
};

// The files of one model: a GGUF or its splits, a safetensors index, or shards. Errors: io, corrupt
// and unsupported as the formats'; invalid where there is no table in them, or files of two kinds.
Result<FoundTables> find_tables(const std::vector<std::string>& paths);

// Whether a model holds such tables, by the names in its header alone.
bool has_tables(const ModelSource& source);

// One row's bytes, its parts joined, by plain reads: for looking at, and to compare readers with.
// Errors: invalid (no such row), io; corrupt, where the row does not have its checksum.
Result<std::vector<std::byte>> read_row(const FoundTable& table, RowId row);

}  // namespace mneme

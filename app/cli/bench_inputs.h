// SPDX-License-Identifier: Apache-2.0
// What benchmarks of table rows measure with: texts as tokens of a model, and tables.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/bench/scratch_table.h"
#include "engram/ngram_hasher.h"
#include "inference/tables/table_files.h"

namespace mneme::cli {

struct BenchText {
  std::string name;                             // "prose"
  std::vector<std::vector<TokenId>> documents;  // each begins with an empty context
};

struct BenchTexts {
  std::vector<ClassId> token_map;  // of the model's tokenizer, compressed
  ClassId pad_class = 0;
  std::vector<BenchText> texts;
};

// The *.txt in `folder` that `only` names, or all of them, in the order of their names; a NUL byte
// ends a document. Errors: io (no such folder, nothing in it), those of the tokenizer.
Result<BenchTexts> read_bench_texts(const std::string& model_path, const std::string& folder,
                                    const std::vector<std::string>& only = {});

struct BenchTables {
  std::optional<ScratchTable> scratch;  // the file that `tables` lie in, where it was made for this
  std::unique_ptr<NgramHasher> hasher;
  std::vector<TableSource> tables;  // [layers]
};

// The tables of a pack or model file; where `path` is empty, tables of DeepSeek-V4.1's shape that
// fill `bytes`, with random rows, in a file in `folder` that is gone afterwards. Errors: those of
// find_tables and ScratchTable; invalid where nothing says how n-grams become rows, or `bytes` are
// too few.
Result<BenchTables> bench_tables(const std::string& path, const std::string& folder,
                                 std::uint64_t bytes);

}  // namespace mneme::cli

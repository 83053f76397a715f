// SPDX-License-Identifier: Apache-2.0
// What `bench tables` measures with: the text streams of engram/bench/make_streams.py as tokens of
// a model, and the tables of any file that has some.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engram/ngram_hasher.h"
#include "engram/table_source.h"
#include "inference/base/ids.h"
#include "inference/base/result.h"

namespace mneme {

struct BenchText {
  std::string name;                             // "prose"
  std::vector<std::vector<TokenId>> documents;  // each begins with an empty context
};

struct BenchTexts {
  std::vector<ClassId> token_map;  // of the model's tokenizer, compressed
  ClassId pad_class = 0;
  std::vector<BenchText> texts;
};

// The *.txt in `folder` that `only` names, or every one, by name; a NUL byte ends a document.
// Errors: io (no such folder, nothing in it; says how to make the streams), those of the tokenizer.
Result<BenchTexts> read_bench_texts(const std::string& model_path, const std::string& folder,
                                    const std::vector<std::string>& only = {});

struct BenchTables {
  std::unique_ptr<NgramHasher> hasher;
  std::vector<TableSource> tables;  // [layers]
};

// Errors: those of find_tables; invalid where nothing says how n-grams become rows.
Result<BenchTables> open_bench_tables(const std::string& path);

}  // namespace mneme

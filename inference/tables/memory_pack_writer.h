// SPDX-License-Identifier: Apache-2.0
// Writes a memory pack of random rows for a base model: right in every size and digest, trained on
// nothing. Its gates vary from n-gram to n-gram and what it adds is too small to change the text,
// so that every view has something true to show before a trained pack exists. The same base,
// options and seed give the same bytes on every machine. Format: engram/PACK.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "inference/files/gguf_writer.h"

namespace mneme {

struct UntrainedPackOptions {
  std::uint64_t seed = 0;
  std::vector<std::int32_t> layer_ids = {1, 14};
  // Root mean square of a residual value where each layer begins; what is added is scaled by it.
  // The defaults are medians over a chat prompt of SmolLM2-135M-Instruct.
  std::vector<float> stream_rms = {1.9f, 6.4f};  // [layer_ids]
  float write_share = 0.01f;                     // about |added| / |stream|
  std::int32_t max_ngram_size = 3;
  std::int32_t head_count = 8;
  std::int32_t column_dims = 32;             // d, a multiple of 32
  std::uint64_t file_bytes_max = 5'000'000;  // tables take what the rest leaves
  // Rows by synth_row() with `seed`, in pages or row after row: for tables of any size, whose rows
  // can be checked. Otherwise near-normal noise, row after row.
  enum class Rows : std::uint8_t { noise, computed_pages, computed_plain } rows = Rows::noise;
};

// The pack, ready to be written: its size is known, its rows are not made yet. Errors: as below.
Result<GgufWriter> plan_untrained_pack(const std::string& base_path,
                                       const UntrainedPackOptions& options);

// Reads tokenizer and sizes from the base. Errors: io, corrupt, unsupported (reading the base,
// writing the pack); invalid (options that do not fit the base, or a file too small to hold a row).
Status write_untrained_pack(const std::string& base_path, const std::string& out_path,
                            const UntrainedPackOptions& options = {});

}  // namespace mneme

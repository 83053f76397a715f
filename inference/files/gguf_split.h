// SPDX-License-Identifier: Apache-2.0
// A model in several GGUF files, as llama.cpp's gguf-split cuts it: the first has the metadata, all
// have tensors (the first may have none) and say which of how many they are (split.no counts from
// 0, split.count, split.tensors.count). They are called NAME-00001-of-00003.gguf, and so on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/files/gguf.h"

namespace mneme {

struct SplitName {
  std::string start;         // "models/tiny" of "models/tiny-00002-of-00003.gguf"
  std::uint32_t number = 0;  // from 1
  std::uint32_t count = 0;

  std::string of(std::uint32_t other) const;  // the name of another of them
};
std::optional<SplitName> parse_split_name(std::string_view path);

// The files of a model in order; `file` is any of them, or the only one. Errors: those of
// GgufFile::open; io (one is missing); corrupt (they are not of one model, or one has the name of
// another): each names the file.
Result<std::vector<GgufFile>> open_split(const GgufFile& file);

// That `parts` are all of one model, in order. Errors: corrupt.
Status check_split(std::span<const GgufFile> parts);

}  // namespace mneme

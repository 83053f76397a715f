// SPDX-License-Identifier: Apache-2.0
// Cuts a GGUF into several by the rules of llama.cpp's gguf-split.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "inference/files/gguf.h"

namespace mneme {

struct SplitOptions {
  std::size_t files = 3;
  bool first_is_empty = false;  // has the metadata and no tensor: --no-tensor-first-split
};

// Writes START-00001-of-0000N.gguf and so on. Returns their paths.
std::vector<std::string> write_split(const GgufFile& file, const std::string& start,
                                     const SplitOptions& options = {});

// What `contents` of one of them differ in, for tests of refusals: written over `path`.
struct SplitNumbers {
  std::uint16_t number = 0;
  std::uint16_t count = 0;
  std::int32_t tensors = 0;
};
void write_part(const GgufFile& file, const std::string& path, std::size_t begin, std::size_t end,
                bool with_metadata, const SplitNumbers& numbers);

}  // namespace mneme

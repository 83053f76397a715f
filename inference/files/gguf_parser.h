// SPDX-License-Identifier: Apache-2.0
// The one pass over a GGUF file that checks it and fills a GgufFile. Used by gguf.cpp only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "inference/files/gguf.h"

namespace mneme {

class GgufParser {
 public:
  // `file` holds bytes_ and its name; the rest is filled in.
  explicit GgufParser(GgufFile& file) : file_(file) {}
  Status run();

 private:
  std::uint64_t remaining() const { return file_.bytes_.size() - at_; }
  Error corrupt(const std::string& what) const;
  Error cut_off(const std::string& what) const;

  template <class T>
  Result<T> read(std::string_view what);
  Result<std::string_view> read_string(std::string_view what);
  Status skip_strings(std::uint64_t count, std::string_view what);

  Status read_header();
  Status read_entries();
  Status read_entry();
  Status read_value(MetadataEntry& entry);
  Status read_array(MetadataEntry& entry);
  Status read_alignment();
  Status read_tensors();
  Status read_tensor();
  Status place_tensors();
  Status check_overlap() const;

  GgufFile& file_;
  std::uint64_t at_ = 0;  // bytes read
  std::uint64_t entry_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::vector<std::uint64_t> sizes_;  // bytes of each tensor
};

// 1234567 -> "1,234,567"
std::string with_commas(std::uint64_t value);

}  // namespace mneme

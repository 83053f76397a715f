// SPDX-License-Identifier: Apache-2.0
// Reads the directory of a safetensors file (Hugging Face's format) or of the index over a set of
// them. Only the header is read; every length, offset and shape is checked against the file, so
// that a hostile file costs at most time and memory in proportion to its header. Plain data.
// Format: an 8-byte little-endian length, that many bytes of JSON, then the tensors' bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mneme {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;  // "F8_E4M3", "BF16", ...; the file's word
  std::vector<std::uint64_t> shape;
  std::uint64_t file_offset = 0;  // absolute, bytes from the start of the file
  std::uint64_t bytes = 0;
};

class SafetensorsFile {
 public:
  // Errors: io; corrupt, naming what and where.
  static Result<SafetensorsFile> open(const std::string& path);

  // The same from the file's first bytes, of which at least the header must be there;
  // `file_bytes` is the size of the whole. `path` stands in messages.
  static Result<SafetensorsFile> parse(std::span<const std::byte> head, std::uint64_t file_bytes,
                                       std::string path);

  const std::string& path() const { return path_; }
  const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }  // by name
  const SafetensorsTensor* find(std::string_view name) const;                 // null when missing

 private:
  std::string path_;
  std::vector<SafetensorsTensor> tensors_;
};

// Bits of one value of a dtype; 0 where it is not known.
std::uint64_t safetensors_bits(std::string_view dtype);

// Which file holds each tensor, from a *.safetensors.index.json. Only names of files beside the
// index are taken. Errors: io, corrupt.
struct SafetensorsIndexEntry {
  std::string tensor;
  std::string path;
};
Result<std::vector<SafetensorsIndexEntry>> read_safetensors_index(const std::string& path);
Result<std::vector<SafetensorsIndexEntry>> parse_safetensors_index(std::string_view text,
                                                                   const std::string& path);

}  // namespace mneme

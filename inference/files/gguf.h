// SPDX-License-Identifier: Apache-2.0
// Reads GGUF files, version 2 and 3: metadata and the tensor directory, over a read-only mapping.
// Nothing is copied on open; string_views and spans point into the mapping, which lives as long as
// any copy of the GgufFile. Every length, offset, type, shape and count is checked before it is
// used, so that a hostile file costs at most time and memory in proportion to its own size.
// Immutable after open: callable from any thread. Format: ggml's docs/gguf.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "gpu/tensor.h"
#include "inference/files/metadata.h"

namespace mneme {

struct GgufTensor {
  std::string_view name;
  std::uint32_t ggml_type = 0;  // the file's number
  std::string_view type_name;   // "Q4_K"
  std::optional<DType> dtype;   // empty: a known type that nothing here computes with
  std::uint32_t dim_count = 0;  // 1..4
  std::array<std::uint64_t, 4> dims{1, 1, 1, 1};  // dims[0] varies fastest; unused ones are 1
  std::uint64_t file_offset = 0;                  // absolute, bytes from the start of the file
  std::span<const std::byte> bytes;               // in the mapping
};

class GgufFile {
 public:
  // Errors: io; corrupt (cut off, or breaks the format; names what and where); unsupported (another
  // version, big-endian, an unknown element type).
  static Result<GgufFile> open(const std::string& path);

  // The same over bytes that the caller keeps alive; `name` stands in messages.
  static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return path_; }  // as opened; the name given to parse()
  const std::string& name() const { return metadata_.name(); }  // the last part of the path
  std::uint32_t version() const { return version_; }
  std::uint64_t alignment() const { return alignment_; }
  std::uint64_t file_size() const { return bytes_.size(); }

  // MappedFile::unchanged(): ask before anything is believed that was computed from this file.
  Status unchanged() const { return mapping_ ? mapping_->unchanged() : Status(); }
  // True where its path still names the file that is open here.
  bool is_at_its_path() const { return mapping_ == nullptr || mapping_->file().is_at(path_); }

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::shared_ptr<const MappedFile>& mapping() const {
    return mapping_;
  }  // null after parse()

  const Metadata& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }     // in file order
  const GgufTensor* find_tensor(std::string_view name) const;             // null when missing
  Result<const GgufTensor*> require_tensor(std::string_view name) const;  // corrupt when missing

 private:
  friend class GgufParser;
  GgufFile() = default;

  std::shared_ptr<const MappedFile> mapping_;  // empty after parse()
  std::string path_;
  Metadata metadata_;
  std::span<const std::byte> bytes_;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::vector<GgufTensor> tensors_;
  std::vector<std::uint32_t> tensor_order_;  // indices into tensors_, by name
};

}  // namespace mneme

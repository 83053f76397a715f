// SPDX-License-Identifier: Apache-2.0
// What a model is read from, whatever holds it: one GGUF file, several that are one model, or a
// folder as Hugging Face publishes models (see hub_source.h). Whoever reads a model sees one kind:
// metadata and tensors under the names that GGUF gives them. Tensors lie in the mapped files, which
// live as long as any copy of this. Immutable: callable from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "gpu/tensor.h"
#include "inference/files/gguf.h"
#include "inference/files/metadata.h"

namespace mneme {

struct SourceTensor {
  std::string_view name;          // "blk.3.attn_q.weight"
  std::string_view name_in_file;  // for messages: what the file itself calls it
  std::string_view type_name;     // "Q4_K"
  std::optional<DType> dtype;     // empty: a known type that nothing here computes with
  std::array<std::uint64_t, 4> dims{1, 1, 1, 1};  // dims[0] varies fastest; unused ones are 1
  std::span<const std::byte> bytes;
  float offset = 0.0f;  // to be added to each value
};

// Bytes of one file of a model; those before `header_bytes` describe the others.
struct SourcePart {
  std::string path;
  std::span<const std::byte> bytes;
  std::uint64_t header_bytes = 0;
  std::shared_ptr<const MappedFile> mapping;  // null where the caller keeps the bytes alive
};

// Of a folder from the hub: the texts of files that it has.
struct SourceTexts {
  std::optional<std::string_view> tokenizer;    // tokenizer.json, one of the parts
  std::optional<std::string> tokenizer_config;  // tokenizer_config.json
  std::optional<std::string> generation;        // generation_config.json
};

// All of it, as a reader of a container fills it in.
struct SourceContents {
  std::string path;
  std::string folder;  // where it lies: files that belong to a model lie beside it
  Metadata metadata;
  std::vector<SourceTensor> tensors;
  std::vector<SourcePart> parts;
  bool is_hub_folder = false;
  // What the files would call a tensor that they do not have, for messages; null = as GGUF does.
  std::function<std::string(std::string_view)> name_in_file;
  SourceTexts texts;
};

class ModelSource {
 public:
  // `path`: a file of a model, of which the others are found by themselves, or the folder of one.
  // Errors: io; corrupt and unsupported, as the containers say; invalid (a folder without a model,
  // or with two).
  static Result<ModelSource> open(const std::string& path);
  // Errors: unsupported (the file is one of several).
  static Result<ModelSource> from_gguf(const GgufFile& file);
  // The files of one model, of which the first has the metadata; and whatever a reader filled in.
  // Errors: corrupt (two tensors of one name).
  static Result<ModelSource> from(std::span<const GgufFile> files);
  static Result<ModelSource> from(SourceContents contents);

  const std::string& path() const { return contents_.path; }  // to open it by
  const std::string& folder() const { return contents_.folder; }
  const std::string& name() const { return contents_.metadata.name(); }  // for messages
  const std::vector<SourcePart>& parts() const { return contents_.parts; }
  std::uint64_t bytes() const;  // of all files

  // MappedFile::unchanged(), of every file.
  Status unchanged() const;
  // Of all bytes, as of one file where there are several.
  std::string sha256() const;
  std::string header_sha256() const;

  bool is_hub_folder() const { return contents_.is_hub_folder; }
  // Whether rows of queries and keys lie as Llama was trained, with the pairs that rotate in the
  // two halves of a head: converters to GGUF reorder them.
  bool pairs_in_halves() const { return is_hub_folder(); }
  const SourceTexts& texts() const { return contents_.texts; }

  const Metadata& metadata() const { return contents_.metadata; }
  const std::vector<SourceTensor>& tensors() const { return contents_.tensors; }  // in file order
  const SourceTensor* find_tensor(std::string_view name) const;             // null when missing
  Result<const SourceTensor*> require_tensor(std::string_view name) const;  // corrupt when missing

 private:
  explicit ModelSource(SourceContents contents) : contents_(std::move(contents)) {}

  SourceContents contents_;
  std::vector<std::uint32_t> tensor_order_;  // indices into tensors, by name
};

}  // namespace mneme

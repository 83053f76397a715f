// SPDX-License-Identifier: Apache-2.0
#include "inference/files/model_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>

#include "base/printable.h"
#include "base/sha256.h"
#include "inference/files/file_error.h"
#include "inference/files/file_kind.h"
#include "inference/files/gguf_split.h"
#include "inference/files/hub_source.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

void add_part(const GgufFile& file, SourceContents& contents) {
  std::uint64_t header_bytes = file.file_size();
  for (const GgufTensor& tensor : file.tensors()) {
    header_bytes = std::min(header_bytes, tensor.file_offset);
    contents.tensors.push_back(
        {tensor.name, tensor.name, tensor.type_name, tensor.dtype, tensor.dims, tensor.bytes, 0});
  }
  contents.parts.push_back({file.path(), file.bytes(), header_bytes, file.mapping()});
}

Result<ModelSource> open_gguf(const std::string& path) {
  auto file = GgufFile::open(path);
  if (!file) return file.error();
  auto parts = open_split(*file);
  if (!parts) return parts.error();
  return ModelSource::from(*parts);
}

// Whether a GGUF in a folder is one that the folder may be opened for: no pack, no projector, no
// later part of another. One that is damaged may be.
bool may_be_meant(const std::string& path) {
  const auto name = parse_split_name(path);
  if (name && name->number > 1) return false;
  const auto file = GgufFile::open(path);
  if (!file) return true;
  const auto kind = file->metadata().find<std::string_view>("general.type");
  const auto number = file->metadata().find<std::int64_t>("split.no");
  return (!kind || kind->value_or("model") == "model") && (!number || number->value_or(0) == 0);
}

Result<ModelSource> open_folder(const std::string& folder) {
  std::vector<std::string> ggufs;
  std::vector<std::string> others;
  bool has_config = false;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    has_config = has_config || path.filename() == "config.json";
    if (path.extension() == ".safetensors") others.push_back(path.string());
    if (path.extension() == ".gguf" && may_be_meant(path.string())) ggufs.push_back(path.string());
  }
  if (error) {
    return Error{ErrorCode::io, fmt::format("cannot read {}: {}", folder, error.message())};
  }
  if (has_config && (!others.empty() || ggufs.empty())) {
    auto contents = read_hub_folder(folder);
    if (!contents) return contents.error();
    return ModelSource::from(std::move(*contents));
  }
  std::ranges::sort(ggufs);
  std::ranges::sort(others);
  ggufs.insert(ggufs.end(), others.begin(), others.end());
  if (ggufs.empty()) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} holds no model: there is neither a GGUF file in it, nor a "
                             "config.json with safetensors files",
                             folder)};
  }
  if (ggufs.size() > 1) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} holds two models, {} and {}: open one of them by its file", folder,
                             fs::path(ggufs.front()).filename().string(),
                             fs::path(ggufs.back()).filename().string())};
  }
  return ModelSource::open(ggufs.front());
}

}  // namespace

Result<ModelSource> ModelSource::open(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_folder(path);
  const std::string name = fs::path(path).filename().string();
  if (!is_hub_file(name)) return open_gguf(path);
  const std::string folder = folder_of(path);
  if (!fs::exists(fs::path(folder) / "config.json", error)) {
    return Error{
        ErrorCode::invalid,
        fmt::format("{} has no config.json beside it, which says what model it is of", path)};
  }
  auto contents = read_hub_folder(folder);
  if (!contents) return contents.error();
  const auto is_named = [&](const SourcePart& part) {
    return fs::equivalent(part.path, path, error);
  };
  if (name.ends_with(".safetensors") && std::ranges::none_of(contents->parts, is_named)) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} is no part of the model in its folder: open the folder, or put "
                             "the file and its config.json into one of their own",
                             path)};
  }
  return from(std::move(*contents));
}

Result<ModelSource> ModelSource::from_gguf(const GgufFile& file) {
  RETURN_IF_ERROR(check_is_whole(file.metadata()));
  return from(std::span(&file, 1));
}

Result<ModelSource> ModelSource::from(std::span<const GgufFile> files) {
  SourceContents contents;
  contents.path = files.front().path();
  contents.folder = folder_of(contents.path);
  contents.metadata = files.front().metadata();
  for (const GgufFile& file : files) add_part(file, contents);
  return from(std::move(contents));
}

Result<ModelSource> ModelSource::from(SourceContents contents) {
  ModelSource source(std::move(contents));
  source.tensor_order_.resize(source.tensors().size());
  std::iota(source.tensor_order_.begin(), source.tensor_order_.end(), 0u);
  const auto name_of = [&](std::uint32_t index) { return source.tensors()[index].name; };
  std::ranges::sort(source.tensor_order_, {}, name_of);
  const auto twice = std::ranges::adjacent_find(source.tensor_order_, {}, name_of);
  if (twice != source.tensor_order_.end()) {
    return corrupt(source.name(), fmt::format("the tensor {} is in two of its files",
                                              printable(source.tensors()[*twice].name_in_file)));
  }
  return source;
}

std::uint64_t ModelSource::bytes() const {
  std::uint64_t sum = 0;
  for (const SourcePart& part : parts()) sum += part.bytes.size();
  return sum;
}

Status ModelSource::unchanged() const {
  for (const SourcePart& part : parts()) {
    if (part.mapping) RETURN_IF_ERROR(part.mapping->unchanged());
  }
  return {};
}

std::string ModelSource::sha256() const {
  Sha256 sha;
  for (const SourcePart& part : parts()) sha.update(part.bytes);
  return sha.finish_hex();
}

std::string ModelSource::header_sha256() const {
  Sha256 sha;
  for (const SourcePart& part : parts()) sha.update(part.bytes.first(part.header_bytes));
  return sha.finish_hex();
}

const SourceTensor* ModelSource::find_tensor(std::string_view name) const {
  const auto name_of = [this](std::uint32_t index) { return tensors()[index].name; };
  const auto at = std::ranges::lower_bound(tensor_order_, name, {}, name_of);
  return at != tensor_order_.end() && name_of(*at) == name ? &tensors()[*at] : nullptr;
}

Result<const SourceTensor*> ModelSource::require_tensor(std::string_view name) const {
  const SourceTensor* tensor = find_tensor(name);
  if (tensor == nullptr) {
    return corrupt(this->name(), fmt::format("the tensor {} is missing",
                                             contents_.name_in_file ? contents_.name_in_file(name)
                                                                    : std::string(name)));
  }
  return tensor;
}

}  // namespace mneme

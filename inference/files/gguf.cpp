// SPDX-License-Identifier: Apache-2.0
#include "inference/files/gguf.h"

#include <fmt/format.h>

#include <algorithm>

#include "inference/files/gguf_parser.h"

namespace mneme {
namespace {

std::string last_part(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::string& path) {
  auto mapping = MappedFile::open(path);
  if (!mapping) return mapping.error();
  GgufFile file;
  file.mapping_ = *mapping;
  file.path_ = path;
  file.metadata_ = Metadata(last_part(path));
  file.bytes_ = file.mapping_->bytes();
  const Status parsed = GgufParser(file).run();
  RETURN_IF_ERROR(file.unchanged());
  RETURN_IF_ERROR(parsed);
  return file;
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
  GgufFile file;
  file.path_ = name;
  file.metadata_ = Metadata(std::move(name));
  file.bytes_ = bytes;
  RETURN_IF_ERROR(GgufParser(file).run());
  return file;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto name_of = [this](std::uint32_t index) { return tensors_[index].name; };
  const auto at = std::ranges::lower_bound(tensor_order_, name, {}, name_of);
  return at != tensor_order_.end() && name_of(*at) == name ? &tensors_[*at] : nullptr;
}

Result<const GgufTensor*> GgufFile::require_tensor(std::string_view name) const {
  const GgufTensor* tensor = find_tensor(name);
  if (tensor == nullptr)
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: the tensor {} is missing", this->name(), name)};
  return tensor;
}

}  // namespace mneme

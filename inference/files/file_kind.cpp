// SPDX-License-Identifier: Apache-2.0
#include "inference/files/file_kind.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "base/printable.h"

namespace mneme {
namespace {

Error other_kind(const Metadata& file, std::string_view what) {
  return Error{ErrorCode::unsupported, fmt::format("{} {}", file.name(), what)};
}

}  // namespace

Status check_is_whole(const Metadata& file) {
  auto parts = file.find<std::int64_t>("split.count");
  if (!parts) return parts.error();
  if (parts->value_or(1) <= 1) return {};
  return other_kind(file, fmt::format("is one of {} files that belong together", **parts));
}

Status check_is_model(const Metadata& file) {
  auto type = file.find<std::string_view>("general.type");
  if (!type) return type.error();
  const std::string_view kind = type->value_or("model");
  if (kind == "model") return {};
  if (kind == "engram-pack") {
    return other_kind(file, "is a memory pack, not a model: give it as the memory");
  }
  if (kind == "engram-tables") {
    return other_kind(file,
                      "holds the tables of a memory, not a model: look at it with "
                      "`mneme-cli tables`");
  }
  if (kind == "adapter") {
    return other_kind(file,
                      "is an adapter (LoRA), which changes another model: open a model that "
                      "it was merged into");
  }
  if (kind == "mmproj") {
    return other_kind(file,
                      "is the image or sound part of a model: open the language model that "
                      "it belongs to");
  }
  if (kind == "imatrix") {
    return other_kind(file,
                      "is an importance matrix, which only helps to quantise: open the "
                      "model that it was made for");
  }
  return other_kind(
      file, fmt::format("is a file of the kind '{}', not a model: open a file of the kind 'model'",
                        printable(kind)));
}

}  // namespace mneme

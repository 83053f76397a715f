// SPDX-License-Identifier: Apache-2.0
#include "inference/files/gguf_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/printable.h"
#include "inference/files/file_error.h"

namespace mneme {
namespace {

constexpr const char* kNumber = "split.no";
constexpr const char* kCount = "split.count";
constexpr const char* kTensors = "split.tensors.count";

// 5 digits; 0 = something else.
std::uint32_t number_of(std::string_view digits) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

Status check_part(const GgufFile& file, const GgufFile& first, std::size_t place,
                  std::size_t count) {
  const Metadata& metadata = file.metadata();
  const auto parts = metadata.require<std::int64_t>(kCount);
  if (!parts) return parts.error();
  if (*parts != static_cast<std::int64_t>(count)) {
    return corrupt(file.name(), fmt::format("it is one of {} files of a model, but {} is one of {}",
                                            *parts, first.name(), count));
  }
  const auto number = metadata.require<std::int64_t>(kNumber);
  if (!number) return number.error();
  if (*number != static_cast<std::int64_t>(place)) {
    return corrupt(file.name(),
                   fmt::format("it is called number {} of the {} files of a model, but says that "
                               "it is number {}: give the files their own names again",
                               place + 1, count, *number + 1));
  }
  // The others need not say it again.
  const auto theirs = metadata.find<std::string_view>("general.architecture");
  const auto its = first.metadata().find<std::string_view>("general.architecture");
  if (!theirs) return theirs.error();
  if (!its) return its.error();
  if (theirs->has_value() && *theirs != *its) {
    return corrupt(file.name(), fmt::format("it is of another model than {}", first.name()));
  }
  return {};
}

}  // namespace

std::optional<SplitName> parse_split_name(std::string_view path) {
  constexpr std::string_view kEnd = "-00001-of-00001.gguf";
  if (path.size() <= kEnd.size()) return std::nullopt;
  const std::string_view end = path.substr(path.size() - kEnd.size());
  if (end[0] != '-' || end.substr(6, 4) != "-of-" || end.substr(15) != ".gguf") return std::nullopt;
  const std::uint32_t number = number_of(end.substr(1, 5));
  const std::uint32_t count = number_of(end.substr(10, 5));
  if (number == 0 || number > count) return std::nullopt;
  return SplitName{std::string(path.substr(0, path.size() - kEnd.size())), number, count};
}

std::string SplitName::of(std::uint32_t other) const {
  return fmt::format("{}-{:05}-of-{:05}.gguf", start, other, count);
}

Result<std::vector<GgufFile>> open_split(const GgufFile& file) {
  auto count = file.metadata().find<std::int64_t>(kCount);
  if (!count) return count.error();
  std::vector<GgufFile> parts;
  if (count->value_or(1) <= 1) {
    parts.push_back(file);
    return parts;
  }
  const auto name = parse_split_name(file.path());
  if (!name || name->count != **count) {
    return corrupt(file.name(),
                   fmt::format("it is one of {0} files of a model, and the others are found by "
                               "their names only where it is called like "
                               "'name-00001-of-{0:05}.gguf'",
                               **count));
  }
  for (std::uint32_t number = 1; number <= name->count; ++number) {
    if (number == name->number) {
      parts.push_back(file);
      continue;
    }
    const std::string path = name->of(number);
    auto part = GgufFile::open(path);
    if (!part && part.error().code == ErrorCode::io) {
      return Error{ErrorCode::io,
                   fmt::format("{} is one of {} files of a model, of which another cannot be "
                               "opened: {}",
                               file.name(), name->count, part.error().message)};
    }
    if (!part) return part.error();
    parts.push_back(std::move(*part));
  }
  RETURN_IF_ERROR(check_split(parts));
  return parts;
}

Status check_split(std::span<const GgufFile> parts) {
  std::size_t tensors = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    RETURN_IF_ERROR(check_part(parts[i], parts[0], i, parts.size()));
    tensors += parts[i].tensors().size();
  }
  for (const GgufFile& part : parts) {
    const auto promised = part.metadata().require<std::int64_t>(kTensors);
    if (!promised) return promised.error();
    if (*promised == static_cast<std::int64_t>(tensors)) continue;
    return corrupt(part.name(),
                   fmt::format("the files of its model should hold {} tensors, but the {} files "
                               "beside each other hold {}: they are not of one model",
                               *promised, parts.size(), tensors));
  }
  return {};
}

}  // namespace mneme

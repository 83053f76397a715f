// SPDX-License-Identifier: Apache-2.0
#include "inference/files/metadata_setting.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "base/printable.h"

namespace mneme {

std::vector<double> setting_numbers(const Metadata& file, const MetadataEntry& entry) {
  const auto as_doubles = [](const auto& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  if (entry.type == MetadataType::array) {
    if (auto reals = file.find_array<double>(entry.key); reals) return as_doubles(**reals);
    if (auto whole = file.find_array<std::int64_t>(entry.key); whole) return as_doubles(**whole);
    if (auto flags = file.find_array<bool>(entry.key); flags) return as_doubles(**flags);
    return {};
  }
  if (auto real = file.find<double>(entry.key); real) return {**real};
  if (auto whole = file.find<std::int64_t>(entry.key); whole) return {static_cast<double>(**whole)};
  if (auto flag = file.find<bool>(entry.key); flag) return {**flag ? 1.0 : 0.0};
  return {};
}

namespace {

std::string value_text(const Metadata& file, const MetadataEntry& entry) {
  if (entry.type == MetadataType::string) {
    const auto text = file.find<std::string_view>(entry.key);
    return text ? fmt::format("'{}'", printable(**text)) : "";
  }
  const std::vector<double> numbers = setting_numbers(file, entry);
  if (entry.type == MetadataType::boolean) return numbers[0] != 0 ? "true" : "false";
  if (entry.type == MetadataType::array) {
    return fmt::format("an array of {} {} values", entry.count,
                       metadata_type_name(entry.element_type));
  }
  return numbers.empty() ? "a number" : fmt::format("{}", numbers[0]);
}

}  // namespace

Error setting_not_computed(const Metadata& file, const MetadataEntry& entry) {
  return Error{
      ErrorCode::unsupported,
      fmt::format("{} has the setting {} = {}, which Mneme does not compute with: its "
                  "answers would be wrong",
                  file.name(), printable(file.name_in_file(entry.key)), value_text(file, entry))};
}

}  // namespace mneme

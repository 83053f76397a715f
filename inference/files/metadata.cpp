// SPDX-License-Identifier: Apache-2.0
#include "inference/files/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>

#include "base/printable.h"

namespace mneme {
namespace {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class To, class From>
std::optional<To> narrow(From value) {
  if constexpr (std::is_signed_v<From>) {
    if (value < 0 && !std::is_signed_v<To>) return std::nullopt;
    if constexpr (std::is_signed_v<To>) {
      if (value < std::numeric_limits<To>::min()) return std::nullopt;
      if (value > std::numeric_limits<To>::max()) return std::nullopt;
      return static_cast<To>(value);
    }
  }
  if (static_cast<std::uint64_t>(value) >
      static_cast<std::uint64_t>(std::numeric_limits<To>::max())) {
    return std::nullopt;
  }
  return static_cast<To>(value);
}

// One stored scalar as T, or empty where the types do not agree or the value does not fit.
template <class T>
std::optional<T> convert(MetadataType type, const std::byte* at) {
  if constexpr (std::is_same_v<T, bool>) {
    if (type == MetadataType::boolean) return std::to_integer<int>(*at) != 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (type == MetadataType::f32) return static_cast<T>(load<float>(at));
    if (type == MetadataType::f64) return static_cast<T>(load<double>(at));
  } else {
    switch (type) {
      case MetadataType::u8:
        return narrow<T>(load<std::uint8_t>(at));
      case MetadataType::i8:
        return narrow<T>(load<std::int8_t>(at));
      case MetadataType::u16:
        return narrow<T>(load<std::uint16_t>(at));
      case MetadataType::i16:
        return narrow<T>(load<std::int16_t>(at));
      case MetadataType::u32:
        return narrow<T>(load<std::uint32_t>(at));
      case MetadataType::i32:
        return narrow<T>(load<std::int32_t>(at));
      case MetadataType::u64:
        return narrow<T>(load<std::uint64_t>(at));
      case MetadataType::i64:
        return narrow<T>(load<std::int64_t>(at));
      default:
        break;
    }
  }
  return std::nullopt;
}

template <class T>
std::string_view wanted() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::string_view>) return "text";
  if constexpr (std::is_same_v<T, std::int32_t>) return "a 32-bit integer";
  if constexpr (std::is_same_v<T, std::uint32_t>) return "a whole number below 2^32";
  if constexpr (std::is_same_v<T, std::int64_t>) return "a 64-bit integer";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "a whole number";
  return "a number with a fraction";
}

}  // namespace

std::string_view metadata_type_name(MetadataType type) {
  constexpr std::array<std::string_view, 13> kNames{"u8",  "i8",  "u16",  "i16",    "u32",
                                                    "i32", "f32", "bool", "string", "array",
                                                    "u64", "i64", "f64"};
  const auto index = static_cast<std::size_t>(type);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::uint64_t metadata_scalar_bytes(MetadataType type) {
  switch (type) {
    case MetadataType::u8:
    case MetadataType::i8:
    case MetadataType::boolean:
      return 1;
    case MetadataType::u16:
    case MetadataType::i16:
      return 2;
    case MetadataType::u32:
    case MetadataType::i32:
    case MetadataType::f32:
      return 4;
    case MetadataType::u64:
    case MetadataType::i64:
    case MetadataType::f64:
      return 8;
    case MetadataType::string:
    case MetadataType::array:
      return 0;
  }
  return 0;
}

std::optional<std::string_view> Metadata::sort() {
  order_.resize(entries_.size());
  std::iota(order_.begin(), order_.end(), 0u);
  const auto key_of = [this](std::uint32_t index) { return entries_[index].key; };
  std::ranges::sort(order_, {}, key_of);
  for (std::size_t i = 1; i < order_.size(); ++i) {
    if (key_of(order_[i]) == key_of(order_[i - 1])) return key_of(order_[i]);
  }
  return std::nullopt;
}

std::string_view Metadata::keep(std::string bytes) {
  return *kept_.emplace_back(std::make_shared<const std::string>(std::move(bytes)));
}

void Metadata::set_name_in_file(std::string_view key, std::string_view name) {
  names_in_file_.insert_or_assign(std::string(key), std::string(name));
}

std::string_view Metadata::name_in_file(std::string_view key) const {
  const auto named = names_in_file_.find(key);
  return named == names_in_file_.end() ? key : named->second;
}

const MetadataEntry* Metadata::find_entry(std::string_view key) const {
  const auto key_of = [this](std::uint32_t index) { return entries_[index].key; };
  const auto at = std::ranges::lower_bound(order_, key, {}, key_of);
  return at != order_.end() && key_of(*at) == key ? &entries_[*at] : nullptr;
}

template <class T>
Error Metadata::mismatch(const MetadataEntry& entry) const {
  const bool array = entry.type == MetadataType::array;
  return Error{
      ErrorCode::corrupt,
      fmt::format("{}: metadata {} should be {}, but holds {}{} that does not fit", name_,
                  printable(name_in_file(entry.key)), wanted<T>(), array ? "an array of " : "",
                  metadata_type_name(array ? entry.element_type : entry.type))};
}

template <class T>
Result<std::optional<T>> Metadata::find(std::string_view key) const {
  const MetadataEntry* entry = find_entry(key);
  if (entry == nullptr) return std::optional<T>();
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (entry->type != MetadataType::string) return mismatch<T>(*entry);
    return std::optional<T>(std::string_view(reinterpret_cast<const char*>(entry->payload.data()),
                                             entry->payload.size()));
  } else {
    const std::optional<T> value = convert<T>(entry->type, entry->payload.data());
    if (!value) return mismatch<T>(*entry);
    return value;
  }
}

template <class T>
Result<T> Metadata::require(std::string_view key) const {
  auto value = find<T>(key);
  if (!value) return value.error();
  if (!value->has_value())
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: the metadata {} is missing", name_, name_in_file(key))};
  return **value;
}

template <class T>
Result<std::optional<std::vector<T>>> Metadata::find_array(std::string_view key) const {
  const MetadataEntry* entry = find_entry(key);
  if (entry == nullptr) return std::optional<std::vector<T>>();
  if (entry->type != MetadataType::array) return mismatch<T>(*entry);
  std::vector<T> values;
  const std::byte* at = entry->payload.data();
  const std::byte* const end = at + entry->payload.size();
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (entry->element_type != MetadataType::string) return mismatch<T>(*entry);
    values.reserve(entry->count);
    for (std::uint64_t i = 0; i < entry->count; ++i) {
      // Checked when the file was opened, and yet not to be trusted: someone may write to it since,
      // which whoever opened the file asks it for.
      const auto room = static_cast<std::uint64_t>(end - at);
      const std::uint64_t length = room < 8 ? 0 : load<std::uint64_t>(at);
      if (room < 8 || length > room - 8) return mismatch<T>(*entry);
      values.emplace_back(reinterpret_cast<const char*>(at) + 8, length);
      at += 8 + length;
    }
  } else {
    if (entry->element_type == MetadataType::string) return mismatch<T>(*entry);
    const std::uint64_t size = metadata_scalar_bytes(entry->element_type);
    values.reserve(entry->count);
    for (std::uint64_t i = 0; i < entry->count; ++i, at += size) {
      const std::optional<T> value = convert<T>(entry->element_type, at);
      if (!value) return mismatch<T>(*entry);
      values.push_back(*value);
    }
  }
  return std::optional<std::vector<T>>(std::move(values));
}

template <class T>
Result<std::vector<T>> Metadata::require_array(std::string_view key) const {
  auto values = find_array<T>(key);
  if (!values) return values.error();
  if (!values->has_value())
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: the metadata {} is missing", name_, name_in_file(key))};
  return std::move(**values);
}

#define INSTANTIATE(T)                                                                            \
  template Result<std::optional<T>> Metadata::find<T>(std::string_view) const;                    \
  template Result<T> Metadata::require<T>(std::string_view) const;                                \
  template Result<std::optional<std::vector<T>>> Metadata::find_array<T>(std::string_view) const; \
  template Result<std::vector<T>> Metadata::require_array<T>(std::string_view) const;
INSTANTIATE(bool)
INSTANTIATE(std::int32_t)
INSTANTIATE(std::uint32_t)
INSTANTIATE(std::int64_t)
INSTANTIATE(std::uint64_t)
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::string_view)
#undef INSTANTIATE

}  // namespace mneme

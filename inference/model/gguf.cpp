// SPDX-License-Identifier: Apache-2.0
#include "inference/model/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/printable.h"
#include "inference/model/gguf_parser.h"

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
std::optional<T> convert(GgufType type, const std::byte* at) {
  if constexpr (std::is_same_v<T, bool>) {
    if (type == GgufType::boolean) return std::to_integer<int>(*at) != 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (type == GgufType::f32) return static_cast<T>(load<float>(at));
    if (type == GgufType::f64) return static_cast<T>(load<double>(at));
  } else {
    switch (type) {
      case GgufType::u8:
        return narrow<T>(load<std::uint8_t>(at));
      case GgufType::i8:
        return narrow<T>(load<std::int8_t>(at));
      case GgufType::u16:
        return narrow<T>(load<std::uint16_t>(at));
      case GgufType::i16:
        return narrow<T>(load<std::int16_t>(at));
      case GgufType::u32:
        return narrow<T>(load<std::uint32_t>(at));
      case GgufType::i32:
        return narrow<T>(load<std::int32_t>(at));
      case GgufType::u64:
        return narrow<T>(load<std::uint64_t>(at));
      case GgufType::i64:
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

template <class T>
Error mismatch(const std::string& file, const GgufEntry& entry) {
  const bool array = entry.type == GgufType::array;
  return Error{ErrorCode::corrupt,
               fmt::format("{}: metadata {} should be {}, but holds {}{} that does not fit", file,
                           printable(entry.key), wanted<T>(), array ? "an array of " : "",
                           gguf_type_name(array ? entry.element_type : entry.type))};
}

std::string last_part(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

template <class Item, class NameOf>
const Item* find_sorted(const std::vector<Item>& items, const std::vector<std::uint32_t>& order,
                        std::string_view name, NameOf name_of) {
  const auto it = std::lower_bound(
      order.begin(), order.end(), name,
      [&](std::uint32_t index, std::string_view n) { return name_of(items[index]) < n; });
  if (it == order.end() || name_of(items[*it]) != name) return nullptr;
  return &items[*it];
}

}  // namespace

std::string_view gguf_type_name(GgufType type) {
  constexpr std::array<std::string_view, 13> kNames{"u8",  "i8",  "u16",  "i16",    "u32",
                                                    "i32", "f32", "bool", "string", "array",
                                                    "u64", "i64", "f64"};
  const auto index = static_cast<std::size_t>(type);
  return index < kNames.size() ? kNames[index] : "unknown";
}

Result<GgufFile> GgufFile::open(const std::string& path) {
  auto mapping = MappedFile::open(path);
  if (!mapping) return mapping.error();
  GgufFile file;
  file.mapping_ = *mapping;
  file.path_ = path;
  file.name_ = last_part(path);
  file.bytes_ = file.mapping_->bytes();
  const Status parsed = GgufParser(file).run();
  RETURN_IF_ERROR(file.unchanged());
  RETURN_IF_ERROR(parsed);
  return file;
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
  GgufFile file;
  file.path_ = name;
  file.name_ = std::move(name);
  file.bytes_ = bytes;
  RETURN_IF_ERROR(GgufParser(file).run());
  return file;
}

const GgufEntry* GgufFile::find_entry(std::string_view key) const {
  return find_sorted(entries_, entry_order_, key, [](const GgufEntry& e) { return e.key; });
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  return find_sorted(tensors_, tensor_order_, name, [](const GgufTensor& t) { return t.name; });
}

Result<const GgufTensor*> GgufFile::require_tensor(std::string_view name) const {
  const GgufTensor* tensor = find_tensor(name);
  if (tensor == nullptr)
    return Error{ErrorCode::corrupt, fmt::format("{}: the tensor {} is missing", name_, name)};
  return tensor;
}

template <class T>
Result<std::optional<T>> GgufFile::find(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::optional<T>();
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (entry->type != GgufType::string) return mismatch<T>(name_, *entry);
    return std::optional<T>(std::string_view(reinterpret_cast<const char*>(entry->payload.data()),
                                             entry->payload.size()));
  } else {
    const std::optional<T> value = convert<T>(entry->type, entry->payload.data());
    if (!value) return mismatch<T>(name_, *entry);
    return value;
  }
}

template <class T>
Result<T> GgufFile::require(std::string_view key) const {
  auto value = find<T>(key);
  if (!value) return value.error();
  if (!value->has_value())
    return Error{ErrorCode::corrupt, fmt::format("{}: the metadata {} is missing", name_, key)};
  return **value;
}

template <class T>
Result<std::optional<std::vector<T>>> GgufFile::find_array(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::optional<std::vector<T>>();
  if (entry->type != GgufType::array) return mismatch<T>(name_, *entry);
  std::vector<T> values;
  const std::byte* at = entry->payload.data();
  const std::byte* const end = at + entry->payload.size();
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (entry->element_type != GgufType::string) return mismatch<T>(name_, *entry);
    values.reserve(entry->count);
    for (std::uint64_t i = 0; i < entry->count; ++i) {
      // Checked when the file was opened, and yet not to be trusted: someone may write to it since.
      const auto room = static_cast<std::uint64_t>(end - at);
      const std::uint64_t length = room < 8 ? 0 : load<std::uint64_t>(at);
      if (room < 8 || length > room - 8) {
        RETURN_IF_ERROR(unchanged());
        return mismatch<T>(name_, *entry);
      }
      values.emplace_back(reinterpret_cast<const char*>(at) + 8, length);
      at += 8 + length;
    }
  } else {
    if (entry->element_type == GgufType::string) return mismatch<T>(name_, *entry);
    const std::uint64_t size = gguf_scalar_bytes(entry->element_type);
    values.reserve(entry->count);
    for (std::uint64_t i = 0; i < entry->count; ++i, at += size) {
      const std::optional<T> value = convert<T>(entry->element_type, at);
      if (!value) return mismatch<T>(name_, *entry);
      values.push_back(*value);
    }
  }
  return std::optional<std::vector<T>>(std::move(values));
}

template <class T>
Result<std::vector<T>> GgufFile::require_array(std::string_view key) const {
  auto values = find_array<T>(key);
  if (!values) return values.error();
  if (!values->has_value())
    return Error{ErrorCode::corrupt, fmt::format("{}: the metadata {} is missing", name_, key)};
  return std::move(**values);
}

#define INSTANTIATE(T)                                                                            \
  template Result<std::optional<T>> GgufFile::find<T>(std::string_view) const;                    \
  template Result<T> GgufFile::require<T>(std::string_view) const;                                \
  template Result<std::optional<std::vector<T>>> GgufFile::find_array<T>(std::string_view) const; \
  template Result<std::vector<T>> GgufFile::require_array<T>(std::string_view) const;
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

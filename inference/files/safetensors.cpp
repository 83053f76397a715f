// SPDX-License-Identifier: Apache-2.0
#include "inference/files/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/files/json_text.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kHeaderBytesMax = 100'000'000;  // the format's own limit
constexpr std::size_t kDimsMax = 8;

std::optional<std::uint64_t> as_u64(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

// False where the product does not fit.
bool multiply(std::uint64_t& product, std::uint64_t factor) {
  return !__builtin_mul_overflow(product, factor, &product);
}

Result<SafetensorsTensor> read_tensor(const std::string& path, const std::string& name,
                                      const Json& entry, std::uint64_t data_begin,
                                      std::uint64_t data_bytes) {
  const auto bad = [&](std::string_view what) {
    return corrupt(path, fmt::format("tensor '{}' {}", printable(name), what));
  };
  if (!entry.is_object()) return bad("has no description");
  const auto dtype = entry.find("dtype");
  const auto shape = entry.find("shape");
  const auto offsets = entry.find("data_offsets");
  if (dtype == entry.end() || !dtype->is_string()) return bad("has no dtype");
  if (shape == entry.end() || !shape->is_array() || shape->size() > kDimsMax) {
    return bad("has no shape");
  }
  if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2) {
    return bad("has no data_offsets");
  }
  SafetensorsTensor tensor;
  tensor.name = name;
  tensor.dtype = dtype->get<std::string>();
  std::uint64_t bits = safetensors_bits(tensor.dtype);
  const bool known = bits != 0;
  bool fits = true;
  for (const Json& dim : *shape) {
    const auto value = as_u64(dim);
    if (!value) return bad("has a shape that is not made of whole numbers");
    tensor.shape.push_back(*value);
    fits = fits && multiply(bits, *value);
  }
  const auto begin = as_u64((*offsets)[0]);
  const auto end = as_u64((*offsets)[1]);
  if (!begin || !end || *begin > *end || *end > data_bytes) {
    return bad(fmt::format("does not lie in the {} bytes of data", data_bytes));
  }
  tensor.bytes = *end - *begin;
  tensor.file_offset = data_begin + *begin;
  if (known && (!fits || bits % 8 != 0 || bits / 8 != tensor.bytes)) {
    return bad(fmt::format("has {} bytes, which is not what its shape needs", tensor.bytes));
  }
  return tensor;
}

Status check_overlap(const std::string& path, const std::vector<SafetensorsTensor>& tensors) {
  std::vector<const SafetensorsTensor*> by_place;
  for (const SafetensorsTensor& tensor : tensors) {
    if (tensor.bytes > 0) by_place.push_back(&tensor);
  }
  std::ranges::sort(by_place, {}, &SafetensorsTensor::file_offset);
  for (std::size_t i = 1; i < by_place.size(); ++i) {
    if (by_place[i]->file_offset < by_place[i - 1]->file_offset + by_place[i - 1]->bytes) {
      return corrupt(
          path, fmt::format("tensors '{}' and '{}' share bytes", printable(by_place[i - 1]->name),
                            printable(by_place[i]->name)));
    }
  }
  return {};
}

}  // namespace

std::uint64_t safetensors_bits(std::string_view dtype) {
  struct Known {
    std::string_view name;
    std::uint64_t bits;
  };
  constexpr std::array<Known, 19> kKnown{{
      {"BOOL", 8},    {"U8", 8},   {"I8", 8},   {"F8_E4M3", 8},     {"F8_E5M2", 8},
      {"F8_E8M0", 8}, {"I16", 16}, {"U16", 16}, {"F16", 16},        {"BF16", 16},
      {"I32", 32},    {"U32", 32}, {"F32", 32}, {"I64", 64},        {"U64", 64},
      {"F64", 64},    {"C64", 64}, {"F4", 4},   {"F8_E4M3FNUZ", 8},
  }};
  const auto found = std::ranges::find(kKnown, dtype, &Known::name);
  return found == kKnown.end() ? 0 : found->bits;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  std::array<std::byte, 8> length{};
  if (file->size() < length.size()) return corrupt(path, "is too short for a safetensors file");
  RETURN_IF_ERROR(file->read_at(0, length));
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, length.data(), length.size());
  if (header_bytes > std::min(kHeaderBytesMax, file->size() - length.size())) {
    return corrupt(path, "is no safetensors file, or was cut off inside its header");
  }
  std::vector<std::byte> head(length.size() + header_bytes);
  RETURN_IF_ERROR(file->read_at(0, head));
  return parse(head, file->size(), path);
}

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> head,
                                               std::uint64_t file_bytes, std::string path) {
  std::uint64_t header_bytes = 0;
  if (head.size() < sizeof header_bytes || file_bytes < head.size()) {
    return corrupt(path, "is too short for a safetensors file");
  }
  std::memcpy(&header_bytes, head.data(), sizeof header_bytes);
  if (header_bytes > std::min<std::uint64_t>(kHeaderBytesMax, head.size() - sizeof header_bytes)) {
    return corrupt(path, "is no safetensors file, or was cut off inside its header");
  }
  const auto* text = reinterpret_cast<const char*>(head.data()) + sizeof header_bytes;
  const auto json = parse_json_object({text, header_bytes}, path);
  if (!json) return json.error();
  SafetensorsFile out;
  const std::uint64_t data_begin = sizeof header_bytes + header_bytes;
  for (const auto& [name, entry] : json->items()) {
    if (name == "__metadata__") continue;
    auto tensor = read_tensor(path, name, entry, data_begin, file_bytes - data_begin);
    if (!tensor) return tensor.error();
    out.tensors_.push_back(std::move(*tensor));
  }
  std::ranges::sort(out.tensors_, {}, &SafetensorsTensor::name);
  RETURN_IF_ERROR(check_overlap(path, out.tensors_));
  out.path_ = std::move(path);
  return out;
}

const SafetensorsTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(tensors_, name, {}, &SafetensorsTensor::name);
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

Result<std::vector<SafetensorsIndexEntry>> read_safetensors_index(const std::string& path) {
  auto text = read_text(path, kHeaderBytesMax);
  if (!text) return text.error();
  return parse_safetensors_index(*text, path);
}

Result<std::vector<SafetensorsIndexEntry>> parse_safetensors_index(std::string_view text,
                                                                   const std::string& path) {
  const auto json = parse_json_object(text, path);
  if (!json) return json.error();
  const auto map = json->find("weight_map");
  if (map == json->end() || !map->is_object()) {
    return corrupt(path, "has no weight_map: it is not an index of safetensors files");
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::vector<SafetensorsIndexEntry> out;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    // An index comes from elsewhere; it may not name files outside its folder.
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      return corrupt(path, fmt::format("names '{}' as a file beside it", printable(name)));
    }
    out.push_back({tensor, (folder / name).string()});
  }
  return out;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/files/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "base/file.h"
#include "inference/files/file_error.h"

namespace mneme {
namespace {

// Of arrays and objects within each other. Text that is no JSON has some number, too.
std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0;
  std::size_t most = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      most = std::max(most, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return most;
}

}  // namespace

Result<nlohmann::json> parse_json_object(std::string_view text, std::string_view name) {
  if (depth_of(text) > kJsonDepthMax) {
    return corrupt(name, fmt::format("its JSON is nested deeper than {}", kJsonDepthMax));
  }
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return corrupt(name, "it does not hold a JSON object");
  return json;
}

Status check_text_size(const std::string& path, std::uint64_t bytes, std::size_t bytes_max) {
  if (bytes <= bytes_max) return {};
  return corrupt(path, fmt::format("it has {} bytes, but {} are the most that it should need",
                                   bytes, bytes_max));
}

Result<std::string> read_text(const std::string& path, std::size_t bytes_max) {
  auto file = File::open(path);
  if (!file) return file.error();
  RETURN_IF_ERROR(check_text_size(path, file->size(), bytes_max));
  std::string text(file->size(), '\0');
  RETURN_IF_ERROR(file->read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "base/parse_number.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

namespace mneme {
namespace {

// All of the text, or nothing.
template <class T>
std::optional<T> parse_all(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> unit_bytes(std::string_view unit) {
  if (unit.empty() || unit == "B") return 1;
  constexpr std::string_view kLetters = "KMGT";
  const auto letter = static_cast<char>(std::toupper(static_cast<unsigned char>(unit.front())));
  const std::size_t power = kLetters.find(letter);
  const std::string_view rest = unit.substr(1);
  if (power == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "iB")) {
    return std::nullopt;
  }
  return std::pow(1024.0, static_cast<double>(power + 1));
}

}  // namespace

Result<std::int64_t> parse_whole(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto value = parse_all<std::int64_t>(text);
  if (value && *value >= least && *value <= most) return *value;
  return Error{ErrorCode::invalid,
               fmt::format("'{}' is not a whole number from {} to {}", text, least, most)};
}

Result<std::optional<std::uint64_t>> parse_seed(std::string_view text) {
  if (text == "-1") return std::optional<std::uint64_t>();
  if (const auto seed = parse_all<std::uint64_t>(text)) return seed;
  return Error{ErrorCode::invalid,
               fmt::format("'{}' is not -1, for a fresh seed, or a whole number from 0 to {}", text,
                           std::numeric_limits<std::uint64_t>::max())};
}

Result<double> parse_real(std::string_view text) {
  const auto value = parse_all<double>(text);
  if (value && std::isfinite(*value)) return *value;
  return Error{ErrorCode::invalid, fmt::format("'{}' is not a number", text)};
}

Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t least) {
  const std::size_t digits = text.find_first_not_of("0123456789.");
  const std::string_view unit = digits == std::string_view::npos ? "" : text.substr(digits);
  const auto number = parse_all<double>(text.substr(0, text.size() - unit.size()));
  const auto scale = unit_bytes(unit);
  const double bytes = number && scale ? *number * *scale : -1;
  if (bytes < static_cast<double>(least) || bytes > static_cast<double>(kSizeMax)) {
    return Error{ErrorCode::invalid,
                 fmt::format("'{}' is not a size from {} B to {}T: write for example 64M or 2G",
                             text, least, kSizeMax >> 40)};
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace mneme

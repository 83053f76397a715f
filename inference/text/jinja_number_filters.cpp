// SPDX-License-Identifier: Apache-2.0
// Filters that make numbers: "'5' | int".
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "inference/text/jinja_filters.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

// Without the underscores that Python allows between digits; nothing where they stand elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto alnum = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    };
    if (i == 0 || !alnum(i - 1) || !alnum(i + 1)) return std::nullopt;
  }
  return out;
}

enum class Read : unsigned char { good, bad, too_large };

// As Python's int(text, base) reads it.
Read read_whole(std::string_view text, std::int64_t base, std::int64_t& value) {
  std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty()) return Read::bad;
  std::string_view rest = *digits;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);
  if (rest.size() > 2 && rest[0] == '0') {
    const char mark = static_cast<char>(std::tolower(static_cast<unsigned char>(rest[1])));
    const std::int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) {
      rest.remove_prefix(2);
      base = marked;
    }
  }
  if (base == 0) {
    if (rest.size() > 1 && rest[0] == '0' && rest.find_first_not_of('0') != std::string_view::npos)
      return Read::bad;
    base = 10;
  }
  if (rest.empty() || rest.front() == '-') return Read::bad;
  const char* end = rest.data() + rest.size();
  const auto read = std::from_chars(rest.data(), end, value, static_cast<int>(base));
  if (read.ec == std::errc::result_out_of_range) return Read::too_large;
  if (read.ec != std::errc() || read.ptr != end) return Read::bad;
  if (negative) value = -value;
  return Read::good;
}

// As Python's float(text) reads it.
Read read_real(std::string_view text, double& value) {
  std::optional<std::string> digits = without_underscores(text);
  if (!digits) return Read::bad;
  std::string_view rest = *digits;
  if (rest.size() > 1 && rest.front() == '+' && rest[1] != '-') rest.remove_prefix(1);
  if (rest.find('(') != std::string_view::npos) return Read::bad;  // C++ takes nan(...)
  const char* end = rest.data() + rest.size();
  const auto read = std::from_chars(rest.data(), end, value);
  if (read.ec == std::errc::result_out_of_range) return Read::too_large;
  return read.ec == std::errc() && read.ptr == end ? Read::good : Read::bad;
}

Value too_large(Context& context) {
  return context.fail("a number is too large");
}

Value truncated(Context& context, double value, const Value& missing) {
  if (std::isnan(value)) return missing;
  if (!(std::abs(value) < 9e18)) return too_large(context);
  return Value(static_cast<std::int64_t>(value));
}

Value to_whole(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "int", arguments, {"default", "base"});
  if (context.failed()) return Value();
  const Value missing = bound[0] == nullptr ? Value(std::int64_t{0}) : *bound[0];
  const std::int64_t base = bound.whole(1, 10);
  if (input.is<Undefined>()) return context.fail("something undefined as an integer");
  if (input.is_whole()) return Value(input.whole());
  if (input.is<double>()) return truncated(context, input.as<double>(), missing);
  if (!input.is<TextPtr>()) return missing;
  const Text text = strip(input.text(), Side::both, std::nullopt);
  std::int64_t whole = 0;
  if (base == 0 || (base >= 2 && base <= 36)) {
    const Read read = read_whole(text.bytes, base, whole);
    if (read == Read::good) return Value(whole);
    if (read == Read::too_large) return too_large(context);
  }
  double real = 0;
  const Read read = read_real(text.bytes, real);
  if (read == Read::too_large) return too_large(context);
  if (read == Read::bad || std::isinf(real)) return missing;
  return truncated(context, real, missing);
}

Value to_real(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "float", arguments, {"default"});
  if (context.failed()) return Value();
  if (input.is<Undefined>()) return context.fail("something undefined as a number");
  if (input.is_number()) return Value(input.number());
  if (input.is<TextPtr>()) {
    const Text text = strip(input.text(), Side::both, std::nullopt);
    double value = 0;
    const Read read = read_real(text.bytes, value);
    if (read == Read::good) return Value(value);
    if (read == Read::too_large) return too_large(context);
  }
  return bound[0] == nullptr ? Value(0.0) : *bound[0];
}

Value absolute(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "abs", arguments, {});
  if (context.failed()) return Value();
  if (!input.is_number()) return context.fail(fmt::format("abs of {}", kind_name(input)));
  if (input.is<double>()) return Value(std::abs(input.as<double>()));
  if (input.whole() >= 0) return Value(input.whole());
  return apply_binary(context, "-", Value(std::int64_t{0}), input);
}

// The value with so many digits after its point, halves as Python rounds them.
Value rounded(Context& context, const Value& input, std::int64_t precision) {
  if (input.is_whole() && precision >= 0) return Value(input.whole());
  if (input.is_whole()) return context.fail("round of an integer to tens is not supported");
  const double value = input.as<double>();
  if (!std::isfinite(value)) return input;
  if (precision < 0) return context.fail("round to tens is not supported");
  std::array<char, 512> digits{};
  std::snprintf(digits.data(), digits.size(), "%.*f",
                static_cast<int>(std::min<std::int64_t>(precision, 100)), value);
  double out = 0;
  const std::string_view text(digits.data());
  std::from_chars(text.data(), text.data() + text.size(), out);
  return Value(out);
}

Value round(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "round", arguments, {"precision", "method"});
  if (context.failed()) return Value();
  const std::int64_t precision = bound.whole(0, 0);
  const Text* method = bound.text(1);
  if (!input.is_number()) return context.fail(fmt::format("round of {}", kind_name(input)));
  if (method == nullptr || method->bytes == "common") return rounded(context, input, precision);
  if (method->bytes != "ceil" && method->bytes != "floor")
    return context.fail("round takes the methods common, ceil and floor");
  if (std::abs(precision) > 100) return context.fail("round to more than 100 digits");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = input.number() * scale;
  return Value((method->bytes == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value file_size(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "filesizeformat", arguments, {"binary"});
  double bytes = 0;
  if (input.is_number()) {
    bytes = input.number();
  } else if (!input.is<TextPtr>() ||
             read_real(strip(input.text(), Side::both, std::nullopt).bytes, bytes) != Read::good) {
    context.fail(fmt::format("filesizeformat of {}", kind_name(input)));
  }
  if (context.failed()) return Value();
  const bool binary = bound.flag(0);
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return context.text("1 Byte");
  if (bytes < base) return context.text(fmt::format("{:.0f} Bytes", std::trunc(bytes)));
  constexpr std::string_view kPrefixes = "kMGTPEZY";
  double unit = base * base;
  for (std::size_t i = 0; i < kPrefixes.size(); ++i, unit *= base) {
    if (bytes >= unit && i + 1 < kPrefixes.size()) continue;
    const char prefix = binary && i == 0 ? 'K' : kPrefixes[i];
    return context.text(
        fmt::format("{:.1f} {}{}B", base * bytes / unit, prefix, binary ? "i" : ""));
  }
  return Value();
}

constexpr FilterEntry kNumberFilters[] = {{"abs", absolute},
                                          {"filesizeformat", file_size},
                                          {"float", to_real},
                                          {"int", to_whole},
                                          {"round", round}};

}  // namespace

std::span<const FilterEntry> number_filters() {
  return kNumberFilters;
}

}  // namespace mneme::jinja

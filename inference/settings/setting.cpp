// SPDX-License-Identifier: Apache-2.0
#include "inference/settings/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parse_number.h"
#include "inference/settings/settings.h"

namespace mneme {
namespace {

// A float that was written as a double lies a little beside the limit that it was.
constexpr double kBeside = 1e-6;

std::string limit_text(const Setting& setting, double number) {
  return setting.kind == SettingKind::real ? fmt::format("{:g}", number)
                                           : fmt::format("{:.0f}", number);
}

std::string choices_text(const Setting& setting) {
  std::string words;
  for (std::size_t i = 0; i < setting.choices.size(); ++i) {
    words += i == 0 ? "" : i + 1 == setting.choices.size() ? " or " : ", ";
    words += setting.choices[i];
  }
  return words;
}

// Of a whole number, a real one or a size.
std::optional<double> number_of(const SettingValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

SettingValue number_value(const Setting& setting, double number) {
  if (setting.kind == SettingKind::real) return number;
  return static_cast<std::int64_t>(number);
}

bool in_range(const Setting& setting, double number) {
  const double beside = setting.kind == SettingKind::real ? kBeside : 0;
  return number >= setting.least - beside && number <= setting.most + beside;
}

Result<SettingValue> parse_real_setting(const Setting& setting, std::string_view text) {
  const auto number = parse_real(text);
  if (!number) return number.error();
  const double near = std::clamp(*number, setting.least, setting.most);
  if (std::abs(near - *number) > kBeside) {
    return Error{ErrorCode::invalid, fmt::format("'{}' is not a number from {} to {}", text,
                                                 setting.least, setting.most)};
  }
  Settings scratch;  // the float that some are kept as
  setting.put(scratch, near);
  return setting.of(scratch);
}

Result<SettingValue> parse_toggle(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "on", "yes"}) {
    if (text == yes) return SettingValue(true);
  }
  for (const std::string_view no : {"false", "0", "off", "no"}) {
    if (text == no) return SettingValue(false);
  }
  return Error{ErrorCode::invalid, fmt::format("'{}' is not true or false", text)};
}

Result<SettingValue> parse_choice(const Setting& setting, std::string_view text) {
  if (std::ranges::find(setting.choices, text) != setting.choices.end()) {
    return SettingValue(std::string(text));
  }
  return Error{ErrorCode::invalid, fmt::format("'{}' is not {}", text, choices_text(setting))};
}

Result<SettingValue> parse_file_size(const Setting& setting, std::string_view text) {
  const double most = setting.most / static_cast<double>(unit_bytes(setting));
  const auto number = parse_real(text);
  if (number && *number >= setting.least && *number <= most) {
    return SettingValue(std::llround(*number * static_cast<double>(unit_bytes(setting))));
  }
  return Error{ErrorCode::invalid, fmt::format("'{}' is not a number from {:.0f} to {:.0f} {}",
                                               text, setting.least, most, setting.unit)};
}

// "0 to 256", "off, sampled or always"; "" = any.
std::string range_text(const Setting& setting) {
  switch (setting.kind) {
    case SettingKind::whole:
    case SettingKind::real:
      return fmt::format("{} to {}", limit_text(setting, setting.least),
                         limit_text(setting, setting.most));
    case SettingKind::choice:
      return choices_text(setting);
    case SettingKind::device:
      return "auto, cpu or as `mneme-cli devices` lists them";
    case SettingKind::seed:
      return fmt::format("-1 to {}", std::numeric_limits<std::uint64_t>::max());
    default:
      return {};
  }
}

// "0, automatic", "0.7".
std::string default_text(const Setting& setting, const SettingValue& value) {
  const std::optional<double> number = number_of(value);
  if (number) {
    std::string text = limit_text(setting, *number);
    if (setting.kind == SettingKind::real) text = fmt::format("{}", *number);
    if (*number == setting.least && !setting.nothing.empty()) {
      text += fmt::format(", {}", setting.nothing);
    }
    return text;
  }
  const auto* words = std::get_if<std::string>(&value);
  if (words != nullptr && !words->empty()) return *words;
  const std::string_view written = setting.kind == SettingKind::seed ? "-1, " : "";
  return fmt::format("{}{}", written, setting.nothing);
}

}  // namespace

SettingValue default_of(const Setting& setting) {
  return setting.of(Settings());
}

std::int64_t unit_bytes(const Setting& setting) {
  return setting.unit == "GiB" ? std::int64_t{1} << 30 : std::int64_t{1} << 20;
}

Status check_setting(const Setting& setting, const SettingValue& value) {
  const std::optional<double> number = number_of(value);
  if (!number || in_range(setting, *number)) return {};
  return Error{ErrorCode::invalid,
               fmt::format("{} must be from {} to {}, not {}", setting.label,
                           limit_text(setting, setting.least), limit_text(setting, setting.most),
                           limit_text(setting, *number))};
}

SettingValue nearest_value(const Setting& setting, SettingValue value) {
  const std::optional<double> number = number_of(value);
  if (!number || in_range(setting, *number)) return value;
  if (!std::isfinite(*number)) return default_of(setting);
  return number_value(setting, std::clamp(*number, setting.least, setting.most));
}

Result<SettingValue> parse_setting(const Setting& setting, std::string_view text) {
  switch (setting.kind) {
    case SettingKind::toggle:
      return parse_toggle(text);
    case SettingKind::whole: {
      const auto number = parse_whole(text, static_cast<std::int64_t>(setting.least),
                                      static_cast<std::int64_t>(setting.most));
      if (!number) return number.error();
      return SettingValue(*number);
    }
    case SettingKind::real:
      return parse_real_setting(setting, text);
    case SettingKind::size: {
      const auto bytes = parse_size(text, static_cast<std::uint64_t>(setting.least));
      if (!bytes) return bytes.error();
      return SettingValue(static_cast<std::int64_t>(*bytes));
    }
    case SettingKind::choice:
      return parse_choice(setting, text);
    case SettingKind::seed: {
      const auto seed = parse_seed(text);
      if (!seed) return seed.error();
      return SettingValue(*seed ? std::to_string(**seed) : std::string());
    }
    case SettingKind::texts:
      if (!text.empty()) return SettingValue(std::vector<std::string>{std::string(text)});
      break;
    case SettingKind::device:
    case SettingKind::file:
      if (!text.empty()) return SettingValue(std::string(text));
      break;
    case SettingKind::text:
      return SettingValue(std::string(text));
  }
  return Error{ErrorCode::invalid, "its value is empty"};
}

std::string setting_to_file(const Setting& setting, const SettingValue& value) {
  switch (setting.kind) {
    case SettingKind::toggle:
      return std::get<bool>(value) ? "true" : "false";
    case SettingKind::whole:
      return std::to_string(std::get<std::int64_t>(value));
    case SettingKind::real:
      return fmt::format("{}", std::get<double>(value));
    case SettingKind::size:
      return fmt::format("{:.15g}", static_cast<double>(std::get<std::int64_t>(value)) /
                                        static_cast<double>(unit_bytes(setting)));
    case SettingKind::choice:
    case SettingKind::device:
    case SettingKind::file:
    case SettingKind::text:
    case SettingKind::seed:
      return std::get<std::string>(value);
    case SettingKind::texts:
      break;
  }
  CHECK(!setting.kept);
  return {};
}

StoredSetting setting_from_file(const Setting& setting, std::string_view text) {
  const bool free = setting.kind == SettingKind::device || setting.kind == SettingKind::file;
  if (free) return {SettingValue(std::string(text)), {}};
  auto value = setting.kind == SettingKind::size ? parse_file_size(setting, text)
                                                 : parse_setting(setting, text);
  if (value) return {std::move(*value), {}};
  StoredSetting stored;
  const auto number = parse_real(text);
  const bool range = setting.kind == SettingKind::whole || setting.kind == SettingKind::real ||
                     setting.kind == SettingKind::size;
  if (number && range) {
    const double unit =
        setting.kind == SettingKind::size ? static_cast<double>(unit_bytes(setting)) : 1;
    stored.value = number_value(setting, std::clamp(*number * unit, setting.least, setting.most));
  }
  const SettingValue used = stored.value ? *stored.value : default_of(setting);
  stored.problem = fmt::format("{}: {}; {} is used", setting.name, value.error().message,
                               setting_to_file(setting, used));
  return stored;
}

std::string_view value_name(const Setting& setting) {
  switch (setting.kind) {
    case SettingKind::whole:
    case SettingKind::seed:
      return "N";
    case SettingKind::real:
      return "NUMBER";
    case SettingKind::size:
      return "SIZE";
    case SettingKind::choice:
      return "WORD";
    case SettingKind::device:
      return "NAME";
    case SettingKind::file:
      return "FILE";
    case SettingKind::toggle:
    case SettingKind::text:
    case SettingKind::texts:
      break;
  }
  return "TEXT";
}

std::string help_text(const Setting& setting, const SettingValue& value) {
  std::string help = fmt::format("{}. {}", setting.label, setting.help);
  if (setting.kind == SettingKind::toggle) return help;
  if (setting.kind == SettingKind::texts) help += " May be given more than once.";
  std::string range = range_text(setting);
  if (setting.kind == SettingKind::size) range = "as 64M or 2G";
  return fmt::format("{} ({}{}default: {})", help, range, range.empty() ? "" : "; ",
                     default_text(setting, value));
}

}  // namespace mneme

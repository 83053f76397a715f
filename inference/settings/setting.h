// SPDX-License-Identifier: Apache-2.0
// A row of the table of settings: all that the settings file, the dialogs, the command lines and
// their help need to know of one setting. The rows are in table.cpp; what they fill is Settings.
// Plain data; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace mneme {

struct Settings;
struct Setting;

enum class SettingKind : std::uint8_t {
  toggle,  // bool
  whole,   // std::int64_t
  real,    // double
  size,    // std::int64_t, bytes
  choice,  // std::string, one of Setting::choices
  device,  // std::string, as `mneme-cli devices` lists them
  file,    // std::string, a path
  text,    // std::string of any number of lines
  seed,    // std::string: decimal digits; "" = a fresh one each time
  texts,   // std::vector<std::string>
};

// The page of the settings dialog that shows it.
enum class SettingPage : std::uint8_t { model, memory, chat, sampling, window, advanced };

// When a change is seen.
enum class SettingApplies : std::uint8_t { at_once, on_opening, new_chats };

// Of the kinds above.
using SettingValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

struct Setting {
  std::string_view name;   // in the settings file: group/key
  std::string_view flags;  // on the command line: "-t,--threads"; "" = none
  SettingPage page = SettingPage::model;
  SettingApplies applies = SettingApplies::at_once;
  SettingKind kind = SettingKind::toggle;
  std::string_view label;         // in the dialogs
  std::string_view help;          // what it means and when to change it
  std::string_view unit = "";     // what a number counts; of a size, the unit in file and dialog
  double least = 0, most = 0;     // of numbers
  std::string_view nothing = "";  // what the least number, or an empty text, means
  std::span<const std::string_view> choices = {};
  bool kept = true;        // in the settings file and its dialog; else command line and chats only
  bool per_model = false;  // a model may have its own
  SettingValue (*get)(const Setting&, const Settings&) = nullptr;
  void (*set)(const Setting&, Settings&, const SettingValue&) = nullptr;

  SettingValue of(const Settings& settings) const { return get(*this, settings); }
  void put(Settings& settings, const SettingValue& value) const { set(*this, settings, value); }
};

// The table, in the order of the dialogs and of the help.
std::span<const Setting> all_settings();
// The row of that name; there is one.
const Setting& find_setting(std::string_view name);

SettingValue default_of(const Setting& setting);

// Errors: invalid, with the label and the range.
Status check_setting(const Setting& setting, const SettingValue& value);
// A number that is out of range becomes the nearest that is not; anything else stays.
SettingValue nearest_value(const Setting& setting, SettingValue value);

// What a person wrote on the command line, where a size is in bytes or has a unit. Errors: invalid,
// with what would be taken.
Result<SettingValue> parse_setting(const Setting& setting, std::string_view text);

// As the settings file has it, where a plain number of a size counts Setting::unit.
std::string setting_to_file(const Setting& setting, const SettingValue& value);
struct StoredSetting {
  std::optional<SettingValue> value;  // none: the text means nothing
  std::string problem;                // a sentence; "" = there is none
};
StoredSetting setting_from_file(const Setting& setting, std::string_view text);

// For the help: the meaning, with the range and the value that holds without the option.
std::string help_text(const Setting& setting, const SettingValue& value);
// What stands for its value in the help: "N", "FILE".
std::string_view value_name(const Setting& setting);
// For a size: bytes in Setting::unit.
std::int64_t unit_bytes(const Setting& setting);

}  // namespace mneme

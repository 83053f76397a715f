// SPDX-License-Identifier: Apache-2.0
// Binds a row of the table to the member of Settings that it fills: kBound<&Settings::engine,
// &EngineOptions::context>.get and .set. For table.cpp.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "inference/settings/setting.h"
#include "inference/settings/settings.h"

namespace mneme {

// The shortest decimal number that is this float: 0.7 and not 0.699999988.
inline double shortest(float value) {
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, value);
  double read = 0;
  std::from_chars(digits, written.ptr, read);
  return read;
}

template <class T>
SettingValue to_value(const Setting& setting, const T& member) {
  if constexpr (std::is_enum_v<T>) {
    return std::string(setting.choices[static_cast<std::size_t>(member)]);
  } else if constexpr (std::is_same_v<T, float>) {
    return shortest(member);
  } else if constexpr (std::is_same_v<T, std::optional<int>>) {
    return std::int64_t{member.value_or(-1)};
  } else if constexpr (std::is_same_v<T, std::optional<std::uint64_t>>) {
    return member ? std::to_string(*member) : std::string();
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return static_cast<std::int64_t>(member);
  } else {
    return member;
  }
}

template <class T>
void from_value(const Setting& setting, const SettingValue& value, T& member) {
  if constexpr (std::is_enum_v<T>) {
    const auto& name = std::get<std::string>(value);
    for (std::size_t i = 0; i < setting.choices.size(); ++i) {
      if (setting.choices[i] == name) member = static_cast<T>(i);
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    member = static_cast<T>(std::get<double>(value));
  } else if constexpr (std::is_same_v<T, std::optional<int>>) {
    const auto number = static_cast<int>(std::get<std::int64_t>(value));
    member = number < 0 ? std::nullopt : std::optional(number);
  } else if constexpr (std::is_same_v<T, std::optional<std::uint64_t>>) {
    const auto& digits = std::get<std::string>(value);
    std::uint64_t seed = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), seed);
    member = digits.empty() ? std::nullopt : std::optional(seed);
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    member = static_cast<T>(std::get<std::int64_t>(value));
  } else {
    member = std::get<T>(value);
  }
}

template <auto First, auto... Rest>
auto& member_of(auto& object) {
  if constexpr (sizeof...(Rest) == 0) {
    return object.*First;
  } else {
    return member_of<Rest...>(object.*First);
  }
}

template <auto... Path>
struct Bound {
  static SettingValue get(const Setting& setting, const Settings& settings) {
    return to_value(setting, member_of<Path...>(settings));
  }
  static void set(const Setting& setting, Settings& settings, const SettingValue& value) {
    from_value(setting, value, member_of<Path...>(settings));
  }
};

}  // namespace mneme

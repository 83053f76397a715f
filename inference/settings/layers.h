// SPDX-License-Identifier: Apache-2.0
// The sources of settings, one over the other: the program's defaults, the settings file, what the
// file has for one model, the command line. A chat keeps its own values (ChatSettings), which lie
// over all of these. A layer has only what it was given; the rest shows through. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "inference/settings/setting.h"
#include "inference/settings/settings.h"

namespace mneme {

enum class SettingLayer : std::uint8_t { program, file, model, command_line };

// By Setting::name.
using SettingValues = std::map<std::string, SettingValue, std::less<>>;

struct SettingLayers {
  Settings program;  // defaults, with the folders of this machine
  SettingValues file;
  std::map<std::string, SettingValues, std::less<>>
      models;  // by the path that a model is opened at
  SettingValues command_line;

  // As they hold for a model; "" = for none.
  Settings resolve(std::string_view model) const;
  // The uppermost layer that has a value, of those up to `top`.
  SettingLayer origin(const Setting& setting, std::string_view model,
                      SettingLayer top = SettingLayer::command_line) const;
  SettingValue value(const Setting& setting, std::string_view model,
                     SettingLayer top = SettingLayer::command_line) const;

  // The file's, or a model's own, layer gets a value or loses it. What the command line said of it
  // is over then: the user chose anew.
  void set(SettingLayer layer, const Setting& setting, SettingValue value,
           std::string_view model = {});
  void reset(SettingLayer layer, const Setting& setting, std::string_view model = {});
  // Takes over what differs between `before`, a copy of these, and `after`, that copy as it was
  // edited meanwhile; the rest stays as it is now.
  void take_changes(const SettingLayers& before, const SettingLayers& after);

 private:
  const SettingValue* find(SettingLayer layer, const Setting& setting,
                           std::string_view model) const;
};

// Which settings, of those that take effect when a model is opened, differ.
std::vector<const Setting*> differing_on_opening(const Settings& a, const Settings& b);

}  // namespace mneme

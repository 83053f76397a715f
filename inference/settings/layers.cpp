// SPDX-License-Identifier: Apache-2.0
#include "inference/settings/layers.h"

#include <utility>

namespace mneme {
namespace {

void take(SettingValues& values, const SettingValues& before, const SettingValues& after) {
  for (const Setting& setting : all_settings()) {
    const auto was = before.find(setting.name);
    const auto is = after.find(setting.name);
    if (is != after.end()) {
      if (was == before.end() || was->second != is->second)
        values.insert_or_assign(std::string(setting.name), is->second);
    } else if (was != before.end()) {
      values.erase(std::string(setting.name));
    }
  }
}

}  // namespace

const SettingValue* SettingLayers::find(SettingLayer layer, const Setting& setting,
                                        std::string_view model) const {
  const SettingValues* values = layer == SettingLayer::file           ? &file
                                : layer == SettingLayer::command_line ? &command_line
                                                                      : nullptr;
  if (layer == SettingLayer::model) {
    const auto own = models.find(model);
    if (own != models.end()) values = &own->second;
  }
  if (values == nullptr) return nullptr;
  const auto found = values->find(setting.name);
  return found == values->end() ? nullptr : &found->second;
}

SettingLayer SettingLayers::origin(const Setting& setting, std::string_view model,
                                   SettingLayer top) const {
  for (const auto layer : {SettingLayer::command_line, SettingLayer::model, SettingLayer::file}) {
    if (layer <= top && find(layer, setting, model) != nullptr) return layer;
  }
  return SettingLayer::program;
}

SettingValue SettingLayers::value(const Setting& setting, std::string_view model,
                                  SettingLayer top) const {
  const SettingValue* found = find(origin(setting, model, top), setting, model);
  return found != nullptr ? *found : setting.of(program);
}

Settings SettingLayers::resolve(std::string_view model) const {
  Settings settings = program;
  for (const Setting& setting : all_settings()) setting.put(settings, value(setting, model));
  return settings;
}

void SettingLayers::set(SettingLayer layer, const Setting& setting, SettingValue value,
                        std::string_view model) {
  CHECK(layer == SettingLayer::file || layer == SettingLayer::model);
  CHECK(layer == SettingLayer::file || setting.per_model);
  reset(layer, setting, model);
  SettingValues& values =
      layer == SettingLayer::file ? file : models.try_emplace(std::string(model)).first->second;
  // The file says only what differs from the program's own.
  if (layer == SettingLayer::file && value == setting.of(program)) return;
  values.insert_or_assign(std::string(setting.name), std::move(value));
}

void SettingLayers::reset(SettingLayer layer, const Setting& setting, std::string_view model) {
  const auto drop = [&](SettingValues& values) {
    const auto found = values.find(setting.name);
    if (found != values.end()) values.erase(found);
  };
  drop(command_line);
  if (layer == SettingLayer::file) drop(file);
  const auto own = models.find(model);
  if (layer == SettingLayer::model && own != models.end()) drop(own->second);
}

void SettingLayers::take_changes(const SettingLayers& before, const SettingLayers& after) {
  take(file, before.file, after.file);
  take(command_line, before.command_line, after.command_line);
  for (const auto& [path, values] : after.models) {
    const auto was = before.models.find(path);
    take(models[path], was != before.models.end() ? was->second : SettingValues(), values);
  }
}

std::vector<const Setting*> differing_on_opening(const Settings& a, const Settings& b) {
  std::vector<const Setting*> differing;
  for (const Setting& setting : all_settings()) {
    if (setting.applies == SettingApplies::on_opening && setting.of(a) != setting.of(b)) {
      differing.push_back(&setting);
    }
  }
  return differing;
}

}  // namespace mneme

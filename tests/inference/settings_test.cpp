// SPDX-License-Identifier: Apache-2.0
// The table of settings itself, and the layers that values come from.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "inference/settings/layers.h"

namespace mneme {
namespace {

std::string refusal(const char* name, const char* text) {
  const auto value = parse_setting(find_setting(name), text);
  return value ? "" : value.error().message;
}

TEST(SettingTable, NamesAndFlagsAreUniqueAndEachRowIsWhole) {
  std::set<std::string_view> names, flags;
  for (const Setting& setting : all_settings()) {
    const std::string name(setting.name);
    EXPECT_TRUE(names.insert(setting.name).second) << name;
    EXPECT_NE(name.find('/'), std::string::npos) << name;
    if (!setting.flags.empty()) {
      EXPECT_TRUE(flags.insert(setting.flags).second) << name;
    }
    EXPECT_FALSE(setting.label.empty()) << name;
    EXPECT_TRUE(setting.help.ends_with('.')) << name;
    ASSERT_NE(setting.get, nullptr) << name;
    EXPECT_TRUE(check_setting(setting, default_of(setting))) << name;
    EXPECT_EQ(setting.kind == SettingKind::choice, !setting.choices.empty()) << name;
    // What no dialog can show, and what a flag could not change.
    EXPECT_FALSE(setting.kind == SettingKind::texts && setting.kept) << name;
    EXPECT_FALSE(!setting.flags.empty() && default_of(setting) == SettingValue(true)) << name;
  }
}

// As the settings file and as the command line have it.
TEST(SettingTable, EveryDefaultComesBackFromTheTextThatItIsWrittenAs) {
  for (const Setting& setting : all_settings()) {
    if (!setting.kept) continue;
    const SettingValue value = default_of(setting);
    const StoredSetting stored = setting_from_file(setting, setting_to_file(setting, value));
    EXPECT_EQ(stored.problem, "");
    EXPECT_EQ(stored.value, value) << setting.name;
    Settings settings;
    setting.put(settings, value);
    EXPECT_EQ(setting.of(settings), value) << setting.name;
  }
}

TEST(SettingTable, TheLimitsAreTakenAndWhatIsBeyondIsRefusedWithTheRange) {
  for (const Setting& setting : all_settings()) {
    if (setting.kind != SettingKind::whole) continue;
    const auto least = static_cast<std::int64_t>(setting.least);
    const auto most = static_cast<std::int64_t>(setting.most);
    for (const std::int64_t limit : {least, most}) {
      EXPECT_TRUE(parse_setting(setting, std::to_string(limit))) << setting.name;
      Settings settings;
      setting.put(settings, limit);
      EXPECT_EQ(setting.of(settings), SettingValue(limit)) << setting.name;
    }
    EXPECT_FALSE(parse_setting(setting, std::to_string(least - 1))) << setting.name;
    EXPECT_FALSE(parse_setting(setting, std::to_string(most + 1))) << setting.name;
    EXPECT_EQ(nearest_value(setting, most + 1), SettingValue(most)) << setting.name;
  }
  EXPECT_EQ(refusal("model/threads", "many"), "'many' is not a whole number from 0 to 256");
  EXPECT_EQ(refusal("new_chats/top_p", "0"), "'0' is not a number from 0.01 to 1");
  EXPECT_EQ(refusal("window/theme", "pink"), "'pink' is not system, light or dark");
  EXPECT_EQ(refusal("model/device", ""), "its value is empty");
  EXPECT_EQ(refusal("model/ram_budget_mib", "1.5MiB"), "");
}

TEST(SettingTable, ASizeInTheFileCountsItsUnit) {
  const Setting& budget = find_setting("model/ram_budget_mib");
  EXPECT_EQ(setting_from_file(budget, "64").value, SettingValue(std::int64_t{64} << 20));
  EXPECT_EQ(setting_to_file(budget, std::int64_t{64} << 20), "64");
  EXPECT_EQ(setting_to_file(budget, std::int64_t{3} << 19), "1.5");
  const StoredSetting below = setting_from_file(budget, "-5");
  EXPECT_EQ(below.value, SettingValue(std::int64_t{0}));
  EXPECT_EQ(below.problem,
            "model/ram_budget_mib: '-5' is not a number from 0 to 1073741824 MiB; 0 is used");
}

TEST(SettingTable, HelpSaysWhatHoldsWithoutTheOption) {
  const auto help = [](const char* name) {
    return help_text(find_setting(name), default_of(find_setting(name)));
  };
  EXPECT_TRUE(help("model/threads").ends_with("(0 to 256; default: 0, automatic)"));
  EXPECT_TRUE(help("new_chats/temperature").ends_with("(0 to 10; default: 0.7)"));
  EXPECT_TRUE(help("model/verify").ends_with("(off, sampled or always; default: sampled)"));
  EXPECT_TRUE(help("model/path").ends_with("(default: the default model)"));
}

class SettingLayersTest : public ::testing::Test {
 protected:
  std::int64_t context(std::string_view model) { return layers_.resolve(model).engine.context; }

  const Setting& context_ = find_setting("model/context");
  SettingLayers layers_;
};

TEST_F(SettingLayersTest, TheUppermostLayerWins) {
  EXPECT_EQ(context("a"), 0);
  layers_.set(SettingLayer::file, context_, 4096);
  layers_.set(SettingLayer::model, context_, 512, "a");
  EXPECT_EQ(context("a"), 512);
  EXPECT_EQ(context("b"), 4096);
  EXPECT_EQ(context(""), 4096);
  layers_.command_line["model/context"] = 64;
  EXPECT_EQ(context("a"), 64);
  EXPECT_EQ(layers_.origin(context_, "a"), SettingLayer::command_line);
  EXPECT_EQ(layers_.value(context_, "a", SettingLayer::model), SettingValue(512));
  EXPECT_EQ(layers_.value(context_, "a", SettingLayer::file), SettingValue(4096));
  EXPECT_EQ(layers_.value(context_, "a", SettingLayer::program), SettingValue(0));
}

TEST_F(SettingLayersTest, WhatIsChosenAnewEndsWhatTheCommandLineSaid) {
  layers_.command_line["model/context"] = 64;
  layers_.set(SettingLayer::file, context_, 1024);
  EXPECT_EQ(context(""), 1024);
  EXPECT_EQ(layers_.origin(context_, ""), SettingLayer::file);
}

TEST_F(SettingLayersTest, AValueThatIsTheProgramsOwnIsNotKept) {
  layers_.set(SettingLayer::file, context_, 4096);
  layers_.set(SettingLayer::file, context_, 0);
  EXPECT_TRUE(layers_.file.empty());
  // A model's own may be the program's where all models have another.
  layers_.set(SettingLayer::file, context_, 4096);
  layers_.set(SettingLayer::model, context_, 0, "a");
  EXPECT_EQ(context("a"), 0);
  layers_.reset(SettingLayer::model, context_, "a");
  EXPECT_EQ(context("a"), 4096);
  layers_.reset(SettingLayer::file, context_);
  EXPECT_EQ(layers_.origin(context_, "a"), SettingLayer::program);
}

// A dialog works on a copy; a model that is opened meanwhile is remembered in the layers.
TEST_F(SettingLayersTest, WhatWasEditedInACopyIsTakenAndTheRestStays) {
  const Setting& threads = find_setting("model/threads");
  layers_.set(SettingLayer::file, threads, 4);
  layers_.set(SettingLayer::model, threads, 5, "a");
  layers_.command_line["model/exact"] = true;
  const SettingLayers before = layers_;
  SettingLayers edited = before;
  edited.set(SettingLayer::file, context_, 512);
  edited.set(SettingLayer::model, context_, 64, "a");
  edited.set(SettingLayer::model, context_, 32, "b");
  edited.reset(SettingLayer::model, threads, "a");
  edited.reset(SettingLayer::file, find_setting("model/exact"));
  layers_.set(SettingLayer::file, find_setting("model/path"), "meanwhile.gguf");
  layers_.set(SettingLayer::file, threads, 6);
  layers_.take_changes(before, edited);
  EXPECT_EQ(layers_.resolve("").engine.model_path, "meanwhile.gguf");
  EXPECT_EQ(layers_.resolve("a").engine.threads, 6);
  EXPECT_EQ(context(""), 512);
  EXPECT_EQ(context("a"), 64);
  EXPECT_EQ(context("b"), 32);
  EXPECT_FALSE(layers_.resolve("").engine.exact);
}

TEST_F(SettingLayersTest, WhatNeedsTheModelOpenedAgainIsNamed) {
  const Settings before = layers_.resolve("");
  for (const char* name : {"window/zoom", "model/ram_budget_mib", "new_chats/top_k"}) {
    const Setting& setting = find_setting(name);
    layers_.set(SettingLayer::file, setting,
                setting.kind == SettingKind::real ? SettingValue(1.5) : SettingValue(5 << 20));
  }
  EXPECT_TRUE(differing_on_opening(before, layers_.resolve("")).empty());
  layers_.set(SettingLayer::file, find_setting("model/device"), "cpu");
  layers_.set(SettingLayer::file, find_setting("model/gpu_layers"), 3);
  const auto differing = differing_on_opening(before, layers_.resolve(""));
  ASSERT_EQ(differing.size(), 2u);
  EXPECT_EQ(differing[0]->name, "model/device");
  EXPECT_EQ(differing[1]->name, "model/gpu_layers");
}

}  // namespace
}  // namespace mneme

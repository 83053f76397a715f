// SPDX-License-Identifier: Apache-2.0
// Config <-> the file of settings, a visitor each way. What is not in the file keeps its default;
// what is out of range is brought into it. UI thread.
#pragma once

#include "inference/config.h"
#include "ui/bridge/settings_file.h"

namespace mneme {

Config readConfig(const SettingsFile& file);
void writeConfig(SettingsFile& file, const Config& config);

}  // namespace mneme

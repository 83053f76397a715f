// SPDX-License-Identifier: Apache-2.0
// Config <-> the one INI file, a visitor each way. What is not in the file keeps its default; what
// is out of range is brought into it. UI thread.
#pragma once

#include <QString>

#include "inference/config.h"

namespace mneme {

Config readConfig(const QString& file);
void writeConfig(const QString& file, const Config& config);

}  // namespace mneme

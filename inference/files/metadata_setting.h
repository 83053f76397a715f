// SPDX-License-Identifier: Apache-2.0
// What a key of a GGUF is set to, for rules about it: which values change nothing, and the error
// for one that Mneme does not compute with.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "inference/files/metadata.h"

namespace mneme {

// A number, true (1) or false (0), or an array of them; empty for text.
std::vector<double> setting_numbers(const Metadata& file, const MetadataEntry& entry);

// Unsupported: names the key and what it is set to.
Error setting_not_computed(const Metadata& file, const MetadataEntry& entry);

}  // namespace mneme

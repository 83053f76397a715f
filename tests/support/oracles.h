// SPDX-License-Identifier: Apache-2.0
// Models and vocabularies with exact answers that other programs made: a folder of folders.
#pragma once

#include <filesystem>

namespace mneme {

// The one that MNEME_ORACLES names, else tests/data/oracles.
std::filesystem::path oracles_folder();

}  // namespace mneme

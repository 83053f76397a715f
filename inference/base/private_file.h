// SPDX-License-Identifier: Apache-2.0
// Files and folders that only their owner may read: what a person said, and what was read for it.
#pragma once

#include <string>

#include "base/result.h"

namespace mneme {

// Makes the folder and those above it that are missing, for the owner only. One that is there stays
// as it is. Errors: io.
Status make_private_folder(const std::string& path);

// Takes away what others may do with a file or folder of this user; what is not there is left
// alone. Errors: io.
Status make_private(const std::string& path);

// Makes an empty file where there is none, and makes it private. Its content stays. Errors: io.
Status make_private_file(const std::string& path);

}  // namespace mneme

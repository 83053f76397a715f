// SPDX-License-Identifier: Apache-2.0
// The database's versions: a list of SQL texts, where step i takes version i to i + 1. A step that
// was released never changes; a new version appends one.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "inference/store/database.h"

namespace mneme {

std::span<const std::string_view> schema_steps();

// Brings the file to version steps.size() in one transaction, after copying an older one to
// "<path>.v<version>.bak". Errors: unsupported (a newer version, or another program's database;
// nothing was changed), io, corrupt.
Status migrate(Database& database, std::span<const std::string_view> steps);

}  // namespace mneme

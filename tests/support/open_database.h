// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "inference/store/database.h"

namespace mneme {

inline std::unique_ptr<Database> open_database(const std::string& path) {
  auto database = Database::open(path);
  EXPECT_TRUE(database) << database.error().message;
  return std::move(*database);
}

}  // namespace mneme

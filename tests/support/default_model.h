// SPDX-License-Identifier: Apache-2.0
// Where tests look for the real model: what MNEME_MODEL names, else the place `./dev run` puts it.
// Tests that need it skip with a message when it is not there.
#pragma once

#include <string>

namespace mneme {

std::string default_model_path();

}  // namespace mneme

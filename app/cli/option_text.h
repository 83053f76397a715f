// SPDX-License-Identifier: Apache-2.0
// Options inside the value of an option: `--a "-m 'my model.gguf' --exact"`.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mneme::cli {

// Words between blanks; what stands between ' or " belongs to its word, blanks and all. Nothing
// else has a meaning, so that every path can be written. Errors: invalid (a quote that does not
// end).
Result<std::vector<std::string>> split_words(std::string_view text);

// By the options of `app`. Errors: invalid, with the sentence that the command line would end with.
Status parse_options(CLI::App& app, std::string_view text);

}  // namespace mneme::cli

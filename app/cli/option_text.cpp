// SPDX-License-Identifier: Apache-2.0
#include "app/cli/option_text.h"

#include <algorithm>
#include <utility>

#include "app/cli/values.h"

namespace mneme::cli {

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;  // a word, which may be empty between quotes
  char quote = 0;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      inside = true;
    } else if (!blank) {
      word += c;
      inside = true;
    } else if (inside) {
      words.push_back(std::exchange(word, {}));
      inside = false;
    }
  }
  if (quote != 0) {
    return Error{ErrorCode::invalid, std::string("the quote ") + quote + " has no end"};
  }
  if (inside) words.push_back(std::move(word));
  return words;
}

Status parse_options(CLI::App& app, std::string_view text) {
  auto words = split_words(text);
  if (!words) return words.error();
  std::ranges::reverse(*words);  // as CLI11 takes them
  try {
    app.parse(std::move(*words));
  } catch (const CLI::ParseError& error) {
    return Error{ErrorCode::invalid, usage_sentence(error)};
  }
  return {};
}

}  // namespace mneme::cli

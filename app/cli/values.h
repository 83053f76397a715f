// SPDX-License-Identifier: Apache-2.0
// Options with a value, the one way in which commands take numbers, sizes, choices and names. What
// is not exactly one of the allowed values is a usage error that names the option and what it
// takes; nothing is brought into range in silence. The help says the same range, and the default.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/parse_number.h"
#include "base/result.h"

namespace mneme::cli {

// "800 kB", "41.0 GB"
std::string bytes_text(std::uint64_t bytes);

// `fallback` says in the help what holds without the option; "" = nothing is said. `take` gets each
// value, in the order of the command line, and says what is wrong with it.
CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& type,
                       std::string help, const std::string& range, const std::string& fallback,
                       std::function<Status(const std::string&)> take);

template <class T>
CLI::Option* add_whole(CLI::App& app, const std::string& names, T& value, std::int64_t least,
                       std::int64_t most, const std::string& help, const std::string& fallback) {
  return add_value(app, names, "N", help, std::to_string(least) + " to " + std::to_string(most),
                   fallback, [&value, least, most](const std::string& text) -> Status {
                     const auto number = parse_whole(text, least, most);
                     if (!number) return number.error();
                     if constexpr (requires { value.emplace(); }) {
                       value = static_cast<typename T::value_type>(*number);
                     } else {
                       value = static_cast<T>(*number);
                     }
                     return {};
                   });
}
// With the default that `value` has.
template <class T>
CLI::Option* add_whole(CLI::App& app, const std::string& names, T& value, std::int64_t least,
                       std::int64_t most, const std::string& help) {
  return add_whole(app, names, value, least, most, help, std::to_string(value));
}

CLI::Option* add_size(CLI::App& app, const std::string& names, std::uint64_t& value,
                      std::uint64_t least, const std::string& help, const std::string& fallback);

// Bytes as text; a byte order mark before it is no part of it. `what` is what a person would call
// it: "the prompt". Errors: invalid, where it is not UTF-8 or has a zero byte: it would be read as
// other text than it is.
Result<std::string> check_text(std::string bytes, std::string_view what);

// Text that a model reads or writes, as check_text() has it. `what` is a literal.
CLI::Option* add_text(CLI::App& app, const std::string& names, const std::string& help,
                      const std::string& fallback, std::string_view what,
                      std::function<Status(std::string)> take);

// Any text but an empty one: names of files, devices and the like.
CLI::Option* add_name(CLI::App& app, const std::string& names, std::string& value,
                      const std::string& type, const std::string& help,
                      const std::string& fallback = "");
// The same, as often as it is given.
CLI::Option* add_names(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                       const std::string& type, const std::string& help);

// One of a few words.
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& value,
                        const std::vector<std::pair<std::string, T>>& choices,
                        const std::string& help, const std::string& fallback) {
  std::string words;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    words += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i].first;
  }
  return add_value(app, names, "WORD", help, words, fallback,
                   [&value, choices, words](const std::string& text) -> Status {
                     for (const auto& [word, meaning] : choices) {
                       if (text != word) continue;
                       value = meaning;
                       return {};
                     }
                     return Error{ErrorCode::invalid, "'" + text + "' is not " + words};
                   });
}
// Whose value is the word itself.
CLI::Option* add_choice(CLI::App& app, const std::string& names, std::string& value,
                        const std::vector<std::string>& words, const std::string& help,
                        const std::string& fallback);

// One sentence for a wrong command line.
std::string usage_sentence(const CLI::ParseError& error);

}  // namespace mneme::cli

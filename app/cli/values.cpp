// SPDX-License-Identifier: Apache-2.0
#include "app/cli/values.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace mneme::cli {
namespace {

// Where the first byte lies that is no part of a character; npos: there is none.
std::size_t find_broken_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.kind != Utf8Step::Kind::character) return at;
    at += step.size;
  }
  return std::string_view::npos;
}

}  // namespace

Result<std::string> check_text(std::string bytes, std::string_view what) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (bytes.starts_with(kByteOrderMark)) bytes.erase(0, kByteOrderMark.size());
  if (const std::size_t at = bytes.find('\0'); at != std::string::npos) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} is no text: its byte {} is zero", what, at + 1)};
  }
  if (const std::size_t at = find_broken_utf8(bytes); at != std::string_view::npos) {
    return Error{
        ErrorCode::invalid,
        fmt::format("{} is not UTF-8 text: its byte {} is 0x{:02x}; convert it first, for example "
                    "with iconv",
                    what, at + 1, static_cast<unsigned char>(bytes[at]))};
  }
  return bytes;
}

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (value < 1e6) return fmt::format("{:.0f} kB", value / 1e3);
  if (value < 1e9) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.1f} GB", value / 1e9);
}

CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& type,
                       std::string help, const std::string& range, const std::string& fallback,
                       std::function<Status(const std::string&)> take) {
  std::string more = range;
  if (!fallback.empty()) more += (more.empty() ? "default: " : "; default: ") + fallback;
  if (!more.empty()) help += " (" + more + ")";
  CLI::Option* option =
      app.add_option(names, CLI::callback_t([](const CLI::results_t&) { return true; }), help);
  option->type_name(type);
  return option->check([take = std::move(take)](const std::string& text) {
    const Status taken = take(text);
    return taken ? std::string() : taken.error().message;
  });
}

CLI::Option* add_size(CLI::App& app, const std::string& names, std::uint64_t& value,
                      std::uint64_t least, const std::string& help, const std::string& fallback) {
  return add_value(app, names, "SIZE", help, "", fallback,
                   [&value, least](const std::string& text) -> Status {
                     const auto bytes = parse_size(text, least);
                     if (!bytes) return bytes.error();
                     value = *bytes;
                     return {};
                   });
}

CLI::Option* add_text(CLI::App& app, const std::string& names, const std::string& help,
                      const std::string& fallback, std::string_view what,
                      std::function<Status(std::string)> take) {
  return add_value(app, names, "TEXT", help, "", fallback,
                   [what, take = std::move(take)](const std::string& given) -> Status {
                     auto text = check_text(given, what);
                     return text ? take(std::move(*text)) : Status(text.error());
                   });
}

namespace {

Status check_name(const std::string& text) {
  return text.empty() ? Status(Error{ErrorCode::invalid, "its value is empty"}) : Status();
}

}  // namespace

CLI::Option* add_name(CLI::App& app, const std::string& names, std::string& value,
                      const std::string& type, const std::string& help,
                      const std::string& fallback) {
  return add_value(app, names, type, help, "", fallback, [&value](const std::string& text) {
    value = text;
    return check_name(text);
  });
}

CLI::Option* add_names(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                       const std::string& type, const std::string& help) {
  CLI::Option* option =
      add_value(app, names, type, help, "", "", [&values](const std::string& text) {
        values.push_back(text);
        return check_name(text);
      });
  return option->expected(1, CLI::detail::expected_max_vector_size);
}

CLI::Option* add_choice(CLI::App& app, const std::string& names, std::string& value,
                        const std::vector<std::string>& words, const std::string& help,
                        const std::string& fallback) {
  std::vector<std::pair<std::string, std::string>> choices;
  for (const std::string& word : words) choices.emplace_back(word, word);
  return add_choice(app, names, value, choices, help, fallback);
}

std::string usage_sentence(const CLI::ParseError& error) {
  std::string text = error.what();
  constexpr std::string_view kTwice = ": At Most 1 required but received ";
  if (const std::size_t at = text.find(kTwice); at != std::string::npos) {
    return fmt::format("{} is given {} times, but holds one value", text.substr(0, at),
                       text.substr(at + kTwice.size()));
  }
  constexpr std::string_view kOne = ": 1 required ";
  if (const std::size_t at = text.find(kOne);
      at != std::string::npos && text.ends_with(" missing")) {
    return text.substr(0, at) + ": its value is missing";
  }
  return text;
}

}  // namespace mneme::cli

// SPDX-License-Identifier: Apache-2.0
#include "app/cli/read_tokens.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/cli/options.h"
#include "app/cli/values.h"
#include "inference/machine/small_file.h"

namespace mneme::cli {
namespace {

// Takes the list item by item and stops at the first thing that is none: nothing that a file says
// of itself, such as lists in lists without end, takes memory.
class IdReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  Status status(const std::string& path) {
    if (wrong_.empty() && !closed_) wrong_ = "it is no JSON";
    if (wrong_.empty() && ids_.empty()) wrong_ = "it is empty";
    if (wrong_.empty()) return {};
    return Error{ErrorCode::invalid,
                 fmt::format("{} is not a JSON list of token ids: {}", path, wrong_)};
  }
  std::vector<TokenId> take() { return std::move(ids_); }

  bool start_array(std::size_t) override {
    if (inside_) return refuse("a list");
    return inside_ = true;
  }
  bool end_array() override { return closed_ = true; }
  bool number_unsigned(std::uint64_t value) override {
    if (!inside_) return refuse("a number");
    if (value > static_cast<std::uint64_t>(std::numeric_limits<TokenId>::max())) {
      return refuse(fmt::format("{}, which is no token id", value));
    }
    ids_.push_back(static_cast<TokenId>(value));
    return true;
  }
  bool number_integer(std::int64_t value) override {
    return refuse(fmt::format("{}, which is no token id", value));
  }
  bool number_float(double, const std::string& text) override {
    return refuse(fmt::format("{}, which is no token id", text));
  }
  bool null() override { return refuse("null"); }
  bool boolean(bool value) override { return refuse(value ? "true" : "false"); }
  bool string(std::string&) override { return refuse("a text"); }
  bool binary(nlohmann::json::binary_t&) override { return refuse("bytes"); }
  bool start_object(std::size_t) override { return refuse("an object"); }
  bool key(std::string&) override { return false; }
  bool end_object() override { return false; }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    wrong_ = fmt::format("it is no JSON from its byte {} on", position);
    return false;
  }

 private:
  bool refuse(std::string_view what) {
    wrong_ = inside_ ? fmt::format("its item {} is {}", ids_.size() + 1, what)
                     : fmt::format("it is {}", what);
    return false;
  }

  std::vector<TokenId> ids_;
  std::string wrong_;
  bool inside_ = false;
  bool closed_ = false;
};

}  // namespace

Result<std::vector<TokenId>> read_token_ids(const std::string& path) {
  const auto text = read_small_file(path, kTextBytesMax);
  if (!text) return text.error();
  IdReader reader;
  nlohmann::json::sax_parse(*text, &reader);
  RETURN_IF_ERROR(reader.status(path));
  return reader.take();
}

Result<std::string> read_text_file(const std::string& path) {
  auto bytes = read_small_file(path, kTextBytesMax);
  if (!bytes) return bytes.error();
  return check_text(std::move(*bytes), path);
}

}  // namespace mneme::cli

// SPDX-License-Identifier: Apache-2.0
// Template source -> tokens, with the white space control that chat templates are rendered with
// (trim_blocks and lstrip_blocks on, as transformers sets them).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mneme::jinja {

struct Token {
  enum class Kind : std::uint8_t {
    data,
    print_begin,
    print_end,
    block_begin,
    block_end,
    name,
    text,
    integer,
    real,
    op,
    end
  };
  Kind kind = Kind::end;
  std::string text;  // of data and text: the characters meant; of the others: as written
  int line = 0;

  bool is(Kind k, std::string_view t) const { return kind == k && text == t; }
  bool is_op(std::string_view t) const { return is(Kind::op, t); }
  bool is_name(std::string_view t) const { return is(Kind::name, t); }
};

// Ends with one token of kind end. Errors: unsupported, naming the line.
Result<std::vector<Token>> tokenize(std::string_view source);

Error template_error(int line, std::string_view what);

// White space as Python's str.strip sees it.
bool is_space(char32_t code);
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

}  // namespace mneme::jinja

// SPDX-License-Identifier: Apache-2.0
// Values as text: as Python's str and repr write them, and as JSON. Errors go to the Context.
#pragma once

#include <optional>
#include <string>

#include "inference/text/jinja_context.h"
#include "inference/text/jinja_value.h"

namespace mneme::jinja {

Text printed(Context& context, const Value& value);  // as {{ }} prints it
Text repr(Context& context, const Value& value);     // as it stands inside of a printed list
std::string real_text(double value);                 // as Python writes a float

struct JsonOptions {
  bool ascii = false;  // other characters become \u escapes
  bool sort_keys = false;
  std::optional<Text> indent;  // one level's; without: all on one line
  Text item_separator{", "};
  Text key_separator{": "};
};
Value to_json(Context& context, const Value& value, const JsonOptions& options);

}  // namespace mneme::jinja

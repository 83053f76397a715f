// SPDX-License-Identifier: Apache-2.0
// Python's two ways to put values into a text: "%s" % x and "{}".format(x).
#pragma once

#include "inference/text/jinja_context.h"
#include "inference/text/jinja_value.h"

namespace mneme::jinja {

// `values` is a tuple, a mapping for %(name)s, or the one value.
Value format_percent(Context& context, const Text& format, const Value& values);
Value format_braces(Context& context, const Text& format, const Arguments& arguments);

}  // namespace mneme::jinja

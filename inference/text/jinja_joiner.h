// SPDX-License-Identifier: Apache-2.0
// A text put together from parts with another one between them. Each part is charged before it is
// taken in, so that a template is stopped before the text that is too large is made.
#pragma once

#include "inference/text/jinja_context.h"

namespace mneme::jinja {

class Joiner {
 public:
  // `between` outlives it.
  Joiner(Context& context, const Text& between) : context_(context), between_(between) {}

  // False: the template failed, or has spent what it may.
  bool add(const Text& part);
  Value finish(bool markup = false);

 private:
  Context& context_;
  const Text& between_;
  Text out_;
  bool first_ = true;
};

}  // namespace mneme::jinja

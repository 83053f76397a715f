// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_joiner.h"

#include <utility>

namespace mneme::jinja {

bool Joiner::add(const Text& part) {
  context_.charge_bytes(part.bytes.size() + between_.bytes.size() +
                        (part.spans.size() + between_.spans.size()) * sizeof(Text::Span));
  if (context_.failed()) return false;
  if (!first_) out_.append(between_);
  first_ = false;
  out_.append(part);
  return true;
}

Value Joiner::finish(bool markup) {
  out_.markup = markup;
  return context_.failed() ? Value() : context_.text(std::move(out_));
}

}  // namespace mneme::jinja

// SPDX-License-Identifier: Apache-2.0
#include "inference/text/utf8_stream.h"

#include "base/utf8.h"

namespace mneme {

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  std::string_view rest = held_;
  std::string out;
  while (!rest.empty()) {
    const Utf8Step step = utf8_step(rest);
    if (step.kind == Utf8Step::Kind::incomplete) break;
    out += step.kind == Utf8Step::Kind::character ? rest.substr(0, step.size) : kReplacement;
    rest.remove_prefix(step.size);
  }
  held_.erase(0, held_.size() - rest.size());
  return out;
}

std::string Utf8Stream::finish() {
  const bool half = !held_.empty();
  held_.clear();
  return half ? std::string(kReplacement) : std::string();
}

}  // namespace mneme

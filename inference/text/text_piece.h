// SPDX-License-Identifier: Apache-2.0
// A stretch of a prompt and where it came from. A special token is only ever made of text that is
// wholly the template's: what a person wrote cannot end a turn.
#pragma once

#include <cstdint>
#include <string>

namespace mneme {

struct TextPiece {
  std::string text;
  bool user = false;          // a message's content; false: the template's own text
  std::int32_t message = -1;  // index of that message; -1 for the template's own text

  friend bool operator==(const TextPiece&, const TextPiece&) = default;
};

}  // namespace mneme

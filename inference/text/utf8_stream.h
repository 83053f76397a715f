// SPDX-License-Identifier: Apache-2.0
// Turns the bytes of streamed tokens into text: holds back half a character until the rest arrives,
// so that what it gives is always whole. One stream per answer; one thread.
#pragma once

#include <string>
#include <string_view>

namespace mneme {

class Utf8Stream {
 public:
  // The characters that are whole after these bytes; bytes that can never be one become U+FFFD.
  std::string push(std::string_view bytes);

  // At the end of the answer: U+FFFD if half a character was left, else nothing.
  std::string finish();

  bool holds_back() const { return !held_.empty(); }

 private:
  std::string held_;  // at most 3 bytes
};

}  // namespace mneme

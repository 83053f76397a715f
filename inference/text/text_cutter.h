// SPDX-License-Identifier: Apache-2.0
// The regular expressions of published pre-tokenizers, written out: what their alternatives take at
// a place in a text. Time is linear in the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace mneme {

// How a kind cuts. The expressions themselves stand in pre_tokenizer.cpp.
struct CutRules {
  enum class Shape : std::uint8_t {
    gpt2,          // words and numbers, with a space in front of them
    modern,        // words with any one character in front of them
    by_case,       // words that end where a capital follows a small letter
    deepseek_v3,   // words with marks; beside them only punctuation and symbols
    deepseek_llm,  // one class of characters after another: deepseek_llm_cutter.h
  };
  Shape shape = Shape::gpt2;
  std::size_t numbers_max = 1;  // in a piece; pieces of gpt2 hold any number of them
  bool numbers_first = false;   // they are cut out before the rest is looked at
  bool marks_in_words = false;
  bool contractions = true;  // "'s" and the like are a piece, or end one
};

// Gives the pieces of `text` (valid UTF-8) to `take`, in order. False: `take` wants no more.
bool cut_text(const CutRules& rules, std::string_view text,
              const std::function<bool(std::string_view)>& take);

}  // namespace mneme

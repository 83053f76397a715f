// SPDX-License-Identifier: Apache-2.0
// Tokenizer compression: tokens whose texts differ only in case, accents, width or surrounding
// blanks share one class (SPEC.md, section 1). The one place that knows ICU.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace mneme {

// The key that decides a token's class. `decoded`: the bytes the token stands for, special tokens
// kept; `raw`: its string in the vocabulary, used where `decoded` is not whole UTF-8 or holds
// U+FFFD. Errors: unsupported, when ICU's normalisation data is missing.
Result<std::string> class_key(std::string_view decoded, std::string_view raw);

// Builds the map token id -> class; tokens are added in id order.
class CompressedVocab {
 public:
  // The class of the next token id: that of the first token with an equal key, or a new one.
  Result<ClassId> add(std::string_view decoded, std::string_view raw);

  // The next id gets a class of its own, whatever comes later (V4.1's padding of its vocabulary).
  ClassId add_distinct();

  const std::vector<ClassId>& map() const { return map_; }  // [tokens added]
  ClassId class_count() const { return class_count_; }      // V

 private:
  std::unordered_map<std::string, ClassId> classes_;
  std::vector<ClassId> map_;
  ClassId class_count_ = 0;
};

}  // namespace mneme

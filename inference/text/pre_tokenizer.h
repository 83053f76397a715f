// SPDX-License-Identifier: Apache-2.0
// Cuts text into the pieces within which byte-level BPE merges, as a model's published tokenizer
// does. A small value; any thread.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mneme {

struct PreTokenizerKind;

class PreTokenizer {
 public:
  // `name` is the GGUF's tokenizer.ggml.pre. Errors: unsupported, naming it.
  static Result<PreTokenizer> open(std::string_view name);
  // The one whose published regular expressions these are, one after another, each seeing only its
  // piece of the one before. Empty: none of those known here.
  static std::optional<PreTokenizer> of_patterns(std::span<const std::string> patterns);

  static std::string_view gpt2_pattern();  // which a tokenizer.json leaves unsaid

  // Gives the pieces of `text` (valid UTF-8) to `take`, in order; together they are `text`. False:
  // `take` did not want the rest, which was not cut then.
  using Take = std::function<bool(std::string_view)>;
  bool split(std::string_view text, const Take& take) const;

  std::string_view name() const;
  bool ignore_merges() const;  // a piece that is in the vocabulary as a whole is one token
  bool composes() const;       // text is brought to Unicode form NFC first
  bool adds_bos() const;       // models of this kind want BOS unless their file says otherwise

 private:
  explicit PreTokenizer(const PreTokenizerKind& kind) : kind_(&kind) {}
  const PreTokenizerKind* kind_;
};

}  // namespace mneme

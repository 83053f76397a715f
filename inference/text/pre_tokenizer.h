// SPDX-License-Identifier: Apache-2.0
// Cuts text into the pieces within which byte-level BPE merges, as a model's published tokenizer
// does. The only file that knows PCRE2 is pre_tokenizer.cpp. Immutable: any thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace mneme {

class PreTokenizer {
 public:
  // `name` is the GGUF's tokenizer.ggml.pre. Errors: unsupported, naming it.
  static Result<PreTokenizer> open(std::string_view name);
  static Status check_name(std::string_view name);  // the same error, without making one

  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // Gives the pieces of `text` (valid UTF-8) to `take`, in order; together they are `text`. False:
  // `take` did not want the rest, which was not cut then.
  using Take = std::function<bool(std::string_view)>;
  bool split(std::string_view text, const Take& take) const;

  bool ignore_merges() const;  // a piece that is in the vocabulary as a whole is one token
  bool composes() const;       // text is brought to Unicode form NFC first
  bool adds_bos() const;       // models of this kind want BOS unless their file says otherwise

 private:
  struct Impl;
  explicit PreTokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
// Text <-> token ids: byte-level BPE or that of SentencePiece, as the file of a model defines it.
// Owned by the Engine; immutable after it is made, so every function may be called from any thread.
// The file may be closed afterwards: nothing points into it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/files/metadata.h"
#include "inference/text/text_piece.h"
#include "inference/text/vocabulary.h"

namespace mneme {

enum class Specials : std::uint8_t {
  ignore,  // text a person wrote: "<|im_end|>" is ten ordinary characters
  parse,   // text of a template, or the user asked for it
};

class Tokenizer {
 public:
  // Errors: corrupt (ids outside the vocabulary, lists of other sizes, merges of no tokens).
  static Result<Tokenizer> create(Vocabulary vocabulary);
  // Of the vocabulary in this file. Errors: those of read_gguf_vocabulary(), too.
  static Result<Tokenizer> from_gguf(const Metadata& file);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Broken UTF-8 becomes U+FFFD. BOS is not added: see adds_bos().
  std::vector<TokenId> encode(std::string_view text, Specials specials = Specials::ignore) const;

  // A prompt: the pieces are read as one text, as the model's own tokenizer would, except that a
  // special token never touches a piece of the user's.
  std::vector<TokenId> encode(std::span<const TextPiece> pieces) const;
  // The same, unless there are more tokens than `most`: then nothing, and no more work than that
  // takes to find out.
  std::optional<std::vector<TokenId>> encode(std::span<const TextPiece> pieces,
                                             std::size_t most) const;

  // The bytes a token stands for; half a character is possible (see Utf8Stream). A special token
  // gives its name. Ids outside the vocabulary give nothing.
  std::string decode(TokenId id) const;
  void append_decoded(TokenId id, std::string& out) const;
  // Of a whole text: without the space that SentencePiece put in front. Bytes, broken ones left as
  // they are.
  std::string decode(std::span<const TokenId> ids) const;

  std::int32_t vocab_size() const;
  bool contains(TokenId id) const { return id >= 0 && id < vocab_size(); }
  // As stored: byte-level alphabet for normal tokens ("Ġthe"), or with a mark for spaces ("▁the");
  // the plain name for special ones.
  std::string_view vocab_text(TokenId id) const;
  TokenType type(TokenId id) const;
  // Control, unknown or user-defined: not made by merging ordinary text.
  bool is_special(TokenId id) const;
  std::optional<TokenId> find(std::string_view vocab_text) const;  // lowest id; empty when unknown

  // End of generation: the file's eos, eot and eom, what stands between files of code, and special
  // tokens with the usual names.
  bool is_end(TokenId id) const;
  const std::vector<TokenId>& end_tokens() const;  // ascending
  // Never picked in an answer, however probable: the file says so.
  const std::vector<TokenId>& suppressed() const;  // ascending
  std::optional<TokenId> bos() const;
  std::optional<TokenId> eos() const;
  bool adds_bos() const;  // only where the file, or the kind it names, asks for it

  std::string_view pre_tokenizer() const;  // its name in a GGUF; empty for SentencePiece

  // Digest of what defines the ids, 64 hex digits: SHA-256 over, all integers little-endian,
  //   "mneme-tokenizer-1" (17 bytes), u32 number of tokens,
  //   for each token in id order: u32 length, its vocab_text as stored, u8 type,
  //   u32 number of merges, for each in order: u32 length, its text as stored ("Ġ t"),
  //   and, where neighbours merge by scores: u32 number of scores, the scores as f32.
  // Types are 1 for all where the file has none. This is engram.tokenizer_sha256 of memory packs
  // (engram/PACK.md).
  const std::string& sha256() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace mneme

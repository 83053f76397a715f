// SPDX-License-Identifier: Apache-2.0
// Bytes that begin like a GGUF file are loaded as a vocabulary; any others are text for a small
// one: the first byte picks the pre-tokenizer, the second whether special tokens are read.
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "inference/files/gguf.h"
#include "inference/text/tokenizer.h"
#include "inference/text/utf8_stream.h"
#include "tests/support/tiny_vocabulary.h"

namespace mneme {
namespace {

Tokenizer make(const char* pre) {
  TinyVocabulary v("gpt2", pre);
  v.add("<|im_end|>", TokenType::control);
  v.add("<|im_", TokenType::user_defined);
  v.add("  ", TokenType::user_defined);
  v.merge("a", "a")
      .merge("a", "b")
      .merge("aa", "aa")
      .merge("\xc4\xa0", "a")
      .merge("\xc4\xa0", "\xc4\xa0");
  const std::string bytes = v.gguf();
  auto file = GgufFile::parse(std::as_bytes(std::span(bytes)), "tiny.gguf");
  CHECK(file.has_value());
  auto tokenizer = Tokenizer::from_gguf(file->metadata());
  CHECK(tokenizer.has_value());
  return std::move(*tokenizer);
}

void load(std::string_view bytes) {
  auto file = GgufFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "fuzz.gguf");
  if (!file) return;
  auto tokenizer = Tokenizer::from_gguf(file->metadata());
  if (!tokenizer) return;
  for (const TokenId id : tokenizer->encode(bytes)) {
    CHECK(tokenizer->contains(id));
    // Of special tokens, the user's text yields runs of white space only. SentencePiece has one for
    // what is unknown, too.
    CHECK(!tokenizer->is_special(id) || tokenizer->pre_tokenizer().empty() ||
          tokenizer->vocab_text(id).find_first_not_of(" \t\n\r") == std::string::npos);
  }
  for (const TokenId id : tokenizer->encode(bytes, Specials::parse)) (void)tokenizer->decode(id);
}

void encode(const Tokenizer& tokenizer, bool composes, bool parse, std::string_view text) {
  const auto ids = tokenizer.encode(text, parse ? Specials::parse : Specials::ignore);
  Utf8Stream stream;
  std::string streamed;
  for (const TokenId id : ids) {
    CHECK(tokenizer.contains(id));
    CHECK(parse || !tokenizer.is_special(id) || tokenizer.vocab_text(id) == "  ");
    streamed += stream.push(tokenizer.decode(id));
  }
  streamed += stream.finish();
  if (!composes) CHECK(streamed == replace_broken_utf8(text));
}

}  // namespace
}  // namespace mneme

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  static const std::array<std::pair<Tokenizer, bool>, 9> kTokenizers{
      {{make("smollm"), false},
       {make("gpt-2"), false},
       {make("llama-bpe"), false},
       {make("qwen2"), true},
       {make("deepseek-v3"), false},
       {make("qwen35"), true},
       {make("gpt-4o"), false},
       {make("tekken"), false},
       {make("deepseek-llm"), false}}};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.substr(0, 4) == "GGUF") {
    load(bytes);
  } else if (size >= 2) {
    const auto& [tokenizer, composes] = kTokenizers[data[0] % kTokenizers.size()];
    encode(tokenizer, composes, data[1] % 2 != 0, bytes.substr(2));
  }
  return 0;
}

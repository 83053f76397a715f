// SPDX-License-Identifier: Apache-2.0
// The texts of tokenizer.json, tokenizer_config.json and generation_config.json, a zero byte
// between them. What is accepted encodes and decodes its own text.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "inference/text/hub_tokenizer.h"
#include "inference/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  std::string_view rest = all;
  const auto next = [&rest] {
    const std::string_view text = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(text.size() + 1, rest.size()));
    return text;
  };
  HubTokenizerFiles files;
  files.folder = "fuzz";
  files.tokenizer = next();
  files.config = next();
  files.generation = next();
  auto read = read_hub_tokenizer(files);
  if (!read) return 0;
  const auto tokenizer = Tokenizer::create(std::move(*read));
  if (!tokenizer) return 0;
  for (const Specials specials : {Specials::ignore, Specials::parse}) {
    const auto ids = tokenizer->encode(all, specials);
    for (const TokenId id : ids) CHECK(tokenizer->contains(id));
    (void)tokenizer->decode(ids);
  }
  return 0;
}

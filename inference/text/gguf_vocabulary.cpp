// SPDX-License-Identifier: Apache-2.0
#include "inference/text/gguf_vocabulary.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/text/gguf_tokenizer_keys.h"

namespace mneme {
namespace {

using Symbols = Vocabulary::Symbols;

// A vocabulary without tokens yet: its kind.
Result<Vocabulary> read_kind(const Metadata& file) {
  Vocabulary vocab;
  vocab.source = file.name();
  auto model = file.require<std::string_view>("tokenizer.ggml.model");
  if (!model) return model.error();
  if (*model != "gpt2" && *model != "llama") {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: the tokenizer \"{}\"{} is not supported; byte-level BPE "
                             "(\"gpt2\") and that of SentencePiece (\"llama\") are",
                             file.name(), printable(*model), *model == "t5" ? " (Unigram)" : "")};
  }
  vocab.symbols = *model == "gpt2" ? Symbols::bytes : Symbols::characters;
  RETURN_IF_ERROR(check_tokenizer_keys(file, vocab.symbols == Symbols::characters));
  if (vocab.symbols == Symbols::characters) return vocab;
  auto name = file.find<std::string_view>("tokenizer.ggml.pre");
  if (!name) return name.error();
  const auto pre = PreTokenizer::open(name->value_or("default"));
  if (!pre) return pre.error().with(file.name());
  vocab.pre = *pre;
  vocab.composes = pre->composes();
  vocab.ignore_merges = pre->ignore_merges();
  return vocab;
}

Status read_types(const Metadata& file, Vocabulary& vocab) {
  vocab.types.assign(vocab.texts.size(), TokenType::normal);
  auto numbers = file.find_array<std::int32_t>("tokenizer.ggml.token_type");
  if (!numbers) return numbers.error();
  if (!numbers->has_value()) return {};
  vocab.types.resize((*numbers)->size());
  for (std::size_t i = 0; i < vocab.types.size(); ++i) {
    const std::int32_t number = (**numbers)[i];
    if (number < 1 || number > 6) {
      return corrupt(file.name(), fmt::format("token {} has the unknown type {}", i, number));
    }
    vocab.types[i] = static_cast<TokenType>(number);
  }
  return {};
}

Status read_merges(const Metadata& file, Vocabulary& vocab) {
  auto lines = file.require_array<std::string_view>("tokenizer.ggml.merges");
  if (!lines) return lines.error();
  for (std::size_t rank = 0; rank < lines->size(); ++rank) {
    const std::string_view line = (*lines)[rank];
    const std::size_t space = line.find(' ', 1);
    if (line.empty() || space == std::string_view::npos) {
      return corrupt(file.name(),
                     fmt::format("merge {} is not two parts with a space between", rank));
    }
    vocab.left.add(line.substr(0, space));
    vocab.right.add(line.substr(space + 1));
  }
  return {};
}

Status read_scores(const Metadata& file, Vocabulary& vocab) {
  auto scores = file.require_array<float>("tokenizer.ggml.scores");
  if (!scores) return scores.error();
  vocab.scores = std::move(*scores);
  auto prefix = file.find<bool>("tokenizer.ggml.add_space_prefix");
  if (!prefix) return prefix.error();
  vocab.strips_space = prefix->value_or(true);
  vocab.added_space =
      vocab.strips_space ? Vocabulary::AddedSpace::always : Vocabulary::AddedSpace::never;
  return {};
}

// An id from metadata; empty when the file does not name one.
Result<std::optional<TokenId>> read_id(const Metadata& file, std::string_view key,
                                       std::size_t vocab) {
  auto value = file.find<std::uint32_t>(key);
  if (!value) return value.error();
  if (!value->has_value()) return std::optional<TokenId>();
  if (**value >= vocab) {
    return corrupt(file.name(), fmt::format("{} is {}, beyond the vocabulary", key, **value));
  }
  return std::optional<TokenId>(static_cast<TokenId>(**value));
}

Status read_ids(const Metadata& file, std::string_view key, std::size_t vocab,
                std::vector<TokenId>& to) {
  auto ids = file.find_array<std::int32_t>(key);
  if (!ids) return ids.error();
  for (const TokenId id : ids->value_or(std::vector<TokenId>())) {
    if (id < 0 || static_cast<std::size_t>(id) >= vocab) {
      return corrupt(file.name(), fmt::format("{} has {}, beyond the vocabulary", key, id));
    }
    to.push_back(id);
  }
  return {};
}

Status read_special_ids(const Metadata& file, Vocabulary& vocab) {
  const std::size_t size = vocab.texts.size();
  struct Named {
    std::string_view key;
    std::optional<TokenId>& id;
    TokenId of_pieces;  // SentencePiece's own, where the file names none
  };
  for (const Named& named : {Named{"tokenizer.ggml.bos_token_id", vocab.bos, 1},
                             {"tokenizer.ggml.eos_token_id", vocab.eos, 2},
                             {"tokenizer.ggml.unknown_token_id", vocab.unknown, 0}}) {
    auto id = read_id(file, named.key, size);
    if (!id) return id.error();
    named.id = *id;
    const bool pieces = vocab.symbols == Symbols::characters;
    if (pieces && !named.id && static_cast<std::size_t>(named.of_pieces) < size) {
      named.id = named.of_pieces;
    }
  }
  // The last three stand between the files of a repository: what a model for code writes behind one
  // is another file.
  for (const std::string_view key :
       {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
        "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
        "tokenizer.ggml.fim_sep_token_id"}) {
    auto id = read_id(file, key, size);
    if (!id) return id.error();
    if (id->has_value()) vocab.ends.push_back(**id);
  }
  RETURN_IF_ERROR(read_ids(file, "tokenizer.ggml.eos_token_ids", size, vocab.ends));
  RETURN_IF_ERROR(read_ids(file, "tokenizer.ggml.suppress_tokens", size, vocab.suppressed));
  auto add = file.find<bool>("tokenizer.ggml.add_bos_token");
  if (!add) return add.error();
  vocab.adds_bos = add->value_or(vocab.pre ? vocab.pre->adds_bos() : true);
  return {};
}

}  // namespace

Status check_gguf_vocabulary(const Metadata& file) {
  const auto vocab = read_kind(file);
  return vocab ? Status() : vocab.error();
}

Result<Vocabulary> read_gguf_vocabulary(const Metadata& file) {
  auto vocab = read_kind(file);
  if (!vocab) return vocab;
  auto texts = file.require_array<std::string_view>("tokenizer.ggml.tokens");
  if (!texts) return texts.error();
  if (texts->size() > Vocabulary::kMaxTokens) {
    return corrupt(file.name(), fmt::format("a vocabulary of {} tokens", texts->size()));
  }
  for (const std::string_view text : *texts) vocab->texts.add(text);
  RETURN_IF_ERROR(read_types(file, *vocab));
  RETURN_IF_ERROR(vocab->symbols == Symbols::bytes ? read_merges(file, *vocab)
                                                   : read_scores(file, *vocab));
  RETURN_IF_ERROR(read_special_ids(file, *vocab));
  return vocab;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "base/sha256.h"
#include "inference/text/tokenizer_impl.h"
#include "inference/text/tokenizer_keys.h"

namespace mneme {
namespace {

constexpr std::size_t kMaxTokens = std::size_t{1} << 24;
constexpr std::array<std::string_view, 9> kEndNames{
    "<|endoftext|>", "<|im_end|>", "<|eot_id|>",      "<|eom_id|>", "<|end|>",
    "<end_of_turn>", "<EOT>",      "<|end_of_text|>", "</s>"};

Error corrupt(const GgufFile& file, std::string_view what) {
  return Error{ErrorCode::corrupt, fmt::format("{}: {}", file.name(), what)};
}

void put_u32(Sha256& sha, std::size_t value) {
  const auto v = static_cast<std::uint32_t>(value);
  sha.update(std::as_bytes(std::span(&v, 1)));
}

void put_text(Sha256& sha, std::string_view text) {
  put_u32(sha, text.size());
  sha.update(std::as_bytes(std::span(text.data(), text.size())));
}

std::string digest(const std::vector<std::string_view>& texts, const std::vector<TokenType>& types,
                   const std::vector<std::string_view>& merges) {
  constexpr std::string_view kTag = "mneme-tokenizer-1";
  Sha256 sha;
  sha.update(std::as_bytes(std::span(kTag.data(), kTag.size())));
  put_u32(sha, texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    put_text(sha, texts[i]);
    sha.update(std::as_bytes(std::span(&types[i], 1)));
  }
  put_u32(sha, merges.size());
  for (const std::string_view merge : merges) put_text(sha, merge);
  return sha.finish_hex();
}

Result<std::vector<TokenType>> read_types(const GgufFile& file, std::size_t vocab) {
  std::vector<TokenType> types(vocab, TokenType::normal);
  auto numbers = file.find_array<std::int32_t>("tokenizer.ggml.token_type");
  if (!numbers) return numbers.error();
  if (!numbers->has_value()) return types;
  if ((*numbers)->size() != vocab) {
    return corrupt(
        file, fmt::format("there are {} tokens but {} token types", vocab, (*numbers)->size()));
  }
  for (std::size_t i = 0; i < vocab; ++i) {
    const std::int32_t number = (**numbers)[i];
    if (number < 1 || number > 6)
      return corrupt(file, fmt::format("token {} has the unknown type {}", i, number));
    types[i] = static_cast<TokenType>(number);
  }
  return types;
}

// An id from metadata; empty when the file does not name one.
Result<std::optional<TokenId>> read_id(const GgufFile& file, std::string_view key,
                                       std::size_t vocab) {
  auto value = file.find<std::uint32_t>(key);
  if (!value) return value.error();
  if (!value->has_value()) return std::optional<TokenId>();
  if (**value >= vocab)
    return corrupt(file, fmt::format("{} is {}, beyond the vocabulary", key, **value));
  return std::optional<TokenId>(static_cast<TokenId>(**value));
}

Result<std::vector<TokenId>> read_ids(const GgufFile& file, std::string_view key,
                                      std::size_t vocab) {
  auto ids = file.find_array<std::int32_t>(key);
  if (!ids) return ids.error();
  std::vector<TokenId> found = ids->value_or(std::vector<TokenId>());
  for (const TokenId id : found) {
    if (id < 0 || static_cast<std::size_t>(id) >= vocab)
      return corrupt(file, fmt::format("{} has {}, beyond the vocabulary", key, id));
  }
  return found;
}

void sort_once(std::vector<TokenId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
}

void store_texts(const std::vector<std::string_view>& texts, std::string& storage,
                 std::vector<std::string_view>& views) {
  std::size_t total = 0;
  for (const std::string_view text : texts) total += text.size();
  storage.reserve(total);
  for (const std::string_view text : texts) storage += text;
  std::size_t at = 0;
  for (const std::string_view text : texts) {
    views.push_back(std::string_view(storage).substr(at, text.size()));
    at += text.size();
  }
}

}  // namespace

Status Tokenizer::Impl::load_merges(const GgufFile& file,
                                    const std::vector<std::string_view>& lines) {
  std::string merged;
  for (std::size_t rank = 0; rank < lines.size(); ++rank) {
    const std::string_view line = lines[rank];
    const std::size_t space = line.find(' ', 1);
    if (line.empty() || space == std::string_view::npos) {
      return corrupt(file, fmt::format("merge {} is not two parts with a space between", rank));
    }
    merged.assign(line.substr(0, space));
    merged += line.substr(space + 1);
    const auto left = ids.find(line.substr(0, space));
    const auto right = ids.find(line.substr(space + 1));
    const auto whole = ids.find(merged);
    if (left == ids.end() || right == ids.end() || whole == ids.end()) {
      return corrupt(file,
                     fmt::format("merge {} names a token that is not in the vocabulary", rank));
    }
    // Text a person wrote must not merge into a special token, whatever the file says.
    if (is_special_type(types[static_cast<std::size_t>(whole->second)])) continue;
    merges.add(left->second, right->second, static_cast<std::uint32_t>(rank), whole->second);
  }
  return {};
}

Status Tokenizer::Impl::load_specials(const GgufFile& file) {
  std::vector<SpecialTokens::Entry> all;
  std::vector<SpecialTokens::Entry> blank;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (types[i] != TokenType::control && types[i] != TokenType::user_defined) continue;
    if (texts[i].empty()) continue;
    if (texts[i].size() > SpecialTokens::kMaxNameBytes) {
      return corrupt(file,
                     fmt::format("the special token {} has a name of {} bytes; 256 are allowed", i,
                                 texts[i].size()));
    }
    all.push_back({std::string(texts[i]), id});
    if (types[i] == TokenType::user_defined && is_blank(texts[i])) blank.push_back(all.back());
    if (std::find(kEndNames.begin(), kEndNames.end(), texts[i]) != kEndNames.end())
      ends.push_back(id);
  }
  specials = SpecialTokens(std::move(all));
  blanks = SpecialTokens(std::move(blank));
  // The last three stand between the files of a repository: what a model for code writes behind one
  // is another file.
  for (const std::string_view key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
        "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
        "tokenizer.ggml.fim_sep_token_id"}) {
    auto id = read_id(file, key, texts.size());
    if (!id) return id.error();
    if (id->has_value()) ends.push_back(**id);
  }
  auto more_ends = read_ids(file, "tokenizer.ggml.eos_token_ids", texts.size());
  if (!more_ends) return more_ends.error();
  ends.insert(ends.end(), more_ends->begin(), more_ends->end());
  sort_once(ends);
  auto never = read_ids(file, "tokenizer.ggml.suppress_tokens", texts.size());
  if (!never) return never.error();
  suppressed = std::move(*never);
  sort_once(suppressed);
  if (suppressed.size() == texts.size()) {
    return corrupt(file, "tokenizer.ggml.suppress_tokens leaves no token to answer with");
  }
  auto eos_id = read_id(file, "tokenizer.ggml.eos_token_id", texts.size());
  auto bos_id = read_id(file, "tokenizer.ggml.bos_token_id", texts.size());
  if (!eos_id) return eos_id.error();
  if (!bos_id) return bos_id.error();
  eos = *eos_id;
  bos = *bos_id;
  auto add = file.find<bool>("tokenizer.ggml.add_bos_token");
  if (!add) return add.error();
  adds_bos = bos.has_value() && add->value_or(pre.adds_bos());
  return {};
}

namespace {

// Errors: unsupported, corrupt; as Tokenizer::from_gguf().
Result<std::string> pre_tokenizer_name(const GgufFile& file) {
  auto model = file.require<std::string_view>("tokenizer.ggml.model");
  if (!model) return model.error();
  if (*model != "gpt2") {
    const std::string_view kind = *model == "llama" ? " (SentencePiece)"
                                  : *model == "t5"  ? " (Unigram)"
                                                    : "";
    return Error{
        ErrorCode::unsupported,
        fmt::format(
            "{}: the tokenizer \"{}\"{} is not supported; only byte-level BPE (\"gpt2\") is",
            file.name(), printable(*model), kind)};
  }
  RETURN_IF_ERROR(check_tokenizer_keys(file));
  auto name = file.find<std::string_view>("tokenizer.ggml.pre");
  if (!name) return name.error();
  return std::string(name->value_or("default"));
}

}  // namespace

Status Tokenizer::check_kind(const GgufFile& file) {
  auto name = pre_tokenizer_name(file);
  if (!name) return name.error();
  const auto pre = PreTokenizer::open(*name);
  if (!pre) return pre.error().with(file.name());
  return {};
}

Result<Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  auto name = pre_tokenizer_name(file);
  if (!name) return name.error();
  auto pre = PreTokenizer::open(*name);
  if (!pre) return pre.error().with(file.name());

  auto texts = file.require_array<std::string_view>("tokenizer.ggml.tokens");
  if (!texts) return texts.error();
  if (texts->empty() || texts->size() > kMaxTokens) {
    return corrupt(file, fmt::format("a vocabulary of {} tokens", texts->size()));
  }
  auto types = read_types(file, texts->size());
  if (!types) return types.error();
  auto merges = file.require_array<std::string_view>("tokenizer.ggml.merges");
  if (!merges) return merges.error();

  auto impl = std::make_unique<Impl>(std::move(*pre), merges->size());
  impl->pre_name = *name;
  impl->sha256 = digest(*texts, *types, *merges);
  impl->types = std::move(*types);
  store_texts(*texts, impl->storage, impl->texts);
  impl->ids.reserve(impl->texts.size());
  for (std::size_t i = 0; i < impl->texts.size(); ++i) {
    impl->ids.emplace(impl->texts[i], static_cast<TokenId>(i));
    // As stored: never shorter than the bytes it stands for.
    impl->token_bytes_max = std::max(impl->token_bytes_max, impl->texts[i].size());
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto it = impl->ids.find(byte_character(static_cast<unsigned char>(byte)));
    const bool known = it != impl->ids.end() &&
                       !is_special_type(impl->types[static_cast<std::size_t>(it->second)]);
    impl->byte_ids[static_cast<std::size_t>(byte)] = known ? it->second : -1;
  }
  RETURN_IF_ERROR(impl->load_merges(file, *merges));
  RETURN_IF_ERROR(impl->load_specials(file));
  return Tokenizer(std::unique_ptr<const Impl>(std::move(impl)));
}

}  // namespace mneme

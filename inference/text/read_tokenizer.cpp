// SPDX-License-Identifier: Apache-2.0
#include "inference/text/read_tokenizer.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "inference/text/gguf_vocabulary.h"
#include "inference/text/hub_tokenizer.h"

namespace mneme {
namespace {

std::string_view view_of(const std::optional<std::string>& text) {
  return text ? std::string_view(*text) : std::string_view();
}

// The ids that the embedding has rows for.
Result<std::size_t> rows_of(const ModelSource& source) {
  auto architecture = source.metadata().require<std::string_view>("general.architecture");
  if (!architecture) return architecture.error();
  auto rows = source.metadata().require<std::uint32_t>(fmt::format("{}.vocab_size", *architecture));
  if (!rows) return rows.error();
  return std::size_t{*rows};
}

}  // namespace

Status check_tokenizer(const ModelSource& source) {
  if (!source.is_hub_folder()) return check_gguf_vocabulary(source.metadata());
  if (source.texts().tokenizer) return {};
  return Error{ErrorCode::io,
               fmt::format("{} has no tokenizer.json: download it from where the model is from, "
                           "into the same folder",
                           source.path())};
}

Result<Tokenizer> read_tokenizer(const ModelSource& source) {
  if (!source.is_hub_folder()) return Tokenizer::from_gguf(source.metadata());
  RETURN_IF_ERROR(check_tokenizer(source));
  auto rows = rows_of(source);
  if (!rows) return rows.error();
  const SourceTexts& texts = source.texts();
  auto vocabulary =
      read_hub_tokenizer({source.path(), *texts.tokenizer, view_of(texts.tokenizer_config),
                          view_of(texts.generation), *rows});
  if (!vocabulary) return vocabulary.error();
  return Tokenizer::create(std::move(*vocabulary));
}

}  // namespace mneme

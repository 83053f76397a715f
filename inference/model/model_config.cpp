// SPDX-License-Identifier: Apache-2.0
#include "inference/model/model_config.h"

#include <fmt/format.h>

#include <limits>
#include <string_view>

#include "base/printable.h"
#include "inference/families/config_reader.h"
#include "inference/families/family.h"
#include "inference/files/file_error.h"
#include "inference/files/file_kind.h"

namespace mneme {
namespace {

// A folder of the hub says how many rows its embedding has; of which its tokenizer may use fewer.
Result<std::uint64_t> count_tokens(const ModelSource& source) {
  if (source.is_hub_folder()) {
    auto architecture = source.metadata().require<std::string_view>("general.architecture");
    if (!architecture) return architecture.error();
    return source.metadata().require<std::uint64_t>(fmt::format("{}.vocab_size", *architecture));
  }
  const MetadataEntry* tokens = source.metadata().find_entry("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->type != MetadataType::array) {
    return corrupt(source.name(), "the metadata tokenizer.ggml.tokens is missing or no array");
  }
  return tokens->count;
}

// Rows of the embedding behind the last token stand for nothing: none is ever read or picked.
Result<std::int64_t> read_vocabulary(const ModelSource& source) {
  auto embedding = source.require_tensor("token_embd.weight");
  if (!embedding) return embedding.error();
  auto count = count_tokens(source);
  if (!count) return count.error();
  const std::uint64_t rows = (*embedding)->dims[1];
  if (rows < *count) {
    return corrupt(source.name(), fmt::format("there are {} tokens, but {} has only {} rows",
                                              *count, (*embedding)->name_in_file, rows));
  }
  if (*count < 1 || *count > std::numeric_limits<std::int32_t>::max()) {
    return corrupt(source.name(), fmt::format("a vocabulary of {} tokens", *count));
  }
  return static_cast<std::int64_t>(*count);
}

// What every kernel relies on, of whatever family.
Status check_numbers(const ModelSource& source, const ModelConfig& c) {
  for (const LayerSpec& layer : c.layers) {
    const AttentionSpec& a = layer.attention;
    if (a.heads % a.kv_heads != 0) {
      return corrupt(source.name(),
                     fmt::format("{} heads cannot share {} key-value heads", a.heads, a.kv_heads));
    }
  }
  return {};
}

}  // namespace

Result<ModelConfig> ModelConfig::read(const ModelSource& source) {
  ModelConfig c;
  RETURN_IF_ERROR(check_is_model(source.metadata()));
  auto architecture = source.metadata().require<std::string_view>("general.architecture");
  if (!architecture) return architecture.error();
  c.architecture = *architecture;
  c.family = find_family(c.architecture);
  if (c.family == nullptr) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} has the architecture '{}'; Mneme runs models of the architectures {}",
                    source.name(), printable(c.architecture), family_names())};
  }
  auto name = source.metadata().find<std::string_view>("general.name");
  if (!name) return name.error();
  c.name = name->value_or(source.name());
  ConfigReader reader(source);
  c.family->read(reader, c);
  RETURN_IF_ERROR(reader.status());
  auto vocab_size = read_vocabulary(source);
  if (!vocab_size) return vocab_size.error();
  c.vocab_size = *vocab_size;
  RETURN_IF_ERROR(check_numbers(source, c));
  RETURN_IF_ERROR(reader.check_unread(c));
  return c;
}

}  // namespace mneme

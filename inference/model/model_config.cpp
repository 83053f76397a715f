// SPDX-License-Identifier: Apache-2.0
#include "inference/model/model_config.h"

#include <fmt/format.h>

#include <limits>
#include <string_view>

#include "base/printable.h"
#include "inference/families/config_reader.h"
#include "inference/families/family.h"
#include "inference/model/file_error.h"
#include "inference/model/file_kind.h"

namespace mneme {
namespace {

// Rows of the embedding behind the last token stand for nothing: none is ever read or picked.
Result<std::int64_t> read_vocabulary(const GgufFile& file) {
  auto embedding = file.require_tensor("token_embd.weight");
  if (!embedding) return embedding.error();
  const GgufEntry* tokens = file.find_entry("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->type != GgufType::array) {
    return corrupt(file.name(), "the metadata tokenizer.ggml.tokens is missing or no array");
  }
  const std::uint64_t rows = (*embedding)->dims[1];
  if (rows < tokens->count) {
    return corrupt(file.name(),
                   fmt::format("the tokenizer has {} tokens, but token_embd.weight only {} rows",
                               tokens->count, rows));
  }
  if (tokens->count < 1 || tokens->count > std::numeric_limits<std::int32_t>::max()) {
    return corrupt(file.name(), fmt::format("a vocabulary of {} tokens", tokens->count));
  }
  return static_cast<std::int64_t>(tokens->count);
}

// What every kernel relies on, of whatever family.
Status check_numbers(const GgufFile& file, const ModelConfig& c) {
  if (c.dim % 32 != 0)
    return corrupt(file.name(), fmt::format("the width {} is not a multiple of 32", c.dim));
  for (const LayerSpec& layer : c.layers) {
    const AttentionSpec& a = layer.attention;
    if (a.heads % a.kv_heads != 0) {
      return corrupt(file.name(),
                     fmt::format("{} heads cannot share {} key-value heads", a.heads, a.kv_heads));
    }
  }
  return {};
}

}  // namespace

Result<ModelConfig> ModelConfig::from_gguf(const GgufFile& file) {
  ModelConfig c;
  RETURN_IF_ERROR(check_is_model(file));
  auto architecture = file.require<std::string_view>("general.architecture");
  if (!architecture) return architecture.error();
  c.architecture = *architecture;
  c.family = find_family(c.architecture);
  if (c.family == nullptr) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} has the architecture '{}'; Mneme runs models of the architectures {}",
                    file.name(), printable(c.architecture), family_names())};
  }
  auto name = file.find<std::string_view>("general.name");
  if (!name) return name.error();
  c.name = name->value_or(file.name());
  ConfigReader reader(file);
  c.family->read(reader, c);
  RETURN_IF_ERROR(reader.status());
  auto vocab_size = read_vocabulary(file);
  if (!vocab_size) return vocab_size.error();
  c.vocab_size = *vocab_size;
  RETURN_IF_ERROR(check_numbers(file, c));
  RETURN_IF_ERROR(reader.check_unread(c));
  return c;
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/text/gguf_tokenizer_keys.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "inference/files/metadata_setting.h"

namespace mneme {
namespace {

// What read_gguf_vocabulary() reads, of either kind or of one.
constexpr std::array kReadKeys = std::to_array<std::string_view>({
    "add_bos_token",
    "add_space_prefix",
    "bos_token_id",
    "eom_token_id",
    "eos_token_id",
    "eos_token_ids",
    "eot_token_id",
    "fim_pad_token_id",
    "fim_rep_token_id",
    "fim_sep_token_id",
    "merges",
    "model",
    "pre",
    "scores",
    "suppress_tokens",
    "token_type",
    "tokens",
    "unknown_token_id",
});

// What says nothing about how a text is cut, or about when an answer ends.
constexpr std::array kLeftOutKeys = std::to_array<std::string_view>({
    "token_type_count",
    // Pairs of texts, gaps to be filled, batches: a prompt is one text, whole, by itself.
    "add_cls_token",
    "add_mask_token",
    "add_padding_token",
    "add_sep_token",
    "cls_token_id",
    "mask_token_id",
    "padding_token_id",  // engram/PACK.md: pad_id
    "seperator_token_id",
    // A text with a hole in it is not asked for.
    "fim_mid_token_id",
    "fim_pre_token_id",
    "fim_suf_token_id",
    "middle_token_id",
    "prefix_token_id",
    "suffix_token_id",
    // What has neither token nor bytes becomes the unknown token, or is left out.
    "add_unknown_token",
});

// What belongs to Unigram and SentencePiece; llama.cpp reads them for those alone, too.
constexpr std::array kPieceKeys = std::to_array<std::string_view>({
    "precompiled_charsmap",
    "remove_extra_whitespaces",
});

// What would be done to each text before it is cut, or behind it.
constexpr std::array kFalseKeys = std::to_array<std::string_view>({
    "add_eos_token",
    "normalizer.lowercase",
    "normalizer.strip_accents",
});

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

}  // namespace

Status check_tokenizer_keys(const Metadata& file, bool scores) {
  constexpr std::string_view kPrefix = "tokenizer.ggml.";
  for (const MetadataEntry& entry : file.entries()) {
    if (!entry.key.starts_with(kPrefix)) continue;
    const std::string_view key = entry.key.substr(kPrefix.size());
    if (contains(kReadKeys, key) || contains(kLeftOutKeys, key)) continue;
    const bool of_pieces = contains(kPieceKeys, key);
    if (of_pieces && !scores) continue;
    const std::vector<double> is_false = {0};
    if ((of_pieces || contains(kFalseKeys, key)) && setting_numbers(file, entry) == is_false) {
      continue;
    }
    return setting_not_computed(file, entry);
  }
  return {};
}

}  // namespace mneme

// SPDX-License-Identifier: Apache-2.0
#include "inference/text/hub_steps.h"

#include <fmt/format.h>

#include <vector>

#include "base/printable.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

// What the steps before the merges come to.
struct Steps {
  std::vector<std::string> patterns;  // that text is cut by
  bool byte_level = false;
  bool marks_spaces = false;  // as U+2581
};

Error not_supported(const Vocabulary& vocab, std::string_view what, const Json& step) {
  const std::string type = json_text(json_field(step, "type"));
  return Error{ErrorCode::unsupported,
               fmt::format("{}: the {} \"{}\" is not supported as it is set here", vocab.source,
                           what, printable(type.empty() ? "(without a type)" : type))};
}

// Takes a step, or each of a "Sequence" of them, whose list has this name.
template <class Take>
Status each_step(const Json* step, const char* list, const Take& take) {
  if (step == nullptr) return {};
  const Json* steps = json_field(*step, list);
  if (json_text(json_field(*step, "type")) != "Sequence" || steps == nullptr ||
      !steps->is_array()) {
    return take(*step);
  }
  for (const Json& each : *steps) RETURN_IF_ERROR(each_step(&each, list, take));
  return {};
}

Status read_normalizer(const Json& step, Vocabulary& vocab, Steps& steps) {
  const std::string type = json_text(json_field(step, "type"));
  if (type == "NFC") {
    vocab.composes = true;
    return {};
  }
  if (type == "Prepend" && json_text(json_field(step, "prepend")) == Vocabulary::kSpace) {
    vocab.added_space = Vocabulary::AddedSpace::always;
    return {};
  }
  const Json* pattern = json_field(step, "pattern");
  if (type == "Replace" && pattern != nullptr && json_text(json_field(*pattern, "String")) == " " &&
      json_text(json_field(step, "content")) == Vocabulary::kSpace) {
    steps.marks_spaces = true;
    return {};
  }
  return not_supported(vocab, "normalizer", step);
}

Status read_pre_tokenizer(const Json& step, Vocabulary& vocab, Steps& steps) {
  const std::string type = json_text(json_field(step, "type"));
  if (type == "ByteLevel" && !json_flag(step, "add_prefix_space", true)) {
    steps.byte_level = true;
    if (json_flag(step, "use_regex", true)) {
      steps.patterns.emplace_back(PreTokenizer::gpt2_pattern());
    }
    return {};
  }
  if (type == "Digits" && json_flag(step, "individual_digits", false)) {
    steps.patterns.emplace_back("\\p{N}");
    return {};
  }
  const Json* pattern = json_field(step, "pattern");
  if (type == "Split" && pattern != nullptr && !json_flag(step, "invert", false)) {
    const std::string behavior = json_text(json_field(step, "behavior"));
    const std::string regex = json_text(json_field(*pattern, "Regex"));
    if (behavior == "Isolated" && !regex.empty()) {
      steps.patterns.push_back(regex);
      return {};
    }
    // Gemma's: there are no spaces left to cut at.
    if (steps.marks_spaces && json_text(json_field(*pattern, "String")) == " ") return {};
  }
  if (type == "Metaspace" && !json_flag(step, "split", true) &&
      json_text(json_field(step, "replacement")) == Vocabulary::kSpace) {
    const std::string scheme = json_text(json_field(step, "prepend_scheme"));
    if (scheme == "never" || scheme == "first" || scheme == "always") {
      using AddedSpace = Vocabulary::AddedSpace;
      vocab.added_space = scheme == "never"   ? AddedSpace::never
                          : scheme == "first" ? AddedSpace::at_start
                                              : AddedSpace::always;
      steps.marks_spaces = true;
      return {};
    }
  }
  return not_supported(vocab, "pre-tokenizer", step);
}

Status read_decoder(const Json& step, Vocabulary& vocab) {
  const std::string type = json_text(json_field(step, "type"));
  const bool bytes = vocab.symbols == Vocabulary::Symbols::bytes;
  if (bytes && type == "ByteLevel") return {};
  if (!bytes && (type == "Replace" || type == "ByteFallback" || type == "Fuse")) return {};
  if (!bytes && type == "Metaspace") {
    vocab.strips_space = json_text(json_field(step, "prepend_scheme")) != "never";
    return {};
  }
  const Json* start = json_field(step, "start");
  const Json* stop = json_field(step, "stop");
  if (!bytes && type == "Strip" && json_text(json_field(step, "content")) == " " &&
      start != nullptr && *start == 1 && (stop == nullptr || *stop == 0)) {
    vocab.strips_space = true;
    return {};
  }
  return not_supported(vocab, "decoder", step);
}

}  // namespace

const Json* json_field(const Json& json, const char* key) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

std::string json_text(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

bool json_flag(const Json& json, const char* key, bool otherwise) {
  const Json* value = json_field(json, key);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : otherwise;
}

Status read_hub_steps(const Json& tokenizer, Vocabulary& vocab) {
  Steps steps;
  RETURN_IF_ERROR(each_step(json_field(tokenizer, "normalizer"), "normalizers",
                            [&](const Json& step) { return read_normalizer(step, vocab, steps); }));
  RETURN_IF_ERROR(
      each_step(json_field(tokenizer, "pre_tokenizer"), "pretokenizers",
                [&](const Json& step) { return read_pre_tokenizer(step, vocab, steps); }));
  const bool spaces = steps.marks_spaces || vocab.added_space != Vocabulary::AddedSpace::never;
  if (steps.byte_level == spaces || (spaces && (!steps.marks_spaces || !steps.patterns.empty()))) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: its tokens are neither those of byte-level BPE nor those of "
                             "SentencePiece, which are supported",
                             vocab.source)};
  }
  vocab.symbols = spaces ? Vocabulary::Symbols::characters : Vocabulary::Symbols::bytes;
  if (!spaces) {
    vocab.pre = PreTokenizer::of_patterns(steps.patterns);
    if (!vocab.pre) {
      const std::string first = steps.patterns.empty() ? "" : steps.patterns.back();
      return Error{ErrorCode::unsupported,
                   fmt::format("{}: the pre-tokenizer \"{}\" is not supported", vocab.source,
                               printable(first.substr(0, 200)))};
    }
  }
  return each_step(json_field(tokenizer, "decoder"), "decoders",
                   [&](const Json& step) { return read_decoder(step, vocab); });
}

Result<std::optional<std::string>> read_hub_front_token(const Json& tokenizer,
                                                        const std::string& source) {
  std::optional<std::string> front;
  const auto read = [&](const Json& step) -> Status {
    const std::string type = json_text(json_field(step, "type"));
    if (type == "ByteLevel") return {};
    const Json* single = json_field(step, "single");
    const auto not_computed = [&](std::string_view what) {
      return Error{ErrorCode::unsupported, fmt::format("{}: {}", source, what)};
    };
    if (type != "TemplateProcessing" || single == nullptr || !single->is_array()) {
      return not_computed(
          fmt::format("the post-processor \"{}\" is not supported", printable(type)));
    }
    bool text_seen = false;
    for (const Json& part : *single) {
      const Json* special = json_field(part, "SpecialToken");
      if (special == nullptr) {
        text_seen = true;
      } else if (text_seen || front) {
        return not_computed(
            "it puts more around a text than one token in front, which is not supported");
      } else {
        front = json_text(json_field(*special, "id"));
      }
    }
    return {};
  };
  RETURN_IF_ERROR(each_step(json_field(tokenizer, "post_processor"), "processors", read));
  return front;
}

}  // namespace mneme

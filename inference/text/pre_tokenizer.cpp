// SPDX-License-Identifier: Apache-2.0
#include "inference/text/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "inference/text/text_cutter.h"

namespace mneme {

struct PreTokenizerKind {
  std::string_view name;
  CutRules rules;
  std::array<std::string_view, 3> patterns{};  // what the rules mean; those unused are empty
  bool ignore_merges = false;
  bool composes = false;
  bool adds_bos = false;
};

namespace {

using Shape = CutRules::Shape;

constexpr std::string_view kEachNumber = R"(\p{N})";
constexpr std::string_view kUpTo3Numbers = R"(\p{N}{1,3})";
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
#define MODERN(NUMBERS)                                               \
  R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)" NUMBERS \
  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr std::string_view kLlama3 = MODERN(R"(\p{N}{1,3})");
constexpr std::string_view kQwen2 = MODERN(R"(\p{N})");
#undef MODERN
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|)"
    R"( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
#define CAPITAL R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define SMALL R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define BY_CASE(ENDING, NUMBERS)                                                                  \
  R"([^\r\n\p{L}\p{N}]?)" CAPITAL "*" SMALL "+" ENDING R"(|[^\r\n\p{L}\p{N}]?)" CAPITAL "+" SMALL \
  "*" ENDING "|" NUMBERS R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr std::string_view kGpt4o = BY_CASE("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", R"(\p{N}{1,3})");
constexpr std::string_view kTekken = BY_CASE("", R"(\p{N})");
#undef BY_CASE
#undef SMALL
#undef CAPITAL
constexpr std::string_view kHanAndKana = "[一-龥\u3040-ゟ゠-ヿ]+";
constexpr std::string_view kDeepseekV3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr CutRules kGpt2Rules{Shape::gpt2, 0, false, false, true};
constexpr CutRules kSmolLmRules{Shape::gpt2, 1, true, false, true};
constexpr CutRules kLlama3Rules{Shape::modern, 3, false, false, true};
constexpr CutRules kQwen2Rules{Shape::modern, 1, false, false, true};
constexpr CutRules kQwen35Rules{Shape::modern, 1, false, true, true};
constexpr CutRules kGpt4oRules{Shape::by_case, 3, false, false, true};
constexpr CutRules kTekkenRules{Shape::by_case, 1, false, false, false};
constexpr CutRules kDeepseekV3Rules{Shape::deepseek_v3, 3, true, true, false};
constexpr CutRules kDeepseekLlmRules{Shape::deepseek_llm, 1, false, false, false};

// Of kinds with the same expressions, the first is what of_patterns() finds.
constexpr auto kKinds = std::to_array<PreTokenizerKind>({
    {"smollm", kSmolLmRules, {kEachNumber, kGpt2}},
    {"refact", kSmolLmRules},  // Granite, StarCoder 2
    {"starcoder", kSmolLmRules},
    {"command-r", kSmolLmRules},
    {"gpt-2", kGpt2Rules, {kGpt2}},
    {"default", kGpt2Rules},
    {"exaone4", kGpt2Rules},
    {"llama-bpe", kLlama3Rules, {kLlama3}, true, false, true},
    {"llama3", kLlama3Rules, {}, true, false, true},
    {"llama-v3", kLlama3Rules, {}, true, false, true},
    {"falcon3", kLlama3Rules, {}, true, false, true},
    {"falcon-h1", kLlama3Rules, {}, true, false, true},
    {"lfm2", kLlama3Rules, {}, true, false, true},
    {"pixtral", kLlama3Rules, {}, true, false, true},
    {"dbrx", kLlama3Rules},  // OLMo 2, Phi 4
    {"glm4", kLlama3Rules},
    {"chatglm-bpe", kLlama3Rules},
    {"qwen2", kQwen2Rules, {kQwen2}, false, true, false},
    {"deepseek-r1-qwen", kQwen2Rules, {}, false, true, false},
    {"qwen35", kQwen35Rules, {kQwen35}, false, true, false},
    {"gpt-4o", kGpt4oRules, {kGpt4o}},
    {"llama4", kGpt4oRules},
    {"minimax-m2", kGpt4oRules},
    {"tekken", kTekkenRules, {kTekken}, true, false, true},
    {"deepseek-v3", kDeepseekV3Rules, {kUpTo3Numbers, kHanAndKana, kDeepseekV3}},
    {"hunyuan-dense", kDeepseekV3Rules},
    {"deepseek-llm", kDeepseekLlmRules},
});

// Ways of writing the same expression.
std::string plain_spelling(std::string_view pattern) {
  std::string plain;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\r') {
      plain += "\\r";
    } else if (pattern[i] == '\n') {
      plain += "\\n";
    } else if (!pattern.substr(i).starts_with("\\\"")) {
      plain += pattern[i];
    }
  }
  return plain;
}

}  // namespace

Result<PreTokenizer> PreTokenizer::open(std::string_view name) {
  const auto kind = std::ranges::find(kKinds, name, &PreTokenizerKind::name);
  if (kind != kKinds.end()) return PreTokenizer(*kind);
  std::string known;
  for (const PreTokenizerKind& each : kKinds) {
    if (each.patterns[0].empty() && each.rules.shape != Shape::deepseek_llm) continue;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
  }
  return Error{
      ErrorCode::unsupported,
      fmt::format("the pre-tokenizer \"{}\" is not supported; these are, and some that cut "
                  "as they do: {}",
                  printable(name), known)};
}

std::optional<PreTokenizer> PreTokenizer::of_patterns(std::span<const std::string> patterns) {
  for (const PreTokenizerKind& kind : kKinds) {
    std::size_t same = 0;
    while (same < kind.patterns.size() && same < patterns.size() &&
           kind.patterns[same] == plain_spelling(patterns[same])) {
      ++same;
    }
    const bool all = same > 0 && same == patterns.size() &&
                     (same == kind.patterns.size() || kind.patterns[same].empty());
    if (all) return PreTokenizer(kind);
  }
  return std::nullopt;
}

std::string_view PreTokenizer::gpt2_pattern() {
  return kGpt2;
}

std::string_view PreTokenizer::name() const {
  return kind_->name;
}
bool PreTokenizer::ignore_merges() const {
  return kind_->ignore_merges;
}
bool PreTokenizer::composes() const {
  return kind_->composes;
}
bool PreTokenizer::adds_bos() const {
  return kind_->adds_bos;
}

bool PreTokenizer::split(std::string_view text, const Take& take) const {
  return text.empty() || cut_text(kind_->rules, text, take);
}

}  // namespace mneme

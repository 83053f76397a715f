// SPDX-License-Identifier: Apache-2.0
#define PCRE2_CODE_UNIT_WIDTH 8
#include "inference/text/pre_tokenizer.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "base/printable.h"

namespace mneme {
namespace {

// The published patterns, with \s written out: PCRE2's own also takes U+180E, which Unicode does
// not count as white space. Stages cut one after another, each seeing only its piece.
#define SPACE "\\t-\\r\\x{85}\\p{Z}"
constexpr const char* kEachNumber = "\\p{N}";
constexpr const char* kUpTo3Numbers = "\\p{N}{1,3}";
constexpr const char* kGpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE
                              "\\p{L}\\p{N}]+|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+";
#define MODERN(NUMBERS)                                                               \
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" NUMBERS "| ?[^" SPACE \
  "\\p{L}\\p{N}]+[\\r\\n]*|[" SPACE "]*[\\r\\n]+|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+"
constexpr const char* kLlama3 = MODERN("\\p{N}{1,3}");
constexpr const char* kQwen2 = MODERN("\\p{N}");
#undef MODERN
constexpr const char* kHanAndKana = "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+";
constexpr const char* kDeepseekV3 =
    "[!\"#$%&'()*+,\\-./"
    ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\\r\\n]*|[" SPACE "]*[\\r\\n]+|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+";
#undef SPACE

struct Kind {
  std::string_view name;
  std::array<const char*, 3> stages;  // null = none
  bool ignore_merges = false;
  bool composes = false;
  bool adds_bos = false;
};

constexpr std::array<Kind, 8> kKinds{{
    {"smollm", {kEachNumber, kGpt2, nullptr}},
    {"gpt-2", {kGpt2, nullptr, nullptr}},
    {"default", {kGpt2, nullptr, nullptr}},
    {"llama-bpe", {kLlama3, nullptr, nullptr}, true, false, true},
    {"llama3", {kLlama3, nullptr, nullptr}, true, false, true},
    {"llama-v3", {kLlama3, nullptr, nullptr}, true, false, true},
    {"qwen2", {kQwen2, nullptr, nullptr}, false, true, false},
    {"deepseek-v3", {kUpTo3Numbers, kHanAndKana, kDeepseekV3}},
}};

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;

Result<Code> compile(std::string_view name, const char* pattern) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), PCRE2_ZERO_TERMINATED,
                          PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr));
  if (!code) {
    return Error{
        ErrorCode::unsupported,
        fmt::format(
            "the installed PCRE2 cannot compile the pre-tokenizer {} (error {} at {}); it needs "
            "Unicode support",
            name, error, offset)};
  }
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where it fails, matching interprets
  return code;
}

// The patterns backtrack over single characters only, so a match costs steps in proportion to its
// subject; the limit is there in case that is ever untrue.
constexpr std::uint32_t kStepsBase = 10'000'000;

}  // namespace

struct PreTokenizer::Impl {
  Kind kind;
  std::vector<Code> stages;
};

PreTokenizer::PreTokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

namespace {

Result<const Kind*> find_kind(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return Error{ErrorCode::unsupported,
               fmt::format("the pre-tokenizer \"{}\" is not supported (smollm, gpt-2, llama-bpe, "
                           "qwen2 and deepseek-v3 "
                           "are)",
                           printable(name))};
}

}  // namespace

Status PreTokenizer::check_name(std::string_view name) {
  const auto kind = find_kind(name);
  return kind ? Status() : kind.error();
}

Result<PreTokenizer> PreTokenizer::open(std::string_view name) {
  const auto kind = find_kind(name);
  if (!kind) return kind.error();
  auto impl = std::make_unique<Impl>();
  impl->kind = **kind;
  for (const char* pattern : impl->kind.stages) {
    if (pattern == nullptr) break;
    auto code = compile(name, pattern);
    if (!code) return code.error();
    impl->stages.push_back(std::move(*code));
  }
  return PreTokenizer(std::move(impl));
}

bool PreTokenizer::ignore_merges() const {
  return impl_->kind.ignore_merges;
}
bool PreTokenizer::composes() const {
  return impl_->kind.composes;
}
bool PreTokenizer::adds_bos() const {
  return impl_->kind.adds_bos;
}

namespace {

// Cuts a text stage by stage, each piece through all of them before the next one is looked for.
class Cutter {
 public:
  Cutter(const std::vector<Code>& stages, std::size_t text_bytes, const PreTokenizer::Take& take)
      : stages_(stages),
        data_(pcre2_match_data_create(2, nullptr)),
        context_(pcre2_match_context_create(nullptr)),
        take_(take) {
    CHECK(data_ && context_);
    const std::uint64_t steps = kStepsBase + 16 * static_cast<std::uint64_t>(text_bytes);
    pcre2_set_match_limit(context_.get(),
                          static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, 0xffffffffu)));
  }

  // Matches become pieces, and so does what lies between them. False: no more are wanted.
  bool cut(std::string_view text, std::size_t stage = 0) {
    if (stage == stages_.size()) return take_(text);
    std::size_t done = 0;
    for (std::size_t from = 0; from < text.size(); from = done) {
      const auto match = find(text, from, stages_[stage].get());
      if (!match) break;
      const auto [begin, end] = *match;
      if (begin > done && !cut(text.substr(done, begin - done), stage + 1)) return false;
      if (!cut(text.substr(begin, end - begin), stage + 1)) return false;
      done = end;
    }
    return done == text.size() || cut(text.substr(done), stage + 1);
  }

 private:
  std::optional<std::pair<std::size_t, std::size_t>> find(std::string_view text, std::size_t from,
                                                          const pcre2_code* code) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const int rc = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data_.get(),
                               context_.get());
    if (rc == PCRE2_ERROR_NOMATCH) return std::nullopt;
    if (rc < 0) {
      log_error(
          "inference",
          "splitting {} bytes of text failed (PCRE2 error {}); tokens may differ from the model's",
          text.size(), rc);
      return std::nullopt;
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data_.get());
    if (bounds[1] <= bounds[0]) return std::nullopt;  // none of the patterns matches nothing
    return std::pair{bounds[0], bounds[1]};
  }

  const std::vector<Code>& stages_;
  const std::unique_ptr<pcre2_match_data, FreeMatch> data_;
  const std::unique_ptr<pcre2_match_context, FreeContext> context_;
  const PreTokenizer::Take& take_;
};

}  // namespace

bool PreTokenizer::split(std::string_view text, const Take& take) const {
  return text.empty() || Cutter(impl_->stages, text.size(), take).cut(text);
}

}  // namespace mneme

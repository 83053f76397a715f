// SPDX-License-Identifier: Apache-2.0
// Every rule of a model file: what would make answers silently wrong is refused by name, what
// changes nothing passes, and opening a model and `mneme-cli check` agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "gpu/registry.h"
#include "inference/model/check_model.h"
#include "inference/run/engine.h"
#include "inference/text/tokenizer.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

class ModelRules : public ::testing::Test {
 protected:
  ModelRules() : model_(write_tiny_model(folder_.path(), {.memory = false})) {}

  // The reason why the edited copy does not open; "" if it does. `check` says the same.
  std::string reason(const GgufEdit& edit) {
    const auto file = GgufFile::open(model_);
    EXPECT_TRUE(file);
    const std::string path = folder_.file("edited.gguf");
    write_edited(*file, edit, path);
    EngineOptions options;
    options.model_path = path;
    options.memory = "off";
    options.threads = 1;
    const auto opened = Engine::open(options);
    const std::string why = opened ? "" : opened.error().message;
    left_out_ = "";
    if (const auto edited = ModelSource::open(path); edited) {
      const auto checked = check_model(*edited);
      EXPECT_EQ(checked ? "" : checked.error().message, why);
      // The header alone says the same, but for what only the vocabulary tells.
      const auto header = check_model_header(*edited, *cpu_);
      if (!header) {
        EXPECT_EQ(header.error().message, why);
      }
      if (checked) {
        chat_ = checked->chat;
        left_out_ = checked->left_out;
        EXPECT_EQ(opened ? (*opened)->layout().chat_available : false, chat_ == "yes");
      }
    }
    return why;
  }

  void expect_refused(const GgufEdit& edit, std::initializer_list<const char*> words) {
    const std::string why = reason(edit);
    EXPECT_NE(why, "") << *words.begin();
    for (const char* word : words)
      EXPECT_NE(why.find(word), std::string::npos) << word << ": " << why;
  }

  TemporaryFolder folder_;
  std::string model_;
  const std::unique_ptr<Backend> cpu_ = *open_backend({1, ""});
  std::string chat_, left_out_;  // what check_model said of the last copy
};

TEST_F(ModelRules, AnUneditedCopyOpens) {
  EXPECT_EQ(reason({}), "");
}

TEST_F(ModelRules, AnotherArchitectureOrTypeOfWeightsIsNamed) {
  expect_refused(set_string("general.architecture", "mamba"),
                 {"architecture 'mamba'", "'llama'", "edited.gguf"});
  expect_refused({{"general.architecture"}, {}, {}}, {"general.architecture"});
  for (const auto& [type, name] : {std::pair{10u, "Q2_K"}, {11u, "Q3_K"}, {23u, "IQ4_XS"}}) {
    expect_refused(replace_tensor("blk.1.ffn_up.weight", type, {256, 24}),
                   {name, "blk.1.ffn_up.weight"});
  }
  expect_refused(replace_tensor("blk.1.ffn_up.weight", 24, {64, 96}), {"I8"});
  expect_refused(replace_tensor("blk.0.attn_norm.weight", 8, {64}), {"attn_norm.weight", "Q8_0"});
  EXPECT_EQ(reason(replace_tensor("blk.0.attn_norm.weight", 1, {64})), "");
}

TEST_F(ModelRules, AMissingOrMisshapenTensorIsNamed) {
  for (const char* name : {"token_embd.weight", "blk.0.attn_q.weight", "blk.1.ffn_norm.weight",
                           "blk.1.ffn_down.weight", "output_norm.weight"}) {
    expect_refused({{}, {name}, {}}, {name});
  }
  expect_refused(replace_tensor("blk.0.attn_k.weight", 0, {64, 64}), {"blk.0.attn_k.weight", "32"});
  expect_refused(replace_tensor("blk.0.attn_q.weight", 0, {64, 64, 2}), {"blk.0.attn_q.weight"});
  expect_refused(replace_tensor("token_embd.weight", 0, {64, 100}), {"tokens"});
}

TEST_F(ModelRules, NumbersThatContradictEachOtherAreRefused) {
  expect_refused(set_u32("llama.block_count", 0), {"llama.block_count"});
  expect_refused(set_u32("llama.block_count", 3), {"blk.2."});
  expect_refused(set_u32("llama.embedding_length", 96), {"96"});
  expect_refused(set_u32("llama.attention.head_count", 0), {"llama.attention.head_count"});
  expect_refused(set_u32("llama.attention.head_count_kv", 3), {"heads"});
  expect_refused(set_u32("llama.attention.head_count", 1u << 20), {"heads"});
  expect_refused(set_u32("llama.attention.key_length", 1u << 20), {"heads"});
  expect_refused(set_u32("llama.rope.dimension_count", 7), {"RoPE"});
  expect_refused(set_u32("llama.rope.dimension_count", 512), {"RoPE"});
  expect_refused(set_u32("llama.expert_count", 8), {"llama.expert_used_count is missing"});
  expect_refused(set_string("llama.context_length", "many"), {"llama.context_length"});
  expect_refused(set_u32("llama.context_length", 0), {"llama.context_length"});
  expect_refused(set_f32("llama.rope.freq_base", std::nanf("")), {"llama.rope.freq_base"});
  expect_refused(set_f32("llama.attention.layer_norm_rms_epsilon", -1),
                 {"llama.attention.layer_norm_rms_epsilon"});
  expect_refused(set_string("llama.rope.scaling.type", "llama3"), {"rope_freqs.weight"});
  expect_refused(set_string("llama.rope.scaling.type", "longrope"), {"longrope"});
}

TEST_F(ModelRules, NumbersThatAreNoneAreRefusedWithTheirKey) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float value : {std::nanf(""), infinity, -infinity, 0.0f, -1.0f}) {
    for (const char* key : {"llama.rope.freq_base", "llama.attention.layer_norm_rms_epsilon"})
      expect_refused(set_f32(key, value), {key, "edited.gguf"});
    if (value == 0) continue;  // a factor of 0 is none
    for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"})
      expect_refused(set_f32(key, value), {key});
  }
  expect_refused(set_f32("llama.attention.layer_norm_rms_epsilon", 1), {"below 1"});
  expect_refused({{"llama.attention.layer_norm_rms_epsilon"}, {}, {}},
                 {"llama.attention.layer_norm_rms_epsilon"});
  GgufEdit factors{{}, {}, {}};
  const std::vector<float> values{1, 1, 0, 1, 1, 1, 1, 1};
  factors.add = [&](GgufWriter& w) {
    w.add_tensor("rope_freqs.weight", 0, {8}, std::as_bytes(std::span(values)));
  };
  expect_refused(factors, {"rope_freqs.weight", "value 2"});
}

TEST_F(ModelRules, ATensorThatNothingComputesWithIsNamed) {
  for (const char* name : {"blk.0.attn_q_norm.weight", "blk.1.post_attention_norm.weight",
                           "blk.1.ffn_gate.scale", "blk.2.attn_norm.weight", "output.bias",
                           "token_embd_norm.weight", "rope_factors_long.weight", "x\x1b[2J"}) {
    expect_refused(add_ones(name), {printable(name).c_str(), "does not compute"});
  }
}

TEST_F(ModelRules, PartsBesideTheModelAreLeftOutAndSaid) {
  EXPECT_EQ(reason(add_ones("v.patch_embd.weight")), "");
  EXPECT_EQ(left_out_, "1 tensor of a vision tower");
  GgufEdit draft = add_ones("blk.2.nextn.eh_proj.weight");
  draft.drop_keys = {"llama.block_count"};
  const auto add_tensor = draft.add;
  draft.add = [&](GgufWriter& w) {
    w.add_u32("llama.block_count", 3);
    w.add_u32("llama.nextn_predict_layers", 1);
    add_tensor(w);
  };
  EXPECT_EQ(reason(draft), "");
  EXPECT_EQ(left_out_, "1 tensor of a draft head");
  EXPECT_EQ(reason({}), "");
  EXPECT_EQ(left_out_, "");
}

TEST_F(ModelRules, ASettingThatChangesTheComputationIsNamedAndItsNeutralValuePasses) {
  struct Setting {
    const char* key;
    float changes, neutral;
  };
  for (const Setting& setting : {Setting{"llama.logit_scale", 0.5f, 1},
                                 {"llama.residual_scale", 0.22f, 1},
                                 {"llama.embedding_scale", 12, 1},
                                 {"llama.attention.scale", 0.1f, 0.25f},
                                 {"llama.attn_logit_softcapping", 50, 0},
                                 {"llama.final_logit_softcapping", 30, 0},
                                 {"llama.attention.max_alibi_bias", 8, 0},
                                 {"llama.rope.scaling.attn_factor", 1.2f, 1}}) {
    expect_refused(set_f32(setting.key, setting.changes), {setting.key, "does not compute"});
    EXPECT_EQ(reason(set_f32(setting.key, setting.neutral)), "");
  }
  for (const auto& [key, changes, neutral] :
       {std::tuple{"llama.attention.sliding_window", 100u, 512u},
        {"llama.attention.sliding_window", 511u, 0u},
        {"llama.pooling_type", 1u, 0u},
        {"llama.attention.shared_kv_layers", 1u, 0u}}) {
    expect_refused(set_u32(key, changes), {key});
    EXPECT_EQ(reason(set_u32(key, neutral)), "");
  }
  expect_refused(set_bool("llama.attention.causal", false), {"llama.attention.causal = false"});
  EXPECT_EQ(reason(set_bool("llama.attention.causal", true)), "");
  expect_refused(set_bool("llama.use_parallel_residual", true), {"llama.use_parallel_residual"});
  expect_refused(set_string("llama.hidden_activation", "gelu"), {"'gelu'"});
  EXPECT_EQ(reason(set_string("llama.hidden_activation", "silu")), "");
  expect_refused(set_u32("llama.invented", 0), {"llama.invented"});
  // What says nothing about the computation, and keys of others.
  for (const char* key : {"llama.vocab_size", "llama.expert_used_count", "llama.expert_count",
                          "qwen2.logit_scale", "general.quantization_version"}) {
    EXPECT_EQ(reason(set_u32(key, 0)), "") << key;
  }
}

TEST_F(ModelRules, ATokenizerSettingThatChangesTokensOrAnswersIsNamed) {
  for (const char* key : {"tokenizer.ggml.add_eos_token", "tokenizer.ggml.normalizer.lowercase",
                          "tokenizer.ggml.normalizer.strip_accents"}) {
    expect_refused(set_bool(key, true), {key, "= true", "does not compute", "edited.gguf"});
    expect_refused(set_string(key, "no"), {key, "'no'"});
    EXPECT_EQ(reason(set_bool(key, false)), "") << key;
  }
  expect_refused(set_u32("tokenizer.ggml.invented", 0), {"tokenizer.ggml.invented = 0"});
  // Of other kinds of tokenizer, of texts in pairs or with a hole in them; and of others.
  for (const char* key : {"tokenizer.ggml.token_type_count", "tokenizer.ggml.unknown_token_id",
                          "tokenizer.ggml.mask_token_id", "tokenizer.ggml.fim_pre_token_id",
                          "tokenizer.rwkv.world"}) {
    EXPECT_EQ(reason(set_u32(key, 1)), "") << key;
  }
  for (const char* key : {"tokenizer.ggml.add_space_prefix", "tokenizer.ggml.add_sep_token",
                          "tokenizer.ggml.remove_extra_whitespaces"}) {
    EXPECT_EQ(reason(set_bool(key, true)), "") << key;
  }
  for (const char* key : {"tokenizer.ggml.suppress_tokens", "tokenizer.ggml.eos_token_ids"}) {
    EXPECT_EQ(reason(set_i32s(key, {0, 1})), "") << key;
    EXPECT_EQ(reason(set_i32s(key, {})), "") << key;
    expect_refused(set_i32s(key, {0, 100'000}), {key, "100000"});
    expect_refused(set_i32s(key, {-1}), {key, "-1"});
    expect_refused(set_u32(key, 1), {key});
  }
  expect_refused(set_u32("tokenizer.ggml.fim_rep_token_id", 100'000),
                 {"tokenizer.ggml.fim_rep_token_id", "100000"});
}

// llama.cpp gives them a logit of minus infinity.
TEST_F(ModelRules, SuppressedTokensAreNeverPicked) {
  const auto source = GgufFile::open(model_);
  ASSERT_TRUE(source);
  const auto answer_without = [&](const std::vector<std::int32_t>& never, float temperature) {
    const std::string path = folder_.file("suppressed.gguf");
    write_edited(*source, set_i32s("tokenizer.ggml.suppress_tokens", never), path);
    EngineOptions options;
    options.model_path = path;
    options.threads = 1;
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message;
    GenerateRequest request;
    request.raw_prompt = "the sea";
    request.max_tokens = 40;
    request.ignore_end = true;
    request.sampling = {.temperature = temperature, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 1};
    request.trace = std::make_shared<TraceLog>();
    auto result = (*engine)->generate(request);
    EXPECT_TRUE(result) << result.error().message;
    std::vector<TokenId> picked;
    for (EventIndex i = result->reply_first_event; i < result->reply_end_event; ++i)
      picked.push_back(request.trace->record(i).token());
    return picked;
  };
  for (const float temperature : {0.0f, 10.0f}) {
    const std::vector<TokenId> usual = answer_without({}, temperature);
    ASSERT_EQ(usual.size(), 40u);
    // Each of those that were picked, twice and in any order.
    std::vector<std::int32_t> never(usual.rbegin(), usual.rend());
    const std::vector<TokenId> other = answer_without(never, temperature);
    EXPECT_EQ(other.size(), 40u);
    for (const TokenId token : other) EXPECT_EQ(std::ranges::find(usual, token), usual.end());
  }
  // All but one are left out, whatever the sampler's settings.
  const std::int32_t count = Tokenizer::from_gguf(source->metadata())->vocab_size();
  std::vector<std::int32_t> never;
  for (std::int32_t id = 0; id < count; ++id) {
    if (id != 77) never.push_back(id);
  }
  EXPECT_EQ(answer_without(never, 10), std::vector<TokenId>(40, 77));
  never.push_back(77);
  expect_refused(set_i32s("tokenizer.ggml.suppress_tokens", never),
                 {"the suppressed tokens leave none"});
}

TEST_F(ModelRules, EachOfSeveralEndTokensEndsAnAnswer) {
  const auto source = GgufFile::open(model_);
  ASSERT_TRUE(source);
  for (const GgufEdit& edit : {set_i32s("tokenizer.ggml.eos_token_ids", {40, 41}),
                               set_u32("tokenizer.ggml.fim_pad_token_id", 41),
                               set_u32("tokenizer.ggml.fim_rep_token_id", 41),
                               set_u32("tokenizer.ggml.fim_sep_token_id", 41)}) {
    const std::string path = folder_.file("ends.gguf");
    write_edited(*source, edit, path);
    const auto tokenizer = Tokenizer::from_gguf(GgufFile::open(path)->metadata());
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_TRUE(tokenizer->is_end(41)) << *edit.drop_keys.begin();
  }
}

TEST_F(ModelRules, CountsMayBeGivenForEachLayerIfAllAreAlike) {
  EXPECT_EQ(reason(set_u32s("llama.attention.head_count_kv", {2, 2})), "");
  EXPECT_EQ(reason(set_u32s("llama.attention.head_count", {4, 4})), "");
  EXPECT_EQ(reason(set_u32s("llama.feed_forward_length", {96, 96})), "");
  expect_refused(set_u32s("llama.attention.head_count_kv", {2, 4}),
                 {"llama.attention.head_count_kv", "layers that differ"});
  expect_refused(set_u32s("llama.feed_forward_length", {96, 96, 96}),
                 {"llama.feed_forward_length", "3 values for 2 layers"});
  expect_refused(set_u32s("llama.attention.head_count", {0, 0}), {"llama.attention.head_count"});
}

TEST_F(ModelRules, AFileOfAnotherKindSaysWhatToOpenInstead) {
  GgufEdit part = set_u32("split.count", 2);
  expect_refused(part, {"one of 2 files of a model", "name-00001-of-00002.gguf"});
  EXPECT_EQ(reason(set_u32("split.count", 1)), "");
  EXPECT_EQ(reason(set_string("general.type", "model")), "");
  for (const auto& [kind, words] : {std::pair{"adapter", "adapter (LoRA)"},
                                    {"mmproj", "open the language model"},
                                    {"imatrix", "importance matrix"},
                                    {"engram-pack", "memory pack"},
                                    {"engram-tables", "mneme-cli tables"},
                                    {"else\x1b", "kind 'else\\x1b'"}}) {
    expect_refused(set_string("general.type", kind), {"edited.gguf", words});
  }
}

TEST_F(ModelRules, AChatTemplateOfAWrongTypeLeavesAModelThatContinuesText) {
  EXPECT_EQ(reason(set_u32("tokenizer.chat_template", 3)), "");
  EXPECT_NE(chat_.find("tokenizer.chat_template"), std::string::npos) << chat_;
  EXPECT_EQ(reason({{"tokenizer.chat_template"}, {}, {}}), "");
  EXPECT_NE(chat_.find("no chat template"), std::string::npos) << chat_;
}

TEST_F(ModelRules, WeightsThatAreNotNumbersEndTheAnswerWithAReason) {
  const auto file = GgufFile::open(model_);
  ASSERT_TRUE(file);
  const std::vector<float> broken(64, std::nanf(""));
  const std::string path = folder_.file("nan.gguf");
  GgufEdit edit{{}, {"blk.1.ffn_norm.weight"}, {}};
  edit.add = [&](GgufWriter& w) {
    w.add_tensor("blk.1.ffn_norm.weight", 0, {64}, std::as_bytes(std::span(broken)));
  };
  write_edited(*file, edit, path);
  EngineOptions options;
  options.model_path = path;
  options.threads = 1;
  auto engine = Engine::open(options);
  ASSERT_TRUE(engine) << engine.error().message;
  GenerateRequest request;
  request.raw_prompt = "the sea";
  request.max_tokens = 2;
  const auto answer = (*engine)->generate(request);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("not finite numbers"), std::string::npos)
      << answer.error().message;
}

}  // namespace
}  // namespace mneme
